import { expect, test } from 'vitest';
import type { EndpointId } from '../core/model.ts';
import { HeldLane } from './held-lane.ts';
import { Sharing } from './sharing.ts';

const NOW = 1_000_000;

function lanes(count: number): Map<number, HeldLane> {
  const limits = { maxConcurrency: 16, rate: undefined, fifo: false };
  return new Map(
    Array.from({ length: count }, (_, lane) => {
      const taken = { slot: 0, lane, endpoint: 'ep_1' as EndpointId, strikes: 0 };
      const health = { crashedAt: undefined, failingSince: 0, failures: 0 };
      return [lane, new HeldLane({ ...taken, ...health }, limits, NOW)];
    }),
  );
}

test('held lanes are looked at every 25 ms, and less often when very many are held', () => {
  const sharing = new Sharing(() => 0);
  expect([sharing.looks(10, NOW), sharing.lookAt]).toEqual([true, NOW + 25]);
  expect(sharing.looks(10, NOW + 24)).toBe(false);
  expect([sharing.looks(2000, NOW + 25), sharing.lookAt]).toEqual([true, NOW + 425]);
});

test('a node with time to spare offers none of its lanes', () => {
  const sharing = new Sharing(() => 0.5);
  expect(sharing.offered(lanes(16), NOW + 5000)).toEqual([]);
});

test('a busy one offers an eighth of what it has held for 5 s, and takes none for a moment', () => {
  const sharing = new Sharing(() => 1);
  const held = lanes(16);
  expect(sharing.offered(held, NOW + 4999)).toEqual([]);
  const offered = sharing.offered(held, NOW + 9999);
  expect(offered.map(({ lane }) => lane)).toEqual([0, 1]);
  expect(sharing.restsUntil).toBe(NOW + 9999 + 150);
  expect(sharing.offered(held, NOW + 10_000)).toEqual([]);
});
