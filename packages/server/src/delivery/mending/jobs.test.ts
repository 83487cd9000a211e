import { ApiError, type Replay } from '@posthorn/api';
import { expect, test } from 'vitest';
import {
  crashed,
  eventually,
  gate,
  type Harness,
  type Received,
  type Receiver,
  start,
  startReceiver,
} from '../harness.suite.ts';

/** Replays and recoveries through the API, up to what the receiver gets. */

const tenant = 'default';
const ONCE = { retryPolicy: { schedule: [], attempts: 1 } };
const EARLY = '2026-01-01T00:00:00.000Z';
const number = ({ body }: Received): number => JSON.parse(body.toString()).data.n;

/** Once it has ended; time passes meanwhile. */
async function ended(app: Harness, id: Replay['id']): Promise<Replay> {
  return eventually(
    async () => {
      const job = await app.api.getReplay({ tenant, job: id });
      return job.state !== 'running' && job;
    },
    'the replay ends',
    () => app.clock.advance(100),
  );
}

/** The first request of a replay; time passes meanwhile. */
async function first(app: Harness, { requests }: Receiver): Promise<void> {
  await eventually(
    () => requests.length > 0,
    'the first request',
    () => app.clock.advance(100),
  );
}

async function started(call: Promise<unknown>): Promise<Replay> {
  const job = (await call) as Replay;
  if (!('id' in job)) throw new Error('was only counted');
  return job;
}

async function refusal(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ApiError)) throw new Error('was not refused', { cause: error });
  return `${error.code}: ${error.message}`;
}

/** `count` deliveries that were given up, at a receiver that answers 204 from now on. */
async function failures(count: number) {
  const app = await start();
  const receiver = await startReceiver(app.clock, () => 500);
  const endpoint = await app.endpoint({ url: receiver.url, ...ONCE });
  await app.publishMany(count, (n) => ({ data: { n } }));
  await eventually(
    async () => (await app.deliveries()).filter((d) => d.state === 'failed').length === count,
    'all have failed',
    () => app.clock.advance(100),
  );
  receiver.answer = () => 204;
  receiver.requests.length = 0;
  return { app, receiver, endpoint: endpoint.id };
}

/** `count` deliveries that succeeded, at a receiver that takes one at a time when the test says so. */
async function successes(count: number) {
  const app = await start();
  const receiver = await startReceiver(app.clock);
  const endpoint = await app.endpoint({ url: receiver.url, maxConcurrency: 1 });
  await app.publishMany(count, (n) => ({ data: { n } }));
  await eventually(async () => (await app.attempts()).length === count, 'all are logged');
  receiver.requests.length = 0;
  const hold = gate();
  receiver.answer = async () => {
    await hold.opened;
    return 204;
  };
  const body = { endpoints: [endpoint.id], only: 'all' as const };
  const replay = () => started(app.api.startReplay({ tenant, body }));
  return { app, receiver, hold, replay };
}

test('everything that failed since a time is delivered, once, and the count was told before', async () => {
  const { app, receiver, endpoint } = await failures(9);
  const body = { since: EARLY };
  const counted = await app.api.recoverEndpoint({
    tenant,
    endpoint,
    body: { ...body, dryRun: true },
  });
  expect(counted).toEqual({ total: { count: 9, atLeast: false } });
  expect(receiver.requests).toEqual([]);
  const job = await started(app.api.recoverEndpoint({ tenant, endpoint, body }));
  expect(job).toMatchObject({ kind: 'recover', state: 'running', done: 0, total: { count: 9 } });
  expect(await ended(app, job.id)).toMatchObject({ state: 'done', done: 9, owed: 9 });
  await receiver.request(9);
  expect(receiver.requests.map(number)).toEqual(Array.from({ length: 9 }, (_, n) => n));
  await eventually(
    async () => (await app.deliveries()).filter((d) => d.state === 'succeeded').length === 9,
    'all succeed',
  );
  const again = await started(app.api.recoverEndpoint({ tenant, endpoint, body }));
  expect(await ended(app, again.id)).toMatchObject({ done: 0, total: { count: 0 } });
  expect(receiver.requests).toHaveLength(9);
  const { items } = await app.api.listReplays({ tenant });
  expect(items.map(({ id }) => id)).toEqual([again.id, job.id]);
});

test('what came before the time, succeeded or was cancelled by hand is not recovered', async () => {
  const { app, receiver, endpoint } = await failures(2);
  app.clock.advance(60_000);
  const since = new Date(app.clock.now()).toISOString();
  receiver.answer = (request) => (number(request) === 7 ? 500 : 204);
  await app.publishMany(2, (i) => ({ data: { n: 7 + i } }));
  await receiver.request(2);
  await app.api.pauseEndpoint({ tenant, endpoint });
  await app.publish({ data: { n: 9 } });
  const [pending] = (await app.api.listDeliveries({ tenant, state: 'pending' })).items;
  await app.api.cancelDelivery({ tenant, delivery: pending?.id as never });
  await app.api.resumeEndpoint({ tenant, endpoint });
  receiver.answer = () => 204;
  const job = await started(app.api.recoverEndpoint({ tenant, endpoint, body: { since } }));
  expect(await ended(app, job.id)).toMatchObject({ done: 1, owed: 1 });
  expect(number(await receiver.request(3))).toBe(7);
});

test('a new endpoint is given the stored events that it listens to', async () => {
  const app = await start();
  for (const type of ['user.created', 'order.paid', 'user.deleted']) await app.publish({ type });
  const receiver = await startReceiver(app.clock);
  const { id } = await app.endpoint({ url: receiver.url, eventTypes: ['user.*'] });
  const body = { endpoints: [id], only: 'missing' as const };
  const job = await started(app.api.startReplay({ tenant, body }));
  expect(await ended(app, job.id)).toMatchObject({ done: 2, owed: 2, total: { count: 2 } });
  await receiver.request(2);
  const types = receiver.requests.map(({ body }) => JSON.parse(body.toString()).type);
  expect(types).toEqual(['user.created', 'user.deleted']);
  const done = { tenant, endpoint: id, state: 'succeeded' } as const;
  const runs = async () => (await app.api.listDeliveries(done)).items.map(({ run }) => run);
  await eventually(async () => (await runs()).length === 2, 'both have ended');
  expect(await runs()).toEqual([0, 0]);
});

test('a replay sends what was delivered again, under new ids if asked', async () => {
  const app = await start();
  const receiver = await startReceiver(app.clock);
  const { id } = await app.endpoint({ url: receiver.url });
  await app.publish({ type: 'a.b' });
  await app.publish({ type: 'c.d' });
  await receiver.request(2);
  await eventually(
    async () => (await app.deliveries()).every((d) => d.state === 'succeeded'),
    'both succeed',
  );
  const body = { endpoints: [id], only: 'all' as const, types: ['c.*'], newId: true };
  const job = await started(app.api.startReplay({ tenant, body }));
  expect(await ended(app, job.id)).toMatchObject({ owed: 1, newId: true });
  const third = await receiver.request(3);
  expect(third.id).toMatch(/^evt_\w+_1$/);
  expect(receiver.ids()).toContain(third.id.slice(0, -2));
});

test('a live event does not wait for a replay that goes on at its endpoint', async () => {
  const { app, receiver, replay } = await successes(150);
  const turns: ReturnType<typeof gate>[] = [];
  receiver.answer = async () => {
    const turn = gate();
    turns.push(turn);
    await turn.opened;
    return 204;
  };
  const job = await replay();
  let sent = 0;
  const next = async () => {
    await eventually(
      () => turns.length > sent,
      'the next request',
      () => app.clock.advance(100),
    );
    turns[sent++]?.open();
  };
  for (let i = 0; i < 20; i++) await next();
  await app.publish({ data: { n: 1000 } });
  const before = sent;
  while (!receiver.requests.some((request) => number(request) === 1000)) await next();
  // One by one it gets through ten in a second at most.
  expect(sent - before).toBeLessThan(20);
  expect((await app.api.getReplay({ tenant, job: job.id })).state).toBe('running');
  await app.api.cancelReplay({ tenant, job: job.id });
  for (const turn of turns) turn.open();
  receiver.answer = () => 204;
});

test('killed, it goes on where it was; what it owed is owed once', async () => {
  const { app, receiver, hold, replay } = await successes(150);
  const { clock } = app;
  const job = await replay();
  await first(app, receiver);
  const owed = await eventually(async () => {
    const { owed, done } = await app.api.getReplay({ tenant, job: job.id });
    return owed > 0 && done < 150 && owed;
  }, 'it is half done');
  const directory = crashed(app);
  hold.open();
  await app.close();
  receiver.requests.length = 0;
  const next = await start({ directory, clock });
  expect((await next.api.getReplay({ tenant, job: job.id })).owed).toBeGreaterThanOrEqual(owed);
  expect(await ended(next, job.id)).toMatchObject({ state: 'done', done: 150, owed: 150 });
  await eventually(
    () => new Set(receiver.ids()).size === 150,
    'all arrive',
    () => clock.advance(100),
  );
  expect((await next.deliveries()).filter(({ run }) => run > 1)).toEqual([]);
});

test('cancelled, it owes nothing more; what it owed is delivered', async () => {
  const { app, receiver, hold, replay } = await successes(150);
  const { id } = await replay();
  await first(app, receiver);
  const cancelled = await app.api.cancelReplay({ tenant, job: id });
  expect(cancelled).toMatchObject({ state: 'cancelled', endedAt: expect.any(String) });
  expect(await app.api.cancelReplay({ tenant, job: id })).toEqual(cancelled);
  hold.open();
  await eventually(
    async () => (await app.api.listDeliveries({ tenant, state: 'pending' })).items.length === 0,
    'nothing is owed',
    () => app.clock.advance(100),
  );
  expect(receiver.requests).toHaveLength(cancelled.owed);
  expect(cancelled.owed).toBeLessThan(150);
});

test('while its endpoint is paused it waits, and goes on afterwards', async () => {
  const { app, receiver, endpoint } = await failures(9);
  await app.api.pauseEndpoint({ tenant, endpoint });
  const body = { since: EARLY };
  const { id } = await started(app.api.recoverEndpoint({ tenant, endpoint, body }));
  for (let i = 0; i < 20; i++) app.clock.advance(1000);
  expect(await app.api.getReplay({ tenant, job: id })).toMatchObject({ state: 'running' });
  expect(receiver.requests).toEqual([]);
  await app.api.resumeEndpoint({ tenant, endpoint });
  expect(await ended(app, id)).toMatchObject({ state: 'done', owed: 9 });
  await receiver.request(9);
});

test('of an endpoint that is deleted meanwhile nothing more is owed', async () => {
  const { app, endpoint } = await failures(9);
  await app.api.pauseEndpoint({ tenant, endpoint });
  const body = { since: EARLY };
  const { id } = await started(app.api.recoverEndpoint({ tenant, endpoint, body }));
  await app.api.deleteEndpoint({ tenant, endpoint });
  expect(await ended(app, id)).toMatchObject({ state: 'done' });
});

test('what is refused says what to do', async () => {
  const { app, endpoint } = await failures(1);
  const replay = (body: object) =>
    refusal(app.api.startReplay({ tenant, body: { endpoints: [endpoint], only: 'all', ...body } }));
  const unknown = 'ep_00000000000000000000000000' as const;
  expect(await replay({ endpoints: [unknown] })).toBe(
    'invalid_request: endpoints.0: there is no such endpoint.',
  );
  expect(await replay({ from: '2030-01-01T00:00:00Z' })).toMatch(/^invalid_request: from: is not/);
  const recover = (since: string) =>
    refusal(app.api.recoverEndpoint({ tenant, endpoint, body: { since } }));
  expect(await recover('2030-01-01T00:00:00Z')).toMatch(/^invalid_request: since: lies in/);
  await app.update(endpoint, { enabled: false });
  expect(await recover(EARLY)).toMatch(/^conflict: Its endpoint is switched off: set enabled/);
  expect(await replay({})).toMatch(/^conflict: Its endpoint is switched off/);
  const job = 'job_00000000000000000000000000';
  expect(await refusal(app.api.getReplay({ tenant, job }))).toMatch(/^not_found/);
  await app.update(endpoint, { enabled: true });
  const { id } = await started(
    app.api.recoverEndpoint({ tenant, endpoint, body: { since: EARLY } }),
  );
  await ended(app, id);
  expect(await refusal(app.api.cancelReplay({ tenant, job: id }))).toBe(
    'conflict: The replay is done: there is nothing to cancel.',
  );
});

test('a tenant has ten replays under way at most', async () => {
  const { app, endpoint } = await failures(9);
  await app.api.pauseEndpoint({ tenant, endpoint });
  const recover = () => app.api.recoverEndpoint({ tenant, endpoint, body: { since: EARLY } });
  for (let i = 0; i < 10; i++) await recover();
  expect(await refusal(recover())).toMatch(/^conflict: The tenant has 10 replays under way/);
});
