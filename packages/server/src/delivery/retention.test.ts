import { ApiError } from '@posthorn/api';
import { expect, test } from 'vitest';
import { eventually, start, startReceiver } from './harness.suite.ts';

/** What retention leaves, as the API shows it; how it works is in the store's suites. */

const tenant = 'default';

test('a payload that is too old is gone, and what happened stays', async () => {
  const app = await start({ flags: { payloadRetention: '1h' } });
  const receiver = await startReceiver(app.clock);
  await app.endpoint({ url: receiver.url });
  const { id } = await app.publish({ data: { secret: 1 }, subject: 's' });
  const { id: delivery } = await app.delivery('succeeded', (d) => d.state === 'succeeded');
  app.clock.advance(3_700_000);
  const event = await eventually(
    async () => {
      const found = await app.api.getEvent({ tenant, event: id });
      return found.erasedAt !== null && found;
    },
    'the payload goes',
    () => app.clock.advance(1000),
  );
  expect(event).toMatchObject({ id, type: 'a.b', data: null, sizeBytes: 0 });
  expect(event.subject).toBeUndefined();
  const [attempt] = await app.attempts();
  expect(attempt).toMatchObject({ erased: true, status: 204, state: 'succeeded' });
  const whole = await app.api.getAttempt({ tenant, attempt: attempt?.id ?? 'att_' });
  expect(whole).toMatchObject({ request: { head: '', body: { text: '' } }, response: null });
  const resend = app.api.resendDelivery({ tenant, delivery });
  await expect(resend).rejects.toMatchObject({ code: 'conflict', message: /erased: there is/ });
});

test('a store that is as large as it may be refuses events and says what to do', async () => {
  const app = await start({ flags: { storeMax: '16MiB' } });
  const { id } = await app.endpoint({ url: 'http://127.0.0.1:45000/' });
  await app.api.pauseEndpoint({ tenant, endpoint: id });
  const data = 'x'.repeat(1_000_000);
  for (let i = 0; i < 17; i++) await app.publish({ data });
  app.clock.advance(61_000);
  const refused = await eventually(
    () =>
      app.publish().then(
        () => undefined,
        (error: unknown) => error instanceof ApiError && error.status === 507 && error,
      ),
    'it is full',
    () => app.clock.advance(1000),
  );
  expect(refused).toMatchObject({ code: 'store_full', retryAfterS: 60 });
  expect(refused.message).toMatch(/16 MiB, option storeMax.*Raise storeMax, or deliver, cancel/);
  await app.api.deleteEndpoint({ tenant, endpoint: id });
  await eventually(
    () =>
      app.publish().then(
        () => true,
        () => false,
      ),
    'there is room again',
    () => app.clock.advance(5000),
  );
});
