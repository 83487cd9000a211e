import { ApiError } from '@posthorn/api';
import { expect, test } from 'vitest';
import { eventually, type Received, start, startReceiver } from './harness.suite.ts';

/** Which events an endpoint with a filter is owed, from the request that posts them on. */

const tenant = 'default';
const data = ({ body }: Received) => JSON.parse(body.toString()).data;

test('an event that does not pass owes the endpoint nothing', async () => {
  const app = await start();
  const receiver = await startReceiver(app.clock);
  await app.endpoint({ url: receiver.url, filter: { 'data.total': { gte: 100 } } });
  expect((await app.publish({ data: { total: 99 } })).deliveries).toBe(0);
  expect((await app.publish({ data: { total: '200' } })).deliveries).toBe(0);
  expect((await app.publish({ data: null })).deliveries).toBe(0);
  expect((await app.publish({ data: { total: 100 } })).deliveries).toBe(1);
  expect(data(await receiver.request(1))).toEqual({ total: 100 });
  expect(await app.deliveries()).toHaveLength(1);
});

test('each endpoint has its own, also by subject, actor, context and type', async () => {
  const app = await start();
  const receiver = await startReceiver(app.clock);
  const filters = {
    subject: { subject: { prefix: 'o_' } },
    actor: { 'actor.roles': { contains: 'admin' } },
    context: { not: { 'context.test': true } },
    type: { any: [{ type: 'a.b' }, { type: 'c.d' }] },
    none: null,
  };
  for (const [path, filter] of Object.entries(filters)) {
    await app.endpoint({ url: `${receiver.url}${path}`, filter });
  }
  const event = { subject: 'u_1', actor: { roles: ['sales'] }, context: { test: true } };
  expect((await app.publish(event)).deliveries).toBe(2);
  await receiver.request(2);
  expect(receiver.requests.map(({ path }) => path).sort()).toEqual(['/none', '/type']);
});

test('numbers of the data are sent as they were spelled, though the filter read them', async () => {
  const app = await start();
  const receiver = await startReceiver(app.clock);
  await app.endpoint({ url: receiver.url, filter: { 'data.n': { gt: 0 } } });
  await app.post('{"type":"a.b","data":{"n":12345678901234567890,"x":1.0}}');
  expect((await receiver.request(1)).body.toString()).toContain(
    '{"n":12345678901234567890,"x":1.0}',
  );
});

test('a changed filter holds from the next event on', async () => {
  const app = await start();
  const receiver = await startReceiver(app.clock);
  const { id } = await app.endpoint({ url: receiver.url, filter: { 'data.n': 1 } });
  await app.update(id, { filter: { 'data.n': 2 } });
  expect((await app.publish({ data: { n: 1 } })).deliveries).toBe(0);
  await app.update(id, { filter: null });
  expect((await app.publish({ data: { n: 1 } })).deliveries).toBe(1);
});

test('a filter that cannot be used is refused, with the place', async () => {
  const app = await start();
  const filter = { any: [{ 'data.x': { regex: '.*' } }] } as never;
  const created = app.endpoint({ url: 'https://example.com', filter });
  const error = await created.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ApiError);
  expect((error as ApiError).problem).toMatchObject({
    code: 'invalid_request',
    field: 'filter.any.0.data.x.regex',
    detail: expect.stringContaining('is no operator'),
  });
});

test('a filter that costs too much excludes nothing, and is counted and logged', async () => {
  const app = await start();
  const receiver = await startReceiver(app.clock);
  const search = { contains: `${'a'.repeat(1000)}b` };
  await app.endpoint({
    url: receiver.url,
    filter: { 'data.text': { any: Array.from({ length: 40 }, () => search) } },
  });
  const text = 'a'.repeat(200_000);
  expect((await app.publish({ data: { text } })).deliveries).toBe(1);
  await receiver.request(1);
  expect(await app.api.getMetrics()).toContain('posthorn_filters_undecided_total 1\n');
  expect(app.log.filter(({ msg }) => String(msg).includes('a filter costs too much'))).toHaveLength(
    1,
  );
  expect((await app.publish({ data: { text: 'short' } })).deliveries).toBe(0);
});

test('a replay routes by the filter too, and parses data for it', async () => {
  const app = await start();
  const receiver = await startReceiver(app.clock);
  for (let n = 0; n < 30; n++) await app.publish({ data: { n }, actor: { id: n % 2 ? 'a' : 'b' } });
  const filter = { 'data.n': { lt: 10 }, 'actor.id': 'a' };
  const { id } = await app.endpoint({ url: receiver.url, filter });
  const body = { endpoints: [id], only: 'missing' as const };
  const counted = await app.api.startReplay({ tenant, body: { ...body, dryRun: true } });
  expect(counted).toEqual({ total: { count: 5, atLeast: false } });
  await app.api.startReplay({ tenant, body });
  await eventually(
    () => receiver.requests.length === 5,
    'what passes arrives',
    () => app.clock.advance(100),
  );
  expect(receiver.requests.map((request) => data(request).n)).toEqual([1, 3, 5, 7, 9]);
});
