import { expect } from 'vitest';
import type { Endpoint } from '../../core/model.ts';
import { DAY_MS, HOUR_MS } from '../../core/tally.ts';
import type { StatsWindow } from '../stats.ts';
import type { AttemptRecord, Next } from '../store.ts';
import { type Cases, laneOf, type World } from './world.suite.ts';

/** What is counted, and where it stands. Times are whole hours, so that buckets are easy to name. */

const HOUR = HOUR_MS;

async function begin(w: World): Promise<Endpoint> {
  w.now = Math.ceil(w.now / DAY_MS) * DAY_MS + 12 * HOUR;
  return w.endpoint();
}

/** One attempt of the first delivery that is due. */
async function attempt(
  w: World,
  endpoint: Endpoint,
  next: Next,
  said: Partial<AttemptRecord> = {},
): Promise<void> {
  const node = await w.node();
  const about = { endpoint: endpoint.id, tenant: endpoint.tenant, ...said };
  const result = w.result(await w.first(endpoint), next, about);
  await w.lanes.complete(node, { results: [result], release: [] }, w.now);
  await w.lanes.leave(node, w.now);
}

const took = (totalMs: number) => ({
  timings: {
    dnsMs: undefined,
    connectMs: undefined,
    tlsMs: undefined,
    firstByteMs: undefined,
    totalMs,
  },
});

const ofTenant = (w: World, window: StatsWindow = '24h') =>
  w.stats.tenant('default', window, w.now);

export const statsCases: Cases = {
  'events, deliveries and attempts are counted by hour and by day': async (w) => {
    const endpoint = await begin(w);
    await w.feed(endpoint, 3);
    await attempt(w, endpoint, { kind: 'succeeded' });
    await attempt(w, endpoint, { kind: 'retry', at: w.now + 2 * HOUR }, { status: 503 });
    w.now += HOUR;
    await attempt(w, endpoint, { kind: 'failed' }, { status: 404 });
    w.now += HOUR;
    await attempt(w, endpoint, { kind: 'failed' }, { status: undefined, fault: 'timeout' });
    const { buckets, total, from, countedTo } = await ofTenant(w);
    expect(buckets).toHaveLength(24);
    expect(from).toBe(w.now - 23 * HOUR);
    expect(countedTo).toBeUndefined();
    expect(buckets.slice(-3)).toMatchObject([
      { at: w.now - 2 * HOUR, events: 3, succeeded: 1, status2xx: 1, status5xx: 1, failed: 0 },
      { at: w.now - HOUR, events: 0, failed: 1, status4xx: 1 },
      { at: w.now, events: 0, failed: 1, unanswered: 1 },
    ]);
    expect(total).toMatchObject({
      events: 3,
      succeeded: 1,
      failed: 2,
      cancelled: 0,
      unanswered: 1,
    });
    const [whole] = await w.stats.endpoints([endpoint.id], '24h', w.now);
    expect({ ...whole, health: undefined }).toEqual({
      ...(await ofTenant(w)),
      health: undefined,
    });
    const days = await ofTenant(w, '30d');
    expect(days.buckets).toHaveLength(30);
    expect(days.buckets.at(-1)).toMatchObject({ at: w.now - (w.now % DAY_MS), events: 3 });
    expect(days.total.events).toBe(3);
  },

  'what lies before the window is not in it': async (w) => {
    const endpoint = await begin(w);
    await w.feed(endpoint);
    w.now += 23 * HOUR;
    expect((await ofTenant(w)).total.events).toBe(1);
    w.now += HOUR;
    expect((await ofTenant(w)).total.events).toBe(0);
    expect((await ofTenant(w, '30d')).total.events).toBe(1);
    w.now += 30 * DAY_MS;
    expect((await ofTenant(w, '30d')).total.events).toBe(0);
  },

  'an endpoint counts what was routed to it, and a tenant what is its own': async (w) => {
    const one = await begin(w);
    const two = await w.endpoint();
    const other = await w.endpoint({ tenant: 'other' });
    await w.ingest(w.event([laneOf(one), laneOf(two)]), w.event([laneOf(one)]), w.event([]));
    await w.feed(other, 4);
    await attempt(w, other, { kind: 'succeeded' });
    const ids = [two.id, other.id, 'ep_00000000000000000000000000', one.id] as const;
    const counts = await w.stats.endpoints(ids, '24h', w.now);
    expect(counts.map(({ total }) => total.events)).toEqual([1, 4, 0, 2]);
    expect((await ofTenant(w)).total).toMatchObject({ events: 3, succeeded: 0 });
    const theirs = await w.stats.tenant('other', '24h', w.now);
    expect(theirs.total).toMatchObject({ events: 4, succeeded: 1 });
    expect((await w.stats.tenant('nobody', '24h', w.now)).total.events).toBe(0);
  },

  'latencies are told of each bucket and of all, within 5 %': async (w) => {
    const endpoint = await begin(w);
    await w.feed(endpoint, 100);
    for (let i = 1; i <= 100; i++) {
      if (i === 51) w.now += HOUR;
      await attempt(w, endpoint, { kind: 'succeeded' }, took(i * 10));
    }
    const { buckets, total } = await ofTenant(w);
    const near = (ms: number | undefined, exact: number) =>
      expect(Math.abs((ms ?? 0) - exact)).toBeLessThanOrEqual(exact * 0.05);
    near(total.p50Ms, 500);
    near(total.p99Ms, 990);
    near(buckets.at(-2)?.p50Ms, 250);
    near(buckets.at(-1)?.p99Ms, 1000);
    expect(buckets.at(-3)?.p50Ms).toBeUndefined();
  },

  'decisions end deliveries and are no attempts': async (w) => {
    const endpoint = await begin(w);
    await w.feed(endpoint);
    const key = await w.first(endpoint);
    const { slot, lane, event, run } = key;
    await w.lanes.command([{ slot, lane, event, run, do: 'cancel' }], w.now);
    const { total, health } = await ofTenant(w);
    expect(total).toMatchObject({ cancelled: 1, unanswered: 0, status2xx: 0 });
    expect(total.p50Ms).toBeUndefined();
    expect(health.lastAttemptAt).toBeUndefined();
  },

  'an endpoint tells when it was tried, when it answered, and since when it fails': async (w) => {
    const endpoint = await begin(w);
    const health = async () => (await w.stats.endpoints([endpoint.id], '24h', w.now))[0]?.health;
    await w.feed(endpoint, 9);
    const first = w.now;
    await attempt(w, endpoint, { kind: 'succeeded' });
    expect(await health()).toEqual({
      lastAttemptAt: first,
      lastSuccessAt: first,
      failingSince: undefined,
    });
    w.now += 1000;
    const since = w.now;
    await attempt(w, endpoint, { kind: 'retry', at: w.now + HOUR });
    w.now += 1000;
    await attempt(w, endpoint, { kind: 'failed' });
    expect(await health()).toEqual({
      lastAttemptAt: w.now,
      lastSuccessAt: first,
      failingSince: since,
    });
    await attempt(w, endpoint, { kind: 'succeeded' });
    expect(await health()).toMatchObject({ failingSince: undefined, lastSuccessAt: w.now });
  },

  'events that are stored after newer ones are counted once': async (w) => {
    const endpoint = await begin(w);
    const [late, early] = [w.event([laneOf(endpoint)]), w.event([laneOf(endpoint)])];
    await w.ingest(early);
    expect((await ofTenant(w)).total.events).toBe(1);
    await w.ingest(late);
    expect((await ofTenant(w)).total.events).toBe(2);
    const [older, newer] = [w.event([]), w.event([])];
    await w.ingest(newer);
    await w.ingest(older);
    expect((await ofTenant(w)).total.events).toBe(4);
    expect((await ofTenant(w)).total.events).toBe(4);
  },

  'what was removed from the log stays counted': async (w) => {
    const endpoint = await begin(w);
    await w.feed(endpoint);
    await attempt(w, endpoint, { kind: 'succeeded' });
    await ofTenant(w);
    w.now += 3 * DAY_MS;
    await w.maintain({ logMs: DAY_MS, chunk: 100 });
    expect((await w.log.stats(w.now)).events).toBe(0);
    expect((await ofTenant(w, '30d')).total).toMatchObject({ events: 1, succeeded: 1 });
  },

  'what is owed is told of endpoints and of their tenant': async (w) => {
    const [one, two] = [await begin(w), await w.endpoint({ paused: true })];
    const other = await w.endpoint({ tenant: 'other' });
    await w.feed(one, 2);
    await w.feed(two, 3);
    await w.feed(other, 4);
    await attempt(w, one, { kind: 'succeeded' });
    expect(await w.log.pendingOf([two, one])).toEqual([3, 1]);
    expect(await w.log.pending('default')).toBe(4);
    expect(await w.log.pending('other')).toBe(4);
    expect(await w.log.pending('nobody')).toBe(0);
  },
};

export const durableStatsCases: Cases = {
  'statistics go on where they were when the store is opened again': async (w) => {
    const endpoint = await begin(w);
    await w.feed(endpoint, 2);
    await attempt(w, endpoint, { kind: 'succeeded' });
    await ofTenant(w);
    await w.feed(endpoint, 1);
    await w.open();
    await attempt(w, endpoint, { kind: 'succeeded' });
    expect((await ofTenant(w)).total).toMatchObject({ events: 3, succeeded: 2 });
  },
};
