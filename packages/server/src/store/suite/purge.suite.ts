import { expect } from 'vitest';
import type { Endpoint } from '../../core/model.ts';
import type { Job } from '../jobs.ts';
import { wide } from './ingest.suite.ts';
import { type Cases, keyOf, laneOf, RETENTION, type World } from './world.suite.ts';

const KINDS = ['replay', 'purge'] as const;

/** All that a tenant has in the log, removed step by step. */
export const purgeCases: Cases = {
  'a purge takes all of its tenant in steps, and nothing of others': async (w) => {
    const [mine, theirs] = [await w.endpoint({ tenant: 'a' }), await w.endpoint({ tenant: 'b' })];
    await deliver(w, mine, 7);
    await deliver(w, theirs, 2);
    await w.feed(mine, 2);
    const { jobs } = w.store;
    expect(await jobs.eventsOf('a', 100)).toBe(9);
    expect(await jobs.eventsOf('a', 3)).toBe(3);
    const job = await begin(w, 'a');
    const steps = await purge(w, job, 4);
    expect(steps.length).toBeGreaterThan(2);
    expect(steps.at(-1)).toMatchObject({ state: 'done', done: 9, endedAt: w.now });
    expect(await left(w, 'a')).toEqual([0, 0, 0]);
    expect(await left(w, 'b')).toEqual([2, 2, 2]);
    expect((await w.log.stats(w.now)).pending).toBe(0);
    expect(await jobs.purge(job.id, 4, w.now)).toBeUndefined();
  },

  'an id of the producer is free again': async (w) => {
    const endpoint = await w.endpoint({ tenant: 'a' });
    const one = { tenant: 'a', idempotencyKey: 'k' };
    await w.ingest(w.event([laneOf(endpoint)], one));
    await purge(w, await begin(w, 'a'));
    const [again] = await w.ingest(w.event([laneOf(endpoint)], one));
    expect(again).toMatchObject({ duplicate: false });
  },

  'what is being sent waits for its sender, and leaves nothing': async (w) => {
    const endpoint = await w.endpoint({ tenant: 'a' });
    const [event] = await w.feed(endpoint);
    const node = await w.node();
    const key = await w.first(endpoint);
    const job = await begin(w, 'a');
    const { jobs } = w.store;
    const first = await jobs.purge(job.id, 10, w.now);
    expect(first).toMatchObject({ job: { state: 'running', done: 0 }, waiting: [event?.id] });
    expect((await w.lanes.load([key]))[0]?.event).toBeUndefined();
    const next = { kind: 'retry', at: w.now + 5 } as const;
    await w.settle(node, endpoint, { key, next });
    expect(await purge(w, job)).toMatchObject([{ state: 'done', done: 1 }]);
    expect(await left(w, 'a')).toEqual([0, 0, 0]);
    expect((await w.log.stats(w.now)).pending).toBe(0);
  },

  'of a fan-out that is being expanded nothing is left': async (w) => {
    const { event } = await wide(w);
    await w.log.maintain({ ...RETENTION, chunk: 100 }, w.now);
    const steps = await purge(w, await begin(w, event.tenant), 1000);
    expect(steps.at(-1)).toMatchObject({ state: 'done', done: 1 });
    await w.maintain();
    expect(await left(w, event.tenant)).toEqual([0, 0, 0]);
    expect((await w.log.stats(w.now)).pending).toBe(0);
  },

  'with the last event go the replays of its tenant': async (w) => {
    const replay = { kind: 'replay', endpoints: [], types: [], from: 0, to: 1 } as const;
    const spec = { ...replay, only: 'all', ownId: false } as const;
    const [mine, theirs] = [makeJob(w, 'a', spec), makeJob(w, 'b', spec)];
    for (const one of [mine, theirs]) await w.store.jobs.create(one);
    const job = await begin(w, 'a');
    expect((await w.store.jobs.running(['purge'], 9)).map(({ id }) => id)).toEqual([job.id]);
    expect(await purge(w, job)).toMatchObject([{ state: 'done', done: 0 }]);
    const all = await w.store.jobs.list({ tenant: undefined, kinds: KINDS, limit: 9 });
    expect(all.items.map(({ id }) => id)).toEqual([job.id, theirs.id]);
  },
};

export const durablePurgeCases: Cases = {
  'a purge goes on where it was when the store is opened again': async (w) => {
    const endpoint = await w.endpoint({ tenant: 'a' });
    await deliver(w, endpoint, 5);
    const job = await begin(w, 'a');
    await w.store.jobs.purge(job.id, 4, w.now);
    await w.open();
    const [running] = await w.store.jobs.running(['purge'], 9);
    expect(running?.done).toBeGreaterThan(0);
    expect((await purge(w, job)).at(-1)).toMatchObject({ state: 'done', done: 5 });
    expect((await w.log.stats(w.now)).events).toBe(0);
  },
};

/** Steps until it is done. */
export async function purge(w: World, { id }: Job, limit = 100): Promise<Job[]> {
  const steps: Job[] = [];
  while (steps.at(-1)?.state !== 'done' && steps.length < 1000) {
    const step = await w.store.jobs.purge(id, limit, w.now);
    if (!step) throw new Error('it is not running');
    steps.push(step.job);
  }
  return steps;
}

export async function begin(w: World, tenant: string): Promise<Job> {
  const job = makeJob(w, tenant, { kind: 'purge' });
  await w.store.jobs.create(job);
  return job;
}

function makeJob(w: World, tenant: string, spec: Job['spec']): Job {
  return {
    id: w.ids.job(w.now),
    tenant,
    spec,
    state: 'running',
    places: {},
    done: 0,
    owed: 0,
    total: { count: 0, atLeast: false },
    createdAt: w.now,
    updatedAt: w.now,
    endedAt: undefined,
  };
}

/** Events that arrived. */
async function deliver(w: World, endpoint: Endpoint, count: number): Promise<void> {
  await w.feed(endpoint, count);
  const node = await w.node();
  for (const key of await w.due(endpoint)) {
    await w.settle(node, endpoint, { key, next: { kind: 'succeeded' } });
  }
  await w.release(node, keyOf(endpoint));
  await w.lanes.leave(node, w.now);
}

/** Events, deliveries and attempts. */
async function left(w: World, tenant: string): Promise<number[]> {
  const query = { tenant, limit: 100 };
  const [events, attempts] = [await w.log.events(query), await w.log.attempts(query)];
  const deliveries = await w.deliveries({ tenant });
  return [events.items.length, deliveries.length, attempts.items.length];
}
