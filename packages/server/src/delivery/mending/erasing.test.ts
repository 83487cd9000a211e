import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually, gate, start, startReceiver } from '../harness.suite.ts';

/** Erasure through the API: what is sent, what is shown, and what is left in the file. */

const tenant = 'default';
const HOURLY = { retryPolicy: { schedule: [3600, 3600], jitter: 0 } };

test('an erased payload is not sent, shown or found any more; what happened stays', async () => {
  const app = await start();
  const good = await startReceiver(app.clock);
  const bad = await startReceiver(app.clock, () => 500);
  await app.endpoint({ url: good.url });
  await app.endpoint({ url: bad.url, ...HOURLY });
  const { id: event } = await app.publish({ data: { name: 'Ada' }, subject: 'ada', id: 'once' });
  const states = async () => (await app.deliveries()).map(({ state }) => state).sort();
  await eventually(async () => (await app.attempts()).length === 2, 'both are tried');
  const erased = await app.api.erasePayload({ tenant, event });
  expect(erased).toMatchObject({ event, cancelled: 1, sending: 0 });
  expect(await states()).toEqual(['cancelled', 'succeeded']);
  const shown = await app.api.getEvent({ tenant, event });
  expect(shown).toMatchObject({ data: null, erasedAt: erased.erasedAt, idempotencyKey: 'once' });
  expect(JSON.stringify(shown)).not.toMatch(/ada/i);
  for (const { id, n } of await app.attempts()) {
    const attempt = await app.api.getAttempt({ tenant, attempt: id });
    expect(attempt).toMatchObject({ erased: n > 0, request: { head: '' }, response: null });
  }
  expect(await app.api.erasePayload({ tenant, event })).toEqual({ ...erased, cancelled: 0 });
  app.clock.advance(4_000_000);
  const other = await startReceiver(app.clock);
  await app.endpoint({ url: other.url, eventTypes: ['other'] });
  await app.publish({ type: 'other' });
  await other.request(1);
  expect(bad.requests.filter(({ id }) => id === event)).toHaveLength(1);
  // The producer's own id is still taken.
  const again = await app.publish({ data: { name: 'Ada' }, subject: 'ada', id: 'once' });
  expect(again).toMatchObject({ id: event, duplicate: true });
});

test('what is being sent while it is erased leaves no bytes in the log', async () => {
  const app = await start();
  const hold = gate();
  const receiver = await startReceiver(app.clock, async () => {
    await hold.opened;
    return 500;
  });
  await app.endpoint({ url: receiver.url, maxConcurrency: 1, ...HOURLY });
  const [first, second] = await app.publishMany(2);
  await receiver.request(1);
  for (const { id: event } of [first, second].flatMap((one) => one ?? [])) {
    expect(await app.api.erasePayload({ tenant, event })).toMatchObject({ sending: 1 });
  }
  hold.open();
  await eventually(
    async () => (await app.deliveries()).every(({ state }) => state === 'cancelled'),
    'both end cancelled',
    () => app.clock.advance(100),
  );
  expect(receiver.requests).toHaveLength(1);
  const sent = async () => (await app.attempts()).filter(({ n }) => n > 0);
  await eventually(async () => (await sent()).length > 0, 'what was sent is logged');
  expect(await sent()).toMatchObject([{ erased: true, status: 500 }]);
});

test('an event that there is not is not found', async () => {
  const app = await start();
  const event = 'evt_00000000000000000000000000';
  const refused = app.api.erasePayload({ tenant, event });
  await expect(refused).rejects.toMatchObject({ code: 'not_found' });
});

test('once the log was moved into the database nothing of it is left in the files', async () => {
  const canary = 'canary-7f3a9c';
  const answer = `answer-${canary}`;
  const app = await start();
  const receiver = await startReceiver(app.clock, () => ({
    status: 500,
    headers: { 'x-answer': answer },
  }));
  await app.endpoint({ url: receiver.url, ...HOURLY });
  const large = `${canary}${'.'.repeat(20_000)}${canary}`;
  const { id } = await app.publish({
    data: { name: canary, large },
    subject: canary,
    actor: { email: canary },
    headers: { 'x-for': canary },
  });
  await app.delivery('tried', ({ attempts }) => attempts === 1);
  const { directory, clock } = app;
  const holds = () => readFileSync(join(directory, 'posthorn.db')).includes(canary);
  // An orderly end moves the log into the database and removes it.
  await app.close();
  expect(holds()).toBe(true);
  const next = await start({ directory, clock });
  await next.api.erasePayload({ tenant, event: id });
  await next.close();
  expect(holds()).toBe(false);
});
