import { describe, expect, test } from 'vitest';
import type { Endpoint } from '../core/model.ts';
import { eventually, start, startReceiver } from './harness.suite.ts';

const tenant = 'default';

test('an endpoint that names no dialect follows its tenant, and a new default at once', async () => {
  const app = await start();
  const receiver = await startReceiver(app.clock);
  await app.endpoint({ url: receiver.url });
  await app.publish({ type: 'a.b', data: { n: 1 } });
  expect(JSON.parse((await receiver.request(1)).body.toString())).toMatchObject({ type: 'a.b' });
  await app.api.putTenant({ tenant, body: { defaults: { dialect: 'casdoor' }, alias: 'acme' } });
  await app.publish({ type: 'a.b', data: { n: 1 } });
  const { headers, body } = await receiver.request(2);
  expect(headers['user-agent']).toBe('Go-http-client/1.1');
  expect(JSON.parse(body.toString())).toMatchObject({
    action: 'a.b',
    organization: 'acme',
    object: '{"n":1}',
  });
});

test("an endpoint of all tenants shows each event's own tenant and its parent", async () => {
  const app = await start();
  const receiver = await startReceiver(app.clock);
  await app.api.putTenant({ tenant: 'origin', body: { alias: 'C1' } });
  await app.api.putTenant({ tenant: 'child', body: { parent: 'origin' } });
  await app.endpoint({ url: receiver.url, scope: 'all', dialect: 'cand' });
  await app.api.publishEvents({ tenant: 'child', body: { type: 'MOIM:member.joined', data: {} } });
  const { body } = await receiver.request(1);
  expect(JSON.parse(body.toString())).toMatchObject({
    context: { originCommunityId: 'C1', communityId: 'child' },
  });
});

test('an endpoint of a tenant and those below it gets their events and no others', async () => {
  const app = await start();
  const receiver = await startReceiver(app.clock);
  await app.api.putTenant({ tenant: 'origin', body: {} });
  await app.api.putTenant({ tenant: 'child', body: { parent: 'origin' } });
  await app.api.putTenant({ tenant: 'stranger', body: {} });
  const body = { url: receiver.url, scope: 'below', dialect: 'cand' } as const;
  await app.api.createEndpoint({ tenant: 'origin', body });
  const type = 'MOIM:member.joined';
  for (const at of ['stranger', 'child', 'origin']) {
    const [made] = [await app.api.publishEvents({ tenant: at, body: { type, data: {} } })].flat();
    expect(made?.deliveries).toBe(at === 'stranger' ? 0 : 1);
  }
  await receiver.request(2);
  const communities = receiver.requests.map(
    (request) => JSON.parse(request.body.toString()).context.communityId,
  );
  expect(communities.sort()).toEqual(['child', 'origin']);
});

test('every attempt sends the same body under a new signature and the same delivery id', async () => {
  const app = await start();
  const receiver = await startReceiver(app.clock, () =>
    receiver.requests.length === 1 ? 500 : 204,
  );
  const retryPolicy = { schedule: [60], jitter: 0 };
  await app.endpoint({ url: receiver.url, dialect: 'ferriskey', retryPolicy });
  await app.publish({ type: 'user.created' });
  const first = await receiver.request(1);
  await app.delivery('it failed once', (delivery) => delivery.attempts === 1);
  app.clock.advance(60_000);
  const second = await receiver.request(2);
  expect(second.body).toEqual(first.body);
  const id = 'x-ferriskey-delivery-id';
  expect(second.headers[id]).toBe(first.headers[id]);
  expect(second.headers['x-ferriskey-signature']).not.toBe(first.headers['x-ferriskey-signature']);
});

describe('what cannot be rendered is an attempt that says why', () => {
  test('data that a form cannot hold', async () => {
    const app = await start();
    const receiver = await startReceiver(app.clock);
    const contentType = 'application/x-www-form-urlencoded';
    await app.endpoint({ url: receiver.url, dialect: 'raw', contentType });
    await app.publish({ data: { address: { city: 'X' } } });
    const [attempt] = await eventually(async () => {
      const attempts = await app.attempts();
      return attempts.length > 0 && attempts;
    }, 'logged');
    expect(attempt).toMatchObject({ fault: 'render_failed' });
    expect(attempt?.detail).toContain('data.address');
    expect(receiver.requests).toEqual([]);
  });

  test('a secret that fits no more, with what to do', async () => {
    const app = await start();
    const receiver = await startReceiver(app.clock);
    const { id } = await app.endpoint({ url: receiver.url, dialect: 'logto' });
    const { config } = app.app.store;
    const item = await config.read('endpoint', id);
    // Behind the registry's back, as two writers at once could.
    const value = { ...(item?.value as Endpoint), dialect: 'standard' as const };
    const change = { kind: 'endpoint', id, tenant, value, expected: item?.version } as const;
    await config.put([change], app.clock.now());
    await eventually(async () => {
      await app.publish();
      return (await app.attempts()).some(({ detail }) => /rotate it/.test(detail));
    }, 'an attempt says so');
  });
});
