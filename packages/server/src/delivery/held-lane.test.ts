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
    held.beginFetch(MAX);
    held.endFetch([]);
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
  expect([buffered(held), held.beginFetch(MAX).after]).toEqual([[], undefined]);
  held.beginFetch(MAX);
  held.endFetch([row(1), row(2)]);
  expect(buffered(held)).toEqual(events(1, 2));
});

test('what a full buffer refuses is read later, from where the buffer ends', () => {
  const held = lane();
  for (let n = 1; n <= 6; n++) held.offer(row(n), MAX);
  expect([buffered(held), held.more]).toEqual([events(1, 2, 3, 4), true]);
  held.buffer.length = 0;
  held.offer(row(7), MAX);
  expect(held.beginFetch(MAX).after?.event).toBe(row(4).due.event);
});

test('a row offered behind the cursor makes it read from the start', () => {
  const held = lane();
  held.offer(row(5), MAX);
  held.offer(row(3), MAX);
  expect([held.more, held.beginFetch(MAX).after]).toEqual([true, undefined]);
  held.beginFetch(MAX);
  held.endFetch([row(3), row(5)]);
  expect(buffered(held)).toEqual(events(5, 3));
});

test('a row offered during a fetch is looked for again after it', () => {
  const held = lane();
  held.beginFetch(MAX);
  held.offer(row(1), MAX);
  held.endFetch([]);
  expect([buffered(held), held.more, held.beginFetch(MAX).after]).toEqual([[], true, undefined]);
});

test('a row whose outcome was stored during a fetch is not taken from it', () => {
  const held = lane();
  held.offer(row(1), MAX);
  held.buffer.length = 0;
  held.beginFetch(MAX);
  held.forget(rowKey(row(1).due));
  held.endFetch([row(1), row(2)]);
  expect(buffered(held)).toEqual(events(2));
});

test('a lane that is never idle is read from the start when a retry of it is due', () => {
  const held = lane();
  held.offer(row(1), MAX);
  held.owesAt = NOW + 100;
  held.rereadIfDue(NOW + 99);
  expect(held.more).toBe(false);
  held.rereadIfDue(NOW + 100);
  expect([held.more, held.beginFetch(MAX).after]).toEqual([true, undefined]);
});

test('and every five seconds, for retries that an earlier holder knew of', () => {
  const held = lane();
  held.offer(row(1), MAX);
  held.rereadIfDue(NOW + 4999);
  expect(held.more).toBe(false);
  held.rereadIfDue(NOW + 5000);
  expect(held.more).toBe(true);
});

test('a look finds what another node put before the cursor, and what is in memory once', () => {
  const held = lane();
  held.offer(row(5), MAX);
  held.look();
  expect(held.beginFetch(MAX)).toMatchObject({ after: undefined, limit: MAX + 1 });
  held.endFetch([row(3), row(5)]);
  expect([buffered(held), held.more]).toEqual([events(5, 3), false]);
});

test('what is offered during a look is taken from memory', () => {
  const held = lane();
  held.look();
  held.beginFetch(MAX);
  expect(held.offer(row(1), MAX)).toBe(true);
  held.endFetch([]);
  expect([buffered(held), held.more]).toEqual([events(1), false]);
});

test('what a look read before it was offered here is sent once', () => {
  const held = lane();
  held.look();
  held.beginFetch(MAX);
  held.endFetch([row(1)]);
  held.buffer.length = 0;
  held.forget(rowKey(row(1).due));
  expect(held.offer(row(1), MAX)).toBe(false);
  held.beginFetch(MAX);
  held.endFetch([]);
  expect([buffered(held), held.more]).toEqual([[], false]);
});

test('a look that did not see the end goes on from where it stopped', () => {
  const held = lane();
  held.look();
  held.beginFetch(2);
  held.endFetch([row(1), row(2)]);
  expect([buffered(held), held.more]).toEqual([events(1, 2), true]);
  expect(held.beginFetch(2).after?.event).toBe(row(2).due.event);
});

test('an ordered lane is read on from the cursor, not from the start', () => {
  const held = lane();
  held.beginFetch(MAX);
  held.endFetch([row(1)]);
  held.setLimits({ maxConcurrency: 1, rate: undefined, fifo: true });
  held.look();
  expect(held.beginFetch(MAX).after?.event).toBe(row(1).due.event);
});
