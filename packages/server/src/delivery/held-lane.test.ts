import { expect, test } from 'vitest';
import type { EndpointId, EventId } from '../core/model.ts';
import { HeldLane, type Ready, rowKey } from './held-lane.ts';

/** The order of reading and offering, step by step: through the front door its races are rare. */

const NOW = 1000;
const MAX = 4;

function row(n: number, dueAt = NOW): Ready {
  const event = `evt_${String(n).padStart(26, '0')}` as EventId;
  const due = { slot: 0, lane: 16, dueAt, event, run: 0, ownId: false, attempt: 0, starts: 0 };
  return { due, event: undefined, frozen: undefined };
}

/** Read to its end, unless `unread`. */
function lane(unread = false): HeldLane {
  const limits = { maxConcurrency: 16, rate: undefined, fifo: false };
  const taken = { slot: 0, lane: 16, endpoint: 'ep_1' as EndpointId, strikes: 0 };
  const held = new HeldLane(
    { ...taken, crashedAt: undefined, failingSince: 0, failures: 0 },
    limits,
    NOW,
  );
  if (!unread) {
    held.beginFetch();
    held.endFetch([], MAX);
  }
  return held;
}

const buffered = (held: HeldLane) => held.buffer.map(({ due }) => due.event);
const events = (...numbers: number[]) => numbers.map((n) => row(n).due.event);

test('takes an offered row from memory when it was read to its end', () => {
  const held = lane();
  held.offer(row(1), MAX);
  expect([buffered(held), held.more]).toEqual([events(1), false]);
});

test('takes none while the store may hold earlier ones, and reads those first', () => {
  const held = lane(true);
  held.offer(row(2), MAX);
  expect([buffered(held), held.cursor(MAX).after]).toEqual([[], undefined]);
  held.beginFetch();
  held.endFetch([row(1), row(2)], MAX);
  expect(buffered(held)).toEqual(events(1, 2));
});

test('what a full buffer refuses is read later, from where the buffer ends', () => {
  const held = lane();
  for (let n = 1; n <= 6; n++) held.offer(row(n), MAX);
  expect([buffered(held), held.more]).toEqual([events(1, 2, 3, 4), true]);
  held.buffer.length = 0;
  held.offer(row(7), MAX);
  expect(held.cursor(MAX).after?.event).toBe(row(4).due.event);
});

test('a row offered behind the cursor makes it read from the start', () => {
  const held = lane();
  held.offer(row(5), MAX);
  held.offer(row(3), MAX);
  expect([held.more, held.cursor(MAX).after]).toEqual([true, undefined]);
  held.beginFetch();
  held.endFetch([row(3), row(5)], MAX);
  expect(buffered(held)).toEqual(events(5, 3));
});

test('a row offered during a fetch is looked for again after it', () => {
  const held = lane();
  held.beginFetch();
  held.offer(row(1), MAX);
  held.endFetch([], MAX);
  expect([buffered(held), held.more, held.cursor(MAX).after]).toEqual([[], true, undefined]);
});

test('a row whose outcome was stored during a fetch is not taken from it', () => {
  const held = lane();
  held.offer(row(1), MAX);
  held.buffer.length = 0;
  held.beginFetch();
  held.forget(rowKey(row(1).due));
  held.endFetch([row(1), row(2)], MAX);
  expect(buffered(held)).toEqual(events(2));
});

test('a lane that is never idle is read from the start when a retry of it is due', () => {
  const held = lane();
  held.offer(row(1), MAX);
  held.owesAt = NOW + 100;
  held.rereadIfDue(NOW + 99);
  expect(held.more).toBe(false);
  held.rereadIfDue(NOW + 100);
  expect([held.more, held.cursor(MAX).after]).toEqual([true, undefined]);
});

test('and every five seconds, for retries that an earlier holder knew of', () => {
  const held = lane();
  held.offer(row(1), MAX);
  held.rereadIfDue(NOW + 4999);
  expect(held.more).toBe(false);
  held.rereadIfDue(NOW + 5000);
  expect(held.more).toBe(true);
});
