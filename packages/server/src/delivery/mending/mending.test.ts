import { ApiError } from '@posthorn/api';
import { expect, test } from 'vitest';
import {
  crashed,
  eventually,
  gate,
  type Harness,
  type Receiver,
  start,
  startReceiver,
} from '../harness.suite.ts';

/** What a person does to single deliveries, through the API, up to what the receiver gets. */

const tenant = 'default';
const ONCE = { retryPolicy: { schedule: [], attempts: 1 } };
const HOURLY = { retryPolicy: { schedule: [3600, 3600, 3600], jitter: 0 } };

/** One delivery that has ended, at a receiver that answers `status`. */
async function ended(status = 500): Promise<{ app: Harness; receiver: Receiver; id: string }> {
  const app = await start();
  const receiver = await startReceiver(app.clock, () => status);
  await app.endpoint({ url: receiver.url, ...ONCE });
  await app.publish();
  const { id } = await app.delivery('ended', (d) => d.state !== 'pending');
  return { app, receiver, id };
}

/** One delivery whose second attempt is an hour away. */
async function waiting(): Promise<{ app: Harness; receiver: Receiver; id: string }> {
  const app = await start();
  const receiver = await startReceiver(app.clock, ({ n }) => (n === 1 ? 500 : 204));
  await app.endpoint({ url: receiver.url, ...HOURLY });
  await app.publish();
  const { id } = await app.delivery('tried once', (d) => d.attempts === 1);
  return { app, receiver, id };
}

async function refusal(call: Promise<unknown>): Promise<{ code: unknown; message: string }> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ApiError)) throw new Error('was not refused', { cause: error });
  return { code: error.code, message: error.message };
}

test('a resend goes under the same webhook-id, as the next run', async () => {
  const { app, receiver, id } = await ended();
  receiver.answer = () => 204;
  const run = await app.api.resendDelivery({ tenant, delivery: id as never });
  expect(run).toMatchObject({ run: 1, state: 'pending', attempts: 0 });
  await receiver.request(2);
  expect(new Set(receiver.ids()).size).toBe(1);
  await eventually(
    async () => (await app.deliveries()).some((d) => d.run === 1 && d.state === 'succeeded'),
    'run 1 succeeds',
  );
});

test('with newId it goes under another id, also after a crash and in its retries', async () => {
  const { app, receiver, id } = await ended();
  const body = { newId: true };
  await app.api.resendDelivery({ tenant, delivery: id as never, body });
  const [first, second] = [await receiver.request(1), await receiver.request(2)];
  expect(second.id).not.toBe(first.id);
  await eventually(async () => (await app.attempts()).length === 2, 'both are logged');
  const endpoint = id.split('.')[1] ?? '';
  await app.update(endpoint, HOURLY);
  await app.api.resendDelivery({ tenant, delivery: `${id.slice(0, -1)}1` as never, body });
  const third = await receiver.request(3);
  await eventually(async () => (await app.attempts()).length === 3, 'the third is logged');
  const { clock } = app;
  const copy = await start({ directory: crashed(app), clock });
  await app.close();
  clock.advance(3_600_000);
  expect((await receiver.request(4)).id).toBe(third.id);
  expect(new Set([first.id, second.id, third.id]).size).toBe(3);
  await copy.close();
});

test('of a hundred identical resends one is carried out', async () => {
  const { app, receiver, id } = await ended();
  receiver.answer = () => 204;
  const calls = Array.from({ length: 100 }, () =>
    app.api.resendDelivery({ tenant, delivery: id as never }),
  );
  const answers = await Promise.allSettled(calls);
  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  for (const answer of answers) {
    if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: 'conflict' });
  }
  await receiver.request(2);
  await app.publish();
  await receiver.request(3);
  expect(receiver.requests).toHaveLength(3);
});

test('what is refused says what to do', async () => {
  const { app, id } = await ended();
  const [, endpoint = ''] = id.split('.');
  const delivery = id as never;
  const resend = () => refusal(app.api.resendDelivery({ tenant, delivery }));
  const unknown = id.replace(/0$/, '7') as never;
  expect(await refusal(app.api.resendDelivery({ tenant, delivery: unknown }))).toMatchObject({
    code: 'not_found',
  });
  await app.api.pauseEndpoint({ tenant, endpoint: endpoint as never });
  await app.api.resendDelivery({ tenant, delivery });
  expect(await resend()).toEqual({ code: 'conflict', message: expect.stringMatching(/^Run 1 /) });
  const next = id.replace(/0$/, '1') as never;
  expect(await refusal(app.api.resendDelivery({ tenant, delivery: next }))).toEqual({
    code: 'conflict',
    message: 'Run 1 of this delivery is still pending: retry it now, or cancel it first.',
  });
  expect((await refusal(app.api.retryDelivery({ tenant, delivery: next }))).message).toMatch(
    /paused: resume it/,
  );
  await app.api.cancelDelivery({ tenant, delivery: next });
  await app.update(endpoint, { enabled: false });
  expect((await resend()).message).toMatch(/set enabled to true/);
  await app.api.deleteEndpoint({ tenant, endpoint: endpoint as never });
  expect(await resend()).toEqual({
    code: 'conflict',
    message: expect.stringMatching(/deleted: create one and replay/),
  });
});

test('a disabled endpoint is resumed before anything is resent to it', async () => {
  const { app, id } = await ended(410);
  const { message } = await refusal(app.api.resendDelivery({ tenant, delivery: id as never }));
  expect(message).toMatch(/answered 410: resume it first \(POST …\/endpoints\/ep_.*\/resume\)/);
});

test('cancelled, it is not tried again; cancelling twice is once', async () => {
  const { app, receiver, id } = await waiting();
  const delivery = id as never;
  const cancelled = await app.api.cancelDelivery({ tenant, delivery });
  expect(cancelled).toMatchObject({ state: 'cancelled' });
  const attempts = await app.attempts();
  expect(await app.api.cancelDelivery({ tenant, delivery })).toEqual(cancelled);
  expect(await app.attempts()).toEqual(attempts);
  app.clock.advance(4_000_000);
  const other = await startReceiver(app.clock);
  await app.endpoint({ url: other.url, eventTypes: ['other'] });
  await app.publish({ type: 'other' });
  await other.request(1);
  expect(new Set(receiver.ids()).size).toBe(receiver.requests.length);
  expect(await refusal(app.api.retryDelivery({ tenant, delivery }))).toEqual({
    code: 'conflict',
    message: 'The delivery was cancelled: resend it.',
  });
});

test('retried now, it does not wait for its schedule', async () => {
  const { app, receiver, id } = await waiting();
  await app.api.retryDelivery({ tenant, delivery: id as never });
  await receiver.request(2);
  await app.delivery('succeeded', (d) => d.state === 'succeeded' && d.attempts === 2);
  const late = await refusal(app.api.cancelDelivery({ tenant, delivery: id as never }));
  expect(late.message).toBe('The delivery has succeeded: there is nothing to cancel.');
});

test('cancelled while it is sent, it stays cancelled and the exchange is logged', async () => {
  const app = await start();
  const hold = gate();
  const receiver = await startReceiver(app.clock, async () => {
    await hold.opened;
    return 500;
  });
  await app.endpoint({ url: receiver.url, ...HOURLY });
  await app.publish();
  await receiver.request(1);
  const [row] = await app.deliveries();
  await app.api.cancelDelivery({ tenant, delivery: row?.id as never });
  await app.delivery('cancelled', (d) => d.state === 'cancelled');
  hold.open();
  await eventually(async () => (await app.attempts()).length === 2, 'the exchange is logged');
  expect(await app.deliveries()).toMatchObject([{ state: 'cancelled' }]);
});

test('an event is resent to every endpoint that has ended it, or only where it failed', async () => {
  const app = await start();
  const good = await startReceiver(app.clock);
  const bad = await startReceiver(app.clock, () => 500);
  await app.endpoint({ url: good.url, ...ONCE });
  const failing = await app.endpoint({ url: bad.url, ...ONCE });
  const paused = await app.endpoint({ url: good.url });
  await app.api.pauseEndpoint({ tenant, endpoint: paused.id });
  const { id: event } = await app.publish();
  const settled = async (count: number) =>
    (await app.deliveries()).filter((d) => d.state !== 'pending').length === count;
  await eventually(() => settled(2), 'two have ended');
  const failed = await app.api.resendEvent({ tenant, event, body: { only: 'failed' } });
  expect(failed).toEqual({ resent: 1, pending: 1, refused: 0 });
  await bad.request(2);
  await eventually(() => settled(3), 'the resend has ended');
  await app.update(failing.id, { enabled: false });
  const all = await app.api.resendEvent({ tenant, event });
  expect(all).toEqual({ resent: 1, pending: 1, refused: 1 });
  await good.request(2);
  expect([good.requests.length, bad.requests.length]).toEqual([2, 2]);
});
