import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createIdFactory, decodeId, encodeId } from '../../core/ids.ts';
import type { EventId } from '../../core/model.ts';
import { keyOf, laneOf, T0, World } from '../suite/world.suite.ts';
import { attemptId, attemptKey, eventId, eventKey, seqAt, slotOfRest, timeOfSeq } from './keys.ts';
import { openForSuite } from './open-for-suite.suite.ts';

const times = fc.integer({ min: 1, max: Date.UTC(2089, 0, 1) });

test('an event id is its key and the other way round, and keys sort as ids do', () => {
  const made = fc.array(fc.record({ at: times, slot: fc.nat(255) }), { minLength: 2 });
  fc.assert(
    fc.property(made, (events) => {
      const ids = events.map(({ at, slot }) => createIdFactory(randomBytes).event(slot, at));
      const keys = ids.map((id) => eventKey(id) ?? { seq: Number.NaN, rest: new Uint8Array() });
      expect(keys.map(({ seq, rest }) => eventId(seq, rest))).toEqual(ids);
      expect(keys.map(({ rest }) => slotOfRest(rest))).toEqual(events.map(({ slot }) => slot));
      expect(keys.map(({ seq }) => timeOfSeq(seq))).toEqual(events.map(({ at }) => at));
      for (const [i, { at }] of events.entries()) {
        expect(keys[i]?.seq).toBeGreaterThanOrEqual(seqAt(at));
        expect(keys[i]?.seq).toBeLessThan(seqAt(at + 1));
      }
    }),
  );
});

test('what is no id of an event, or of a time beyond all keys, has no key', () => {
  for (const id of ['', 'evt_', 'evt_x', `evt_7${'z'.repeat(25)}`]) {
    expect(eventKey(id)).toBeUndefined();
  }
});

test('an attempt id is its start and row, and no other id is', () => {
  fc.assert(
    fc.property(times, fc.nat({ max: Number.MAX_SAFE_INTEGER }), (startedAt, seq) => {
      expect(attemptKey(attemptId({ startedAt, seq }))).toEqual({ startedAt, seq });
    }),
  );
  expect(attemptKey(createIdFactory(randomBytes).event(0, T0))).toBeUndefined();
  expect(attemptKey('att_')).toBeUndefined();
});

test('an id that clashes with a stored one is refused, and only that request', async () => {
  await using w = new World(openForSuite);
  await w.open();
  const endpoint = await w.endpoint();
  const [stored] = await w.feed(endpoint);
  const event = w.event([laneOf(endpoint)]);
  const clash = { ...event, id: twin(stored?.id ?? 'evt_') };
  const [before, refused, after] = await Promise.allSettled([
    w.feed(endpoint),
    w.ingest(w.event([laneOf(endpoint)]), clash),
    w.feed(endpoint),
  ]);
  expect([before.status, after.status]).toEqual(['fulfilled', 'fulfilled']);
  expect(refused).toMatchObject({ reason: { name: 'StoreError', kind: 'unavailable' } });
  expect(await w.due(endpoint)).toHaveLength(3);
  expect(await w.log.stats(w.now)).toMatchObject({ events: 3, pending: 3 });
});

test('an id that differs only in its random part finds nothing', async () => {
  await using w = new World(openForSuite);
  await w.open();
  const endpoint = await w.endpoint();
  await w.feed(endpoint);
  const key = await w.first(endpoint);
  const event = twin(key.event);
  expect(await w.log.event('default', event)).toBeUndefined();
  expect(await w.lanes.load([{ ...key, event }])).toMatchObject([{ event: undefined }]);
  expect(await w.requeue(endpoint, event)).toEqual({ kind: 'unknown' });
  const cancel = { ...key, event, do: 'cancel' } as const;
  expect(await w.lanes.command([cancel], w.now)).toEqual(['absent']);
  const node = await w.node();
  expect(await w.lanes.command([cancel], w.now)).toEqual(['queued']);
  await w.release(node, key);
  expect(await w.due(endpoint)).toHaveLength(1);
  await w.settle(await w.node(), endpoint, { key, next: { kind: 'succeeded' } });
  const query = { tenant: 'default', event, limit: 9 };
  expect((await w.log.attempts(query)).items).toEqual([]);
  expect((await w.log.deliveries(query)).items).toEqual([]);
  expect((await w.log.events(query)).items).toEqual([]);
});

test('what is no id of an event is asked for in vain', async () => {
  await using w = new World(openForSuite);
  await w.open();
  const endpoint = await w.endpoint();
  const key = { ...keyOf(endpoint), run: 0 };
  for (const event of ['evt_', `evt_7${'z'.repeat(25)}`] as const) {
    expect(await w.log.event('default', event)).toBeUndefined();
    expect(await w.lanes.command([{ ...key, event, do: 'cancel' }], w.now)).toEqual(['absent']);
    expect(await w.requeue(endpoint, event)).toEqual({ kind: 'unknown' });
    expect(await w.deliveries({ event })).toEqual([]);
  }
});

test('an attempt is found by its id alone, not by its row under another start', async () => {
  await using w = new World(openForSuite);
  await w.open();
  const endpoint = await w.endpoint();
  await w.feed(endpoint);
  const key = await w.first(endpoint);
  await w.settle(await w.node(), endpoint, { key, next: { kind: 'succeeded' } });
  const id = await w.attemptId();
  const { startedAt, seq } = attemptKey(id) ?? { startedAt: 0, seq: 0 };
  expect(await w.log.attempt('default', id)).toMatchObject({ row: { id, event: key.event } });
  const other = attemptId({ startedAt: startedAt + 1, seq });
  expect(await w.log.attempt('default', other)).toBeUndefined();
});

/** The same time and counter, another random part. */
function twin(id: EventId): EventId {
  const bytes = Uint8Array.from(decodeId(id) ?? []);
  bytes[15] = (bytes[15] ?? 0) ^ 1;
  return `evt_${encodeId(bytes)}`;
}
