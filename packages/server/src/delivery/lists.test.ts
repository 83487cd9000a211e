import { ApiError } from '@posthorn/api';
import { expect, test } from 'vitest';
import { start, startReceiver } from './harness.suite.ts';

/** The filters of the lists, through the API. */

const tenant = 'default';

/** A receiver that refuses what goes to /bad, two endpoints, and three events that have settled. */
async function settled() {
  const h = await start();
  const receiver = await startReceiver(h.clock, ({ path }) => (path === '/bad' ? 503 : 200));
  const good = await h.endpoint({ url: `${receiver.url}good` });
  const retryPolicy = { attempts: 1 };
  const bad = await h.endpoint({ url: `${receiver.url}bad`, eventTypes: ['b.*'], retryPolicy });
  const closed = await startReceiver(h.clock);
  const { url } = closed;
  await closed.close();
  const gone = await h.endpoint({ url, eventTypes: ['c'], retryPolicy });
  const events = [
    await h.publish({ type: 'a.one', id: 'first', subject: 'order/1' }),
    await h.publish({ type: 'b.two', subject: 'order/2' }),
    await h.publish({ type: 'c', subject: 'order/2' }),
  ];
  await h.settled();
  return { h, good, bad, gone, events };
}

test('deliveries and attempts are found by type, status, fault, state, event, key and subject', async () => {
  const { h, good, bad, gone, events } = await settled();
  const [first] = events;
  const cases: [Parameters<typeof h.api.listAttempts>[0] & object, number][] = [
    [{ tenant }, 5],
    [{ tenant, type: 'b.two' }, 2],
    [{ tenant, type: '*.*' }, 3],
    [{ tenant, status: '503' }, 1],
    [{ tenant, status: '5xx' }, 1],
    [{ tenant, status: '2xx' }, 3],
    [{ tenant, status: '2xx', endpoint: bad.id }, 0],
    [{ tenant, fault: 'connect_refused' }, 1],
    [{ tenant, fault: 'connect_refused', endpoint: gone.id, state: 'failed' }, 1],
    [{ tenant, state: 'failed' }, 2],
    [{ tenant, state: 'succeeded', endpoint: good.id }, 3],
    [{ tenant, event: first?.id as never }, 1],
    [{ tenant, idempotencyKey: 'first' }, 1],
    [{ tenant, subject: 'order/2' }, 4],
    [{ tenant, subject: 'order/2', status: '5xx' }, 1],
    [{ tenant, subject: 'order/3' }, 0],
  ];
  for (const [query, count] of cases) {
    const { items: deliveries } = await h.api.listDeliveries(query);
    const { items: attempts } = await h.api.listAttempts(query);
    expect([query, deliveries.length, attempts.length]).toEqual([query, count, count]);
  }
  const events2 = await h.api.listEvents({ tenant, subject: 'order/2', type: 'b.*' });
  expect(events2.items.map(({ type }) => type)).toEqual(['b.two']);
});

test('a time range is about when an event was stored, or an attempt began', async () => {
  const { h } = await settled();
  const from = new Date(h.clock.now() + 1).toISOString();
  h.clock.advance(10_000);
  await h.publish({ type: 'late' });
  await h.settled();
  for (const list of [h.api.listEvents, h.api.listDeliveries, h.api.listAttempts]) {
    expect((await list({ tenant, from })).items).toMatchObject([{ type: 'late' }]);
    const { items } = await list({ tenant, to: from });
    expect(items.map(({ type }) => type)).not.toContain('late');
    expect(items.length).toBeGreaterThanOrEqual(3);
  }
});

test('filters that mean nothing are refused', async () => {
  const h = await start();
  for (const query of [
    { status: '6xx' },
    { status: '50' },
    { fault: 'bad luck' },
    { type: 'a b' },
    { state: 'lost' },
    { subject: 'x'.repeat(257) },
    { from: 'yesterday' },
  ]) {
    const refused = h.api.listAttempts({ tenant, ...(query as object) });
    await expect(refused).rejects.toMatchObject({ status: 400, code: 'invalid_request' });
    await expect(refused).rejects.toBeInstanceOf(ApiError);
  }
});
