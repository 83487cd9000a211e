import { expect } from 'vitest';
import type { Endpoint, EventId } from '../../core/model.ts';
import type { CandidateQuery, Job, JobStep, ReplaySpec } from '../jobs.ts';
import type { Requeue } from '../store.ts';
import { type Cases, DAY, everyPage, keyOf, laneOf, type World } from './world.suite.ts';

const ALL = ['replay', 'recover', 'purge'] as const;

/** Work in the background: what it looks at, and that each step is applied whole and once. */
export const jobCases: Cases = {
  'a step owes runs and moves its job in one go, and is applied once': async (w) => {
    const { endpoint, events } = await failedEvents(w, 3);
    const job = await create(w, endpoint);
    const step = stepOf(job, endpoint, events.slice(0, 2));
    const answers = await Promise.all([
      w.store.jobs.advance(step, w.now),
      w.store.jobs.advance(step, w.now),
    ]);
    const applied = answers.filter((answer) => answer !== undefined);
    expect(applied).toMatchObject([{ done: 2, owed: 2, places: { [endpoint.id]: events[1] } }]);
    expect((await w.log.stats(w.now)).pending).toBe(2);
    const rest = { ...stepOf(job, endpoint, events.slice(2)), from: events[1], to: 'end' } as const;
    expect(await w.store.jobs.advance(rest, w.now)).toMatchObject({
      state: 'done',
      owed: 3,
      endedAt: w.now,
    });
    expect(await w.store.jobs.running(ALL, 9)).toEqual([]);
  },

  'a run that somebody else asked for meanwhile is not owed twice': async (w) => {
    const { endpoint, events } = await failedEvents(w, 2);
    const job = await create(w, endpoint);
    await w.requeue(endpoint, events[0] as EventId);
    const moved = await w.store.jobs.advance(stepOf(job, endpoint, events), w.now);
    expect(moved).toMatchObject({ done: 2, owed: 1 });
    expect((await w.log.stats(w.now)).pending).toBe(2);
  },

  'a full lane ends a step where it is full': async (w) => {
    await w.open({ laneMax: 2 });
    const { endpoint, events } = await failedEvents(w, 2);
    await w.feed(endpoint);
    const job = await create(w, endpoint);
    const moved = await w.store.jobs.advance(stepOf(job, endpoint, events), w.now);
    expect(moved).toMatchObject({ done: 1, owed: 1, places: { [endpoint.id]: events[0] } });
  },

  'a job that was cancelled goes no further, and what it owed stays owed': async (w) => {
    const { endpoint, events } = await failedEvents(w, 2);
    const job = await create(w, endpoint);
    const first = stepOf(job, endpoint, events.slice(0, 1));
    await w.store.jobs.advance(first, w.now);
    const cancelled = await w.store.jobs.cancel(job.id, w.now);
    expect(cancelled).toMatchObject({ state: 'cancelled', endedAt: w.now, owed: 1 });
    expect(await w.store.jobs.cancel(job.id, w.now + 1)).toEqual(cancelled);
    const second = { ...stepOf(job, endpoint, events.slice(1)), from: events[0] };
    expect(await w.store.jobs.advance(second, w.now)).toBeUndefined();
    expect((await w.log.stats(w.now)).pending).toBe(1);
    expect(await w.store.jobs.read('job_0')).toBeUndefined();
    expect(await w.store.jobs.cancel('job_0', w.now)).toBeUndefined();
  },

  'jobs are listed by tenant and kind, newest first': async (w) => {
    const { endpoint } = await failedEvents(w, 1);
    const other = await w.endpoint({ tenant: 'other' });
    const mine: string[] = [];
    for (let i = 0; i < 5; i++) mine.push((await create(w, endpoint)).id);
    const theirs = await create(w, other);
    const list = (tenant: string, kinds: readonly ReplaySpec['kind'][]) =>
      everyPage((cursor) => w.store.jobs.list({ tenant, kinds, limit: 2, cursor }));
    const found = (await list('default', ['replay', 'recover'])).map(({ id }) => id);
    expect(found).toEqual(mine.toReversed());
    expect((await list('other', ['recover'])).map(({ id }) => id)).toEqual([theirs.id]);
    expect(await list('default', ['replay'])).toEqual([]);
    expect((await w.store.jobs.running(ALL, 3)).map(({ id }) => id)).toEqual(mine.slice(0, 3));
  },

  'finished jobs are kept as long as the log': async (w) => {
    const { endpoint } = await failedEvents(w, 1);
    const [ended, running] = [await create(w, endpoint), await create(w, endpoint)];
    await w.store.jobs.cancel(ended.id, w.now);
    w.now += 29 * DAY;
    await w.maintain();
    expect(await w.store.jobs.read(ended.id)).toBeDefined();
    w.now += 2 * DAY;
    await w.maintain();
    expect(await w.store.jobs.read(ended.id)).toBeUndefined();
    expect(await w.store.jobs.read(running.id)).toBeDefined();
  },

  'what failed is found by event, with how it stands now': async (w) => {
    const { endpoint, events } = await failedEvents(w, 4);
    await w.requeue(endpoint, events[1] as EventId);
    w.now += 1000;
    const later = await failedEvents(w, 1, endpoint);
    const read = (more: Partial<CandidateQuery> = {}) => candidates(w, endpoint, more);
    const states = (await read()).map(({ event, last }) => [event, last?.run, last?.state]);
    expect(states).toEqual([
      [events[0], 0, 'failed'],
      [events[1], 1, 'pending'],
      [events[2], 0, 'failed'],
      [events[3], 0, 'failed'],
      [later.events[0], 0, 'failed'],
    ]);
    expect((await read({ from: w.now })).map(({ event }) => event)).toEqual(later.events);
    expect((await read({ to: w.now })).map(({ event }) => event)).toEqual(events);
    expect(await read({ tenant: 'other' })).toEqual([]);
    expect(await read({ tenant: undefined })).toHaveLength(5);
    expect(await read({ types: ['order.*'] })).toEqual([]);
    expect(await read({ types: ['order.*', 'user.*'] })).toHaveLength(5);
  },

  'every event is found, whether it was ever owed to the endpoint or not': async (w) => {
    const { endpoint, events } = await failedEvents(w, 1);
    const fresh = w.event([], { meta: '{"subject":"s"}' });
    const theirs = w.event([], { tenant: 'other' });
    const owed = w.event([laneOf(endpoint)]);
    await w.ingest(fresh, owed);
    await w.ingest(theirs);
    const found = await candidates(w, endpoint, { of: 'all' });
    expect(found).toEqual([
      { ...about(events[0]), last: { run: 0, state: 'failed' } },
      { ...about(fresh.id), meta: '{"subject":"s"}', last: undefined },
      { ...about(owed.id), last: { run: 0, state: 'pending' } },
    ]);
    expect(await candidates(w, endpoint, { of: 'all', types: ['none'] })).toEqual([]);
    const whole = await candidates(w, endpoint, { of: 'all', withData: true });
    expect(whole.map(({ data }) => Buffer.from(data ?? []).toString())).toEqual(
      [owed, fresh, owed].map(({ data }) => Buffer.from(data).toString()),
    );
  },

  'rows due at an endpoint are counted, up to a bound': async (w) => {
    const endpoint = await w.endpoint();
    const { jobs } = w.store;
    expect(await jobs.backlog(endpoint.id, w.now, 9)).toBe(0);
    await w.feed(endpoint, 5);
    expect(await jobs.backlog(endpoint.id, w.now, 9)).toBe(5);
    expect(await jobs.backlog(endpoint.id, w.now, 3)).toBe(3);
    const node = await w.node();
    const key = await w.first(endpoint);
    await w.settle(node, endpoint, { key, next: { kind: 'retry', at: w.now + 5 } });
    expect(await jobs.backlog(endpoint.id, w.now, 9)).toBe(4);
  },
};

export const durableJobCases: Cases = {
  'a job goes on where it was when the store is opened again': async (w) => {
    const { endpoint, events } = await failedEvents(w, 2);
    const job = await create(w, endpoint);
    const moved = await w.store.jobs.advance(stepOf(job, endpoint, events.slice(0, 1)), w.now);
    await w.open();
    expect(await w.store.jobs.running(ALL, 9)).toEqual([moved]);
    const rest = { ...stepOf(job, endpoint, events.slice(1)), from: events[0], to: 'end' } as const;
    expect(await w.store.jobs.advance(rest, w.now)).toMatchObject({ state: 'done', owed: 2 });
    expect((await w.log.stats(w.now)).pending).toBe(2);
  },
};

async function candidates(w: World, endpoint: Endpoint, more: Partial<CandidateQuery>) {
  const { tenant, id } = endpoint;
  const query: CandidateQuery = {
    tenant,
    endpoint: id,
    of: 'failed',
    types: [],
    from: 0,
    to: w.now + 1,
    after: undefined,
    limit: 2,
    withData: false,
    ...more,
  };
  const items = [];
  for (let place: EventId | 'end' | undefined; place !== 'end'; ) {
    const found = await w.store.jobs.candidates({ ...query, after: place });
    items.push(...found.items);
    place = found.place;
  }
  return items;
}

const about = (event: EventId | undefined) => ({
  event,
  tenant: 'default',
  type: 'user.created',
  meta: '',
  data: undefined,
});

async function create(w: World, endpoint: Endpoint): Promise<Job> {
  const job = makeJob(w, endpoint);
  await w.store.jobs.create(job);
  return job;
}

export function makeJob(w: World, { id, tenant }: Endpoint): Job {
  const of = {
    endpoints: [id],
    types: [],
    from: 0,
    to: w.now,
    only: 'failed',
    ownId: false,
  } as const;
  return {
    id: w.ids.job(w.now),
    tenant,
    spec: { kind: 'recover', ...of },
    state: 'running',
    places: {},
    done: 0,
    owed: 0,
    total: { count: 3, atLeast: false },
    createdAt: w.now,
    updatedAt: w.now,
    endedAt: undefined,
  };
}

function stepOf(job: Job, endpoint: Endpoint, events: readonly EventId[]): JobStep {
  const requeue = events.map(
    (event): Requeue => ({ ...keyOf(endpoint), event, after: 0, ownId: false }),
  );
  const to = events.at(-1) ?? 'end';
  return { job: job.id, endpoint: endpoint.id, from: undefined, to, requeue };
}

/** Events whose only delivery was given up. */
async function failedEvents(w: World, count: number, at?: Endpoint) {
  const endpoint = at ?? (await w.endpoint());
  const events: EventId[] = [];
  for (let left = count; left > 0; left -= 2) {
    const node = await w.join();
    const fed = await w.feed(endpoint, Math.min(left, 2));
    await w.lanes.acquire(node, 10, w.now);
    const rows = (await w.due(endpoint)).filter(({ event }) => fed.some(({ id }) => id === event));
    const results = rows.map((key) => w.result(key, { kind: 'failed' }, { endpoint: endpoint.id }));
    await w.lanes.complete(node, { results, release: [] }, w.now);
    await w.lanes.leave(node, w.now);
    events.push(...fed.map(({ id }) => id));
  }
  return { endpoint, events };
}
