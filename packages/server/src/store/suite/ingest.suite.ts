import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { createIdFactory } from '../../core/ids.ts';
import type { Endpoint } from '../../core/model.ts';
import { slotOf } from '../../core/routing.ts';
import { StoreError } from '../store.ts';
import {
  type Cases,
  INLINE_FANOUT_MAX,
  keyOf,
  laneOf,
  makeEndpoint,
  RETENTION,
  type World,
} from './world.suite.ts';

/** Acceptance: atomic, idempotent, routed by the present configuration, complete. */
export const ingestCases: Cases = {
  'an event and all it is owed become visible together': async (w) => {
    const endpoints = [await w.endpoint(), await w.endpoint()];
    const event = w.event(endpoints.map(laneOf));
    expect(await w.ingest(event)).toEqual([
      { id: event.id, duplicate: false, deliveries: 2, irregular: false },
    ]);
    expect(await w.log.event('default', event.id)).toMatchObject({ id: event.id, deliveries: 2 });
    const rows = await w.deliveries({ event: event.id });
    expect(rows.map(({ endpoint, state }) => [endpoint, state])).toEqual(
      endpoints.map(({ id }) => [id, 'pending']),
    );
    for (const endpoint of endpoints) expect(await w.due(endpoint)).toHaveLength(1);
  },

  'a repeated id with the same bytes gets the first answer': async (w) => {
    const endpoint = await w.endpoint();
    const first = w.event([laneOf(endpoint)], { idempotencyKey: 'k' });
    await w.ingest(first);
    w.now += 1000;
    const again = w.event([], { idempotencyKey: 'k' });
    expect(await w.ingest(again)).toMatchObject([{ id: first.id, duplicate: true, deliveries: 1 }]);
    expect(await w.due(endpoint)).toHaveLength(1);
    expect((await w.log.stats(w.now)).events).toBe(1);
  },

  'a repeated id with other bytes is refused by index and nothing of its request is stored': async (
    w,
  ) => {
    const endpoint = await w.endpoint();
    const lanes = [laneOf(endpoint)];
    const first = w.event(lanes, { idempotencyKey: 'k' });
    await w.ingest(first);
    const other = { idempotencyKey: 'k', data: Buffer.from('2') };
    const batch = [
      { events: [w.event(lanes), w.event(lanes, other)] },
      { events: [w.event(lanes)] },
    ];
    const [refused, stored] = await w.lanes.ingest(batch, w.version, w.now);
    expect(refused).toEqual({ kind: 'conflict', index: 1, existing: first.id });
    expect(stored?.kind).toBe('accepted');
    expect((await w.log.stats(w.now)).events).toBe(2);
    expect(await w.due(endpoint)).toHaveLength(2);
  },

  'an id twice inside one request is one event; with other bytes it refuses the request': async (
    w,
  ) => {
    const one = w.event([], { idempotencyKey: 'k' });
    const replies = await w.ingest(one, w.event([], { idempotencyKey: 'k' }));
    expect(replies).toMatchObject([{ duplicate: false }, { id: one.id, duplicate: true }]);
    const twice = ['1', '2'].map((data) =>
      w.event([], { idempotencyKey: 'j', data: Buffer.from(data) }),
    );
    expect(await w.request(...twice)).toMatchObject({ kind: 'conflict', index: 1 });
    expect((await w.log.stats(w.now)).events).toBe(1);
  },

  'the same id posted at once many times is one event': async (w) => {
    const endpoint = await w.endpoint();
    const posts = Array.from({ length: 40 }, () =>
      w.ingest(w.event([laneOf(endpoint)], { idempotencyKey: 'k' })),
    );
    const replies = (await Promise.all(posts)).flat();
    expect(replies.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
    expect(new Set(replies.map(({ id }) => id)).size).toBe(1);
    expect(await w.due(endpoint)).toHaveLength(1);
  },

  'an id is its tenant’s own': async (w) => {
    await w.ingest(w.event([], { idempotencyKey: 'k' }));
    const other = { tenant: 'other', idempotencyKey: 'k', data: Buffer.from('2') };
    expect(await w.ingest(w.event([], other))).toMatchObject([{ duplicate: false }]);
  },

  'events routed by an older configuration are refused and not stored': async (w) => {
    const endpoint = await w.endpoint();
    const { version } = w;
    await w.endpoint();
    const request = { events: [w.event([laneOf(endpoint)])] };
    const replies = await w.lanes.ingest([request], version, w.now);
    expect(replies).toEqual([{ kind: 'stale', version: w.version }]);
    expect((await w.log.stats(w.now)).events).toBe(0);
    expect(await w.due(endpoint)).toEqual([]);
  },

  'a new key does not make routing stale': async (w) => {
    const endpoint = await w.endpoint();
    const key = { kind: 'key', id: 'key_1', tenant: 'default', value: {}, expected: 0 } as const;
    await w.store.config.put([key], w.now);
    expect(await w.feed(endpoint)).toHaveLength(1);
  },

  'ordered lanes give out strictly growing due times': async (w) => {
    const endpoint = await w.endpoint({ ordering: 'endpoint' });
    const events = [...(await w.feed(endpoint, 3)), ...(await w.feed(endpoint, 2))];
    w.now += 100;
    const rows = await w.due(endpoint);
    expect(rows.map(({ event }) => event)).toEqual(events.map(({ id }) => id));
    const times = rows.map(({ dueAt }) => dueAt);
    expect(new Set(times).size).toBe(5);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  },

  'a full lane records skipped deliveries and refuses no others': async (w) => {
    await w.open({ laneMax: 2 });
    const [full, open] = [await w.endpoint(), await w.endpoint()];
    await w.feed(full, 2);
    const event = w.event([laneOf(full), laneOf(open)]);
    expect(await w.ingest(event)).toMatchObject([{ deliveries: 2, irregular: true }]);
    expect(await w.due(full)).toHaveLength(2);
    expect(await w.due(open)).toHaveLength(1);
    const [skipped] = await w.deliveries({ endpoint: full.id, state: 'failed' });
    expect(skipped).toMatchObject({ event: event.id, fault: 'skipped', attempts: 0 });
  },

  'what full lanes skipped of a batch is logged in the order of its events': async (w) => {
    await w.open({ laneMax: 1 });
    const [a, b] = [await w.endpoint(), await w.endpoint()];
    const events = [w.event([laneOf(a), laneOf(b)]), w.event([laneOf(b)]), w.event([laneOf(a)])];
    await w.ingest(...events);
    const skipped = await w.deliveries({ state: 'failed' });
    expect(skipped.map(({ event }) => event)).toEqual([events[2]?.id, events[1]?.id]);
  },

  'a fan-out above the inline limit is complete after housekeeping': async (w) => {
    const { event } = await wide(w);
    await w.maintain({ ...RETENTION, chunk: 3000 });
    expect((await w.log.stats(w.now)).pending).toBe(event.lanes.length);
    const rows = await w.deliveries({ event: event.id });
    expect(new Set(rows.map(({ endpoint }) => endpoint)).size).toBe(WIDE);
    expect(rows).toHaveLength(event.lanes.length);
  },

  'an endpoint of all tenants gets a lane in a slot when it is first needed': async (w) => {
    const endpoint = await w.endpoint({ scope: 'all' });
    const tenants = ['a', 'b', 'c'];
    for (const tenant of tenants) await w.ingest(w.event([laneOf(endpoint)], { tenant }));
    const taken = await w.acquired(await w.join());
    const slots = new Set(tenants.map(slotOf));
    expect(new Set(taken.map(({ slot }) => slot))).toEqual(slots);
    for (const tenant of tenants) {
      expect(await w.deliveries({ tenant, endpoint: endpoint.id })).toHaveLength(1);
    }
  },

  'data comes back byte for byte': async (w) => {
    const every = Uint8Array.from({ length: 256 }, (_, i) => i);
    const bodies = ['12345678901234567890', '{ "a" : 1.0, "é":"\\u00e9" }', '""'].map(Buffer.from);
    const endpoint = await w.endpoint();
    for (const data of [...bodies, every, randomBytes(100_000)]) {
      const event = w.event([laneOf(endpoint)], { data });
      await w.ingest(event);
      const read = await w.log.event('default', event.id);
      expect(Buffer.compare(read?.data ?? Buffer.of(), data)).toBe(0);
      const row = (await w.due(endpoint)).find((due) => due.event === event.id);
      const [loaded] = await w.lanes.load(row ? [row] : []);
      expect(Buffer.compare(loaded?.event?.data ?? Buffer.of(), data)).toBe(0);
      expect(loaded?.event).toMatchObject({ id: event.id, slot: event.slot, type: event.type });
    }
  },

  'a request that fails inside fails alone': async (w) => {
    const endpoint = await w.endpoint();
    const [known] = await w.feed(endpoint);
    const bad = w.request(known ?? w.event([]));
    const good = [w.feed(endpoint), w.feed(endpoint, 2)];
    await expect(bad).rejects.toBeInstanceOf(StoreError);
    await Promise.all(good);
    expect(await w.due(endpoint)).toHaveLength(4);
    expect((await w.log.stats(w.now)).events).toBe(4);
  },
};

export const durableIngestCases: Cases = {
  'what was acknowledged is there after the store is opened again': async (w) => {
    const endpoint = await w.endpoint();
    const events = await w.feed(endpoint, 50);
    await w.open();
    const rows = await w.due(endpoint);
    expect(rows.map(({ event }) => event).sort()).toEqual(events.map(({ id }) => id).sort());
    expect(await w.acquired(await w.join())).toEqual([keyOf(endpoint)]);
  },

  'an id is remembered when the store is opened again': async (w) => {
    const first = w.event([], { idempotencyKey: 'k' });
    await w.ingest(first);
    await w.open();
    const again = w.event([], { idempotencyKey: 'k' });
    expect(await w.ingest(again)).toMatchObject([{ id: first.id, duplicate: true }]);
    const other = w.event([], { idempotencyKey: 'k', data: Buffer.from('2') });
    expect(await w.request(other)).toMatchObject({ kind: 'conflict', existing: first.id });
  },

  'events are counted on, and ids given out are new, when the store is opened again': async (w) => {
    expect(await w.log.stats(w.now)).toMatchObject({ events: 0, newestAt: 0 });
    for (let i = 0; i < 5000; i += 1000) {
      await w.ingest(...Array.from({ length: 1000 }, () => w.event([])));
    }
    await w.open();
    const { events, newestAt } = await w.log.stats(w.now);
    expect(events).toBe(5000);
    // More ids than a millisecond has went ahead of the clock.
    expect(newestAt).toBe(w.now + 1);
    const ids = createIdFactory(randomBytes, { after: newestAt });
    await w.ingest(w.event([], { id: ids.event(slotOf('default'), w.now) }));
    expect(await w.log.stats(w.now)).toMatchObject({ events: 5001, newestAt: w.now + 2 });
  },

  'the expansion of a wide fan-out goes on when the store is opened again': async (w) => {
    const { event } = await wide(w);
    const step = await w.log.maintain({ ...RETENTION, chunk: 100 }, w.now);
    expect(step).toMatchObject({ expanded: 100, more: true });
    await w.open();
    await w.maintain({ ...RETENTION, chunk: 5000 });
    expect(await w.deliveries({ event: event.id })).toHaveLength(event.lanes.length);
    expect((await w.log.stats(w.now)).pending).toBe(event.lanes.length);
  },

  'due times of ordered lanes go on growing when the store is opened again': async (w) => {
    const endpoint = await w.endpoint({ ordering: 'endpoint' });
    const before = await w.feed(endpoint, 3);
    await w.open();
    const after = await w.feed(endpoint, 1);
    w.now += 100;
    const order = (await w.due(endpoint)).map(({ event }) => event);
    expect(order).toEqual([...before, ...after].map(({ id }) => id));
  },
};

const WIDE = INLINE_FANOUT_MAX + 1;

/** An event that more endpoints are owed than one step writes. */
export async function wide(w: World) {
  const changes = Array.from({ length: WIDE }, () => {
    const value = makeEndpoint(w.ids.endpoint(w.now));
    const { id, tenant } = value;
    return { kind: 'endpoint', id, tenant, value, expected: 0 } as const;
  });
  const { items, version } = await w.store.config.put(changes, w.now);
  w.version = version;
  const event = w.event(items.map(({ value }) => laneOf(value as Endpoint)));
  await w.ingest(event);
  return { event };
}
