import { expect } from 'vitest';
import { ASLEEP, type Endpoint } from '../../core/model.ts';
import type { Due } from '../store.ts';
import { type Cases, keyOf, type World } from './world.suite.ts';

/** Who holds what, and when the free lanes have something to do. */
export const laneCases: Cases = {
  'nothing is lost between ingest and release': async (w) => {
    const endpoints = await Promise.all(Array.from({ length: 8 }, () => w.endpoint()));
    w.version = (await w.store.config.changes(0, 1000)).version;
    let fed = 0;
    const got = new Set<string>();
    const node = await w.join();
    const feed = async () => {
      for (let i = 0; i < 100; i++) {
        await Promise.all(endpoints.map((endpoint) => w.feed(endpoint)));
        fed += endpoints.length;
      }
    };
    const feeding = feed();
    let done = false;
    void feeding.finally(() => {
      done = true;
    });
    for (let idle = false; !done || !idle; ) idle = !(await drain(w, node, got));
    await feeding;
    while (await drain(w, node, got));
    expect(got.size).toBe(fed);
    expect(await w.log.stats(w.now)).toMatchObject({ pending: 0, lanesAwake: 0, lanesHeld: 0 });
  },

  'a lane has one owner': async (w) => {
    const endpoints = [await w.endpoint(), await w.endpoint(), await w.endpoint()];
    for (const endpoint of endpoints) await w.feed(endpoint);
    const nodes = [await w.join(), await w.join()];
    const takes = await Promise.all(nodes.map((node) => w.lanes.acquire(node, 2, w.now)));
    const taken = takes.flatMap(({ lanes }) => lanes.map(({ lane }) => lane));
    expect(taken).toHaveLength(3);
    expect(new Set(taken).size).toBe(3);
    await w.feed(endpoints[0] as Endpoint);
    for (const node of nodes) expect(await w.acquired(node)).toEqual([]);
  },

  'only a node that joined gets lanes': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint);
    expect(await w.acquired(77)).toEqual([]);
    expect(await w.acquired(await w.join())).toHaveLength(1);
  },

  'the lane that waited longest is given out first': async (w) => {
    const [late, early] = [await w.endpoint(), await w.endpoint()];
    await w.feed(early);
    w.now += 10;
    await w.feed(late);
    const { lanes, nextAt } = await w.lanes.acquire(await w.join(), 1, w.now);
    expect(lanes.map(({ endpoint }) => endpoint)).toEqual([early.id]);
    expect(nextAt).toBe(w.now);
  },

  'with nothing owed, there is no next time': async (w) => {
    await w.endpoint();
    const { nextAt } = await w.lanes.acquire(await w.join(), 1, w.now);
    expect(nextAt).toBe(ASLEEP);
  },

  'fetch goes on from a cursor, in key order': async (w) => {
    const endpoint = await w.endpoint();
    const ids = (await w.feed(endpoint, 25)).map(({ id }) => id).sort();
    const seen: string[] = [];
    let after: Due | undefined;
    for (;;) {
      const [...rows] = await w.lanes.fetch([{ ...keyOf(endpoint), after, limit: 10 }], w.now);
      seen.push(...rows.map(({ event }) => event));
      if (rows.length < 10) break;
      after = rows.at(-1);
    }
    expect(seen).toEqual(ids);
  },

  'fetch never gives a finished row again': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint, 4);
    const node = await w.node();
    for (let left = 4; left > 0; left--) {
      const rows = await w.due(endpoint);
      expect(rows).toHaveLength(left);
      const key = rows[1] ?? (rows[0] as Due);
      await w.settle(node, endpoint, { key, next: { kind: 'succeeded' } });
    }
    expect(await w.due(endpoint)).toEqual([]);
  },

  'a retry is due exactly at its time': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint);
    const node = await w.node();
    const key = await w.first(endpoint);
    const at = w.now + 5000;
    await w.settle(node, endpoint, { key, next: { kind: 'retry', at } });
    await w.release(node, key);
    w.now = at - 1;
    expect(await w.due(endpoint)).toEqual([]);
    expect((await w.lanes.acquire(node, 1, w.now)).nextAt).toBe(at);
    w.now = at;
    expect(await w.acquired(node)).toEqual([keyOf(endpoint)]);
    expect(await w.due(endpoint)).toEqual([{ ...key, dueAt: at, attempt: 1, starts: 0 }]);
  },

  'a released lane goes behind those that wait': async (w) => {
    const [busy, quiet] = [await w.endpoint(), await w.endpoint()];
    await w.feed(busy, 2);
    const node = await w.node();
    w.now += 5;
    await w.feed(quiet);
    w.now += 5;
    await w.release(node, keyOf(busy));
    const order: string[] = [];
    for (let i = 0; i < 2; i++) {
      const { lanes } = await w.lanes.acquire(node, 1, w.now);
      order.push(...lanes.map(({ endpoint }) => endpoint));
    }
    expect(order).toEqual([quiet.id, busy.id]);
  },

  'a released lane does nothing before its time, whatever arrives': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint, 2);
    const node = await w.node();
    const notBefore = w.now + 1000;
    await w.release(node, keyOf(endpoint), { notBefore, failingSince: w.now, failures: 3 });
    await w.feed(endpoint);
    w.now = notBefore - 1;
    expect(await w.acquired(node)).toEqual([]);
    w.now = notBefore;
    const { lanes } = await w.lanes.acquire(node, 1, w.now);
    expect(lanes).toMatchObject([{ failures: 3, failingSince: notBefore - 1000 }]);
  },

  'an empty lane that waits keeps waiting when it is fed': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint);
    const node = await w.node();
    const key = await w.first(endpoint);
    await w.settle(node, endpoint, { key, next: { kind: 'succeeded' } });
    await w.release(node, key, { notBefore: w.now + 1000 });
    await w.feed(endpoint);
    expect(await w.acquired(node)).toEqual([]);
    w.now += 1000;
    expect(await w.acquired(node)).toEqual([keyOf(endpoint)]);
  },

  'a pause holds what is owed, resuming gives it back': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint);
    const paused = await w.put({ ...endpoint, paused: true });
    await w.feed(endpoint);
    const node = await w.join();
    expect(await w.acquired(node)).toEqual([]);
    await w.put({ ...paused, paused: false });
    expect(await w.acquired(node)).toEqual([keyOf(endpoint)]);
    expect(await w.due(endpoint)).toHaveLength(2);
  },

  'a pause holds a lane that comes back from its holder': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint, 2);
    const node = await w.node();
    const paused = await w.put({ ...endpoint, paused: true });
    await w.release(node, keyOf(endpoint));
    expect(await w.acquired(node)).toEqual([]);
    await w.put({ ...paused, paused: false });
    expect(await w.acquired(node)).toEqual([keyOf(endpoint)]);
  },

  'a deleted endpoint is owed nothing: housekeeping cancels in steps': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint, 25);
    await w.remove(endpoint);
    const node = await w.join();
    expect(await w.acquired(node)).toEqual([]);
    expect(await w.maintain({ logMs: 1e9, chunk: 10 })).toMatchObject({ cancelled: 25 });
    expect(await w.due(endpoint)).toEqual([]);
    expect(await w.log.stats(w.now)).toMatchObject({ pending: 0, lanesAwake: 0 });
    expect(await w.deliveries({ state: 'cancelled' })).toHaveLength(25);
  },

  'what a holder still has of a deleted endpoint is cancelled after it lets go': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint, 2);
    const node = await w.node();
    await w.remove(endpoint);
    expect(await w.maintain()).toMatchObject({ cancelled: 0 });
    await w.release(node, keyOf(endpoint));
    expect(await w.acquired(node)).toEqual([]);
    expect(await w.maintain()).toMatchObject({ cancelled: 2 });
  },

  'a node that leaves gives its lanes back without a strike': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint);
    await w.lanes.leave(await w.node(), w.now);
    const { lanes } = await w.lanes.acquire(await w.join(), 1, w.now);
    expect(lanes).toMatchObject([{ strikes: 0, crashedAt: undefined }]);
  },

  'a heartbeat keeps a node; one that was silent is reaped': async (w) => {
    const node = await w.join();
    w.now += 14_000;
    expect(await w.lanes.heartbeat(node, 15_000, w.now)).toBe(true);
    w.now += 14_000;
    expect(await w.lanes.reap(w.now)).toEqual({ nodes: 0, lanes: 0 });
    w.now += 2000;
    expect(await w.lanes.reap(w.now)).toEqual({ nodes: 1, lanes: 0 });
    expect(await w.lanes.heartbeat(node, 15_000, w.now)).toBe(false);
  },

  'nodes are listed with what they do, hold and owe, until they leave or are reaped': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint, 3);
    const info = { name: 'a', version: '2', roles: ['deliver'] };
    const one = await w.lanes.join(info, 15_000, w.now);
    await w.acquired(one);
    w.now += 10_000;
    const two = await w.join();
    const about = { ...info, joinedAt: w.now - 10_000, beatAt: w.now - 10_000 };
    expect(await w.lanes.nodes(w.now)).toMatchObject([
      { id: one, ...about, alive: true, lanes: 1, backlog: 3 },
      { id: two, alive: true, lanes: 0, backlog: 0 },
    ]);
    w.now += 6000;
    await w.lanes.heartbeat(two, 15_000, w.now);
    expect(await w.lanes.nodes(w.now)).toMatchObject([{ alive: false }, { beatAt: w.now }]);
    await w.lanes.reap(w.now);
    await w.lanes.leave(two, w.now);
    expect(await w.lanes.nodes(w.now)).toEqual([]);
  },

  'reaping gives everything back, with a strike and the time': async (w) => {
    const endpoints = [await w.endpoint(), await w.endpoint()];
    for (const endpoint of endpoints) await w.feed(endpoint);
    await w.node();
    w.now += 20_000;
    expect(await w.lanes.reap(w.now)).toEqual({ nodes: 1, lanes: 2 });
    const { lanes } = await w.lanes.acquire(await w.join(), 10, w.now);
    expect(lanes).toHaveLength(2);
    for (const lane of lanes) expect(lane).toMatchObject({ strikes: 1, crashedAt: w.now });
  },

  'strikes add up until the lane is released in good order': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint);
    for (let strikes = 0; strikes < 3; strikes++) {
      const { lanes } = await w.lanes.acquire(await w.join(), 1, w.now);
      expect(lanes).toMatchObject([{ strikes }]);
      w.now += 20_000;
      await w.lanes.reap(w.now);
    }
    const node = await w.node();
    await w.release(node, keyOf(endpoint));
    const { lanes } = await w.lanes.acquire(node, 1, w.now);
    expect(lanes).toMatchObject([{ strikes: 0, crashedAt: undefined }]);
  },

  'starts are counted until an outcome comes': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint);
    const node = await w.node();
    await w.lanes.start(node, await w.first(endpoint));
    await w.lanes.start(node, await w.first(endpoint));
    const key = await w.first(endpoint);
    expect(key.starts).toBe(2);
    await w.settle(node, endpoint, { key, next: { kind: 'retry', at: w.now } });
    expect(await w.first(endpoint)).toMatchObject({ attempt: 1, starts: 0 });
  },
};

export const durableLaneCases: Cases = {
  'lanes of a store that was closed in order come without suspicion': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint);
    await w.node();
    await w.open();
    const { lanes } = await w.lanes.acquire(await w.join(), 1, w.now);
    expect(lanes).toMatchObject([{ strikes: 0, crashedAt: undefined }]);
  },

  'a pause and a failing lane’s wait outlive the process': async (w) => {
    const [paused, failing] = [await w.endpoint(), await w.endpoint()];
    await w.feed(paused);
    await w.feed(failing);
    await w.put({ ...paused, paused: true });
    const node = await w.node();
    const wait = { notBefore: w.now + 500, failingSince: w.now, failures: 4 };
    await w.release(node, keyOf(failing), wait);
    await w.open();
    expect(await w.acquired(await w.join())).toEqual([]);
    w.now += 500;
    const { lanes } = await w.lanes.acquire(await w.join(), 10, w.now);
    expect(lanes).toMatchObject([{ endpoint: failing.id, failures: 4 }]);
  },

  'a lane that recovered after opening is healthy at the next one': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint);
    await w.release(await w.node(), keyOf(endpoint), { failingSince: w.now, failures: 4 });
    await w.open();
    await w.release(await w.node(), keyOf(endpoint));
    await w.open();
    const { lanes } = await w.lanes.acquire(await w.join(), 1, w.now);
    expect(lanes).toMatchObject([{ failures: 0, failingSince: 0 }]);
  },

  'cancelling what a deleted endpoint was owed goes on after opening': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint, 5);
    await w.remove(endpoint);
    await w.log.maintain({ logMs: 1e9, chunk: 2 }, w.now);
    await w.open();
    expect(await w.acquired(await w.join())).toEqual([]);
    expect(await w.maintain()).toMatchObject({ cancelled: 3 });
  },
};

/** Takes, settles and releases whatever is due; false = there was nothing. */
async function drain(w: World, node: number, got: Set<string>): Promise<boolean> {
  const { lanes } = await w.lanes.acquire(node, 4, w.now);
  const cursors = lanes.map(({ slot, lane }) => ({ slot, lane, after: undefined, limit: 7 }));
  const rows = await w.lanes.fetch(cursors, w.now);
  for (const { event } of rows) got.add(event);
  const results = rows.map((key) => {
    const endpoint = lanes.find(({ lane }) => lane === key.lane)?.endpoint;
    return w.result(key, { kind: 'succeeded' }, endpoint ? { endpoint } : {});
  });
  const healthy = { notBefore: 0, failingSince: 0, failures: 0 };
  const release = lanes.map(({ slot, lane }) => ({ slot, lane, ...healthy }));
  // Apart, as the worker does it: more may be stored between the last outcome and the release.
  await w.lanes.complete(node, { results, release: [] }, w.now);
  await w.lanes.complete(node, { results: [], release }, w.now);
  return lanes.length > 0;
}
