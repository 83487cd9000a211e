import { expect, test } from 'vitest';
import type { Endpoint } from '../../core/model.ts';
import { laneOf as laneTo, slotOf } from '../../core/routing.ts';
import type { Job, ReplaySpec } from '../jobs.ts';
import { createMemoryStore } from '../memory.ts';
import { type NewEvent, type Store, StoreError } from '../store.ts';
import { laneOf, makeEndpoint, RETENTION, World } from '../suite/world.suite.ts';
import { crossingCases } from './crossing.suite.ts';
import { storeForLater } from './later.ts';
import { SlotMap } from './slot-map.ts';
import { createShardedStore } from './store.ts';

/** `other` and `a` live on the first of two shards, `default` and `b` on the second. */
const map = new SlotMap(2);

/** Two shards in memory, each of which can be taken away. */
function twoShards() {
  const gone = new Set<number>();
  const trouble: number[] = [];
  const stores = [0, 1].map((shard) => createMemoryStore({}, map.part(shard)));
  const guarded = stores.map((store, shard) => breakable(store, () => gone.has(shard)));
  const open = () =>
    createShardedStore({ stores: guarded, map, trouble: (shard) => trouble.push(shard) });
  return { stores, gone, trouble, open };
}

function breakable(store: Store, isGone: () => boolean): Store {
  const room = <T extends object>(ports: T): T =>
    new Proxy(ports, {
      get:
        (target, name) =>
        async (...args: unknown[]) => {
          if (isGone()) throw new StoreError('unavailable', 'away');
          return (target[name as keyof T] as (...args: unknown[]) => unknown).apply(target, args);
        },
    });
  const { lanes, config, log, stats, jobs } = store;
  return {
    ...{ lanes: room(lanes), config: room(config), log: room(log) },
    ...{ stats: room(stats), jobs: room(jobs), close: () => store.close() },
  };
}

async function world() {
  const shards = twoShards();
  const w = new World(async () => shards.open());
  await w.open();
  return { ...shards, w };
}

test('slots are divided evenly, whole, and in the order of the shards', () => {
  for (const count of [1, 2, 3, 5, 64]) {
    const parts = new SlotMap(count);
    const sizes = new Array(count).fill(0);
    for (let slot = 0; slot < 256; slot++) {
      const shard = parts.shardOf(slot);
      const { first, end } = parts.range(shard);
      expect(slot >= first && slot < end).toBe(true);
      sizes[shard] += 1;
    }
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    expect(parts.range(count - 1).end).toBe(256);
  }
});

test('of a batch over both, what one can’t store is refused and what the other stored is said to be', async () => {
  const { w, gone, stores } = await world();
  const [here, there] = [await w.endpoint({ tenant: 'other' }), await w.endpoint()];
  const requests = [
    { events: [w.event([laneOf(there)])] },
    { events: [w.event([laneOf(here)], { tenant: 'other' })] },
    { events: [w.event([laneOf(there)])] },
  ];
  gone.add(1);
  const replies = await w.lanes.ingest(requests, w.version, w.now);
  expect(replies.map(({ kind }) => kind)).toEqual(['failed', 'accepted', 'failed']);
  gone.clear();
  expect((await stores[1]?.log.stats(w.now))?.events).toBe(0);
  expect((await stores[0]?.log.stats(w.now))?.events).toBe(1);
  gone.add(0).add(1);
  await expect(w.lanes.ingest(requests, w.version, w.now)).rejects.toThrow('away');
});

test('while one is away the other is sent from, listed, counted and kept in order', async () => {
  const { w, gone, trouble } = await world();
  const [here, there] = [await w.endpoint({ tenant: 'other' }), await w.endpoint()];
  await w.feed(here);
  await w.feed(there);
  gone.add(1);
  await w.feed(here);
  const lanes = w.store.shards?.lanes[0];
  const node = (await lanes?.join({ name: 'n', version: '1' }, 15_000, w.now)) as number;
  expect((await lanes?.acquire(node, 10, w.now))?.lanes).toHaveLength(1);
  expect((await w.log.events({ tenant: 'other', limit: 10 })).items).toHaveLength(2);
  await expect(w.log.events({ tenant: 'default', limit: 10 })).rejects.toThrow('away');
  expect((await w.log.stats(w.now)).pending).toBe(2);
  await w.log.maintain(RETENTION, w.now);
  expect(new Set(trouble)).toEqual(new Set([1]));
  gone.clear();
  expect((await w.log.stats(w.now)).pending).toBe(3);
});

test('a change is refused before it is made while the shard of its tenant is away, and others are made', async () => {
  const { w, gone } = await world();
  const endpoint = await w.endpoint();
  gone.add(1);
  await expect(w.put({ ...endpoint, paused: true })).rejects.toThrow('away');
  await expect(w.endpoint({ scope: 'all', tenant: 'other' })).rejects.toThrow('away');
  await w.endpoint({ tenant: 'other' });
  gone.clear();
  expect((await w.store.config.read('endpoint', endpoint.id))?.value).toMatchObject({
    paused: false,
  });
});

test('an endpoint that was made at another process is not missed by what was routed before', async () => {
  const { w, open } = await world();
  await w.endpoint();
  const before = w.version;
  const other = open();
  const value = makeEndpoint(w.ids.endpoint(w.now));
  const change = { kind: 'endpoint', id: value.id, tenant: 'default', value } as const;
  const { version } = await other.config.put([{ ...change, expected: undefined }], w.now);
  const events = [w.event([])];
  const stale = await w.lanes.ingest([{ events }], before, w.now);
  expect(stale).toEqual([{ kind: 'stale', version }]);
  expect(await w.lanes.ingest([{ events }], version, w.now)).toMatchObject([{ kind: 'accepted' }]);
});

/** Events of tenants of both shards for one endpoint that serves all. */
async function wide(w: World): Promise<{ endpoint: Endpoint; events: NewEvent[] }> {
  const endpoint = await w.endpoint({ scope: 'all', tenant: 'other' });
  const events = ['default', 'a', 'b', 'other'].map((tenant) => {
    w.now += 1;
    return w.event([laneTo(endpoint, undefined)], { tenant });
  });
  for (const event of events) await w.ingest(event);
  return { endpoint, events };
}

test('what an endpoint of all tenants is owed is counted, read and cancelled over all shards', async () => {
  const { w } = await world();
  const { endpoint, events } = await wide(w);
  expect(await w.log.pendingOf([endpoint])).toEqual([4]);
  expect(await w.store.jobs.backlog(endpoint.id, w.now, 100)).toBe(4);
  expect(await w.store.jobs.backlog(endpoint.id, w.now, 3)).toBe(3);
  const [stats] = await w.stats.endpoints([endpoint.id], '24h', w.now);
  expect(stats?.total.events).toBe(4);
  const commands = events.map(({ id, slot }) => {
    const lane = laneTo(endpoint, undefined);
    return { do: 'cancel', slot, lane, event: id, run: 0 } as const;
  });
  expect(await w.lanes.command(commands, w.now)).toEqual(new Array(4).fill('applied'));
  expect(await w.log.pendingOf([endpoint])).toEqual([0]);
});

test('a recovery of it owes again what failed on any shard, once, and counts it', async () => {
  const { w } = await world();
  const { endpoint, events } = await wide(w);
  const node = await w.node();
  for (const { slot } of events) {
    const [key] = await w.fetch({ slot, lane: laneTo(endpoint, undefined) });
    if (key) await w.settle(node, endpoint, { key, next: { kind: 'failed' } });
  }
  const job: Job = {
    id: w.ids.job(w.now),
    tenant: 'other',
    state: 'running',
    places: {},
    ...{ done: 0, owed: 0, total: { count: 4, atLeast: false } },
    ...{ createdAt: w.now, updatedAt: w.now, endedAt: undefined },
    spec: {
      ...{ kind: 'recover', endpoints: [endpoint.id], types: [], only: 'failed', ownId: false },
      ...{ from: 0, to: w.now + 1 },
    } as ReplaySpec,
  };
  await w.store.jobs.create(job);
  const found = await w.store.jobs.candidates({
    ...{ tenant: undefined, endpoint: endpoint.id, of: 'failed', types: [], after: undefined },
    ...{ from: 0, to: w.now + 1, limit: 10, withData: false },
  });
  expect(found.items.map(({ event }) => event)).toEqual(events.map(({ id }) => id));
  const requeue = found.items.map(({ event, tenant, last }) => ({
    ...{ slot: slotOf(tenant), lane: laneTo(endpoint, undefined), event },
    ...{ after: last?.run, ownId: false },
  }));
  const step = { job: job.id, endpoint: endpoint.id, from: undefined, to: found.place, requeue };
  const moved = await w.store.jobs.advance(step, w.now);
  expect(moved).toMatchObject({ state: 'done', done: 4, owed: 4 });
  expect(await w.store.jobs.advance(step, w.now)).toBeUndefined();
  expect(await w.log.pendingOf([endpoint])).toEqual([4]);
});

test('a store that is away when the others are opened is opened when it is there', async () => {
  let [there, elapsed, opens] = [false, 0, 0];
  const refused: unknown[] = [];
  const store = storeForLater({
    async open() {
      opens += 1;
      if (!there) throw new StoreError('unavailable', 'away');
      return createMemoryStore();
    },
    elapsed: () => elapsed,
    refused: (error) => refused.push(error),
  });
  await expect(store.log.stats(0)).rejects.toMatchObject({ kind: 'unavailable' });
  expect(opens).toBe(0);
  elapsed += 1000;
  await expect(store.log.stats(0)).rejects.toThrow('away');
  there = true;
  await expect(store.log.stats(0)).rejects.toThrow('could not be opened yet');
  elapsed += 1000;
  const asked = [store.log.stats(0), store.config.changes(0, 1)];
  expect((await Promise.all(asked)).length).toBe(2);
  expect([opens, refused]).toEqual([2, []]);
});

for (const [title, run] of Object.entries(crossingCases)) {
  test(title, async () => {
    const { stores, open } = twoShards();
    const w = new World(async () => open());
    await w.open();
    await run({ w, stores, another: async () => open() });
  });
}
