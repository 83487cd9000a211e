import { expect, test } from 'vitest';
import { start, startReceiver } from './harness.suite.ts';

/** Statistics through the API, of deliveries that were really sent. */

const tenant = 'default';

test('a tenant and its endpoints tell what was sent, how it went and what is owed', async () => {
  const h = await start();
  const receiver = await startReceiver(h.clock, ({ path }) => (path === '/bad' ? 503 : 200));
  const good = await h.endpoint({ url: `${receiver.url}good` });
  const retryPolicy = { attempts: 1 };
  const bad = await h.endpoint({ url: `${receiver.url}bad`, eventTypes: ['b'], retryPolicy });
  const paused = await h.endpoint({ url: `${receiver.url}good`, eventTypes: ['b'] });
  await h.api.pauseEndpoint({ tenant, endpoint: paused.id });
  await h.publish({ type: 'a' });
  await h.publish({ type: 'b' });
  await h.attempted(3);
  const stats = await h.api.getTenantStats({ tenant });
  expect(stats).toMatchObject({
    window: '24h',
    pending: 1,
    countedTo: null,
    lastAttemptAt: new Date(h.clock.now()).toISOString(),
    total: {
      events: 2,
      deliveries: { succeeded: 2, failed: 1, cancelled: 0 },
      attempts: { total: 3, '2xx': 2, '5xx': 1, unanswered: 0 },
      successRate: 2 / 3,
    },
  });
  expect(stats.buckets).toHaveLength(24);
  expect(stats.buckets.at(-1)?.deliveries).toEqual(stats.total.deliveries);
  expect(stats.buckets[0]).toMatchObject({ at: stats.from, events: 0, successRate: null });
  const ofBad = await h.api.getEndpointStats({ tenant, endpoint: bad.id, window: '30d' });
  expect(ofBad).toMatchObject({
    endpoint: bad.id,
    window: '30d',
    failingSince: new Date(h.clock.now()).toISOString(),
    lastSuccessAt: null,
    pending: 0,
    total: { events: 1, successRate: 0 },
  });
  expect(ofBad.buckets).toHaveLength(30);
  const list = await h.api.listEndpointStats({ tenant, limit: 2 });
  expect(list.items.map(({ endpoint, pending }) => [endpoint, pending])).toEqual([
    [paused.id, 1],
    [bad.id, 0],
  ]);
  const rest = await h.api.listEndpointStats({ tenant, limit: 2, cursor: list.next ?? '' });
  expect(rest).toMatchObject({ next: null, items: [{ endpoint: good.id, failingSince: null }] });
  expect(rest.items[0]?.succeeded).toEqual([...Array(23).fill(0), 2]);
});

test('of an endpoint that there is not, or that is another tenant’s, there are none', async () => {
  const h = await start();
  const { id: endpoint } = await h.endpoint({ url: 'http://127.0.0.1:4999/' });
  await h.api.putTenant({ tenant: 'other', body: {} });
  const refused = { status: 404, code: 'not_found' };
  await expect(h.api.getEndpointStats({ tenant: 'other', endpoint })).rejects.toMatchObject(
    refused,
  );
  await expect(h.api.getTenantStats({ tenant, window: '7d' as '24h' })).rejects.toMatchObject({
    code: 'invalid_request',
  });
});
