import { expect, test } from 'vitest';
import {
  crashed,
  eventually,
  type Harness,
  type Received,
  type Receiver,
  start,
  startReceiver,
  verifies,
} from './harness.suite.ts';

/** Events about ourselves, from what makes them true to who is told. */

const HOUR = 3_600_000;
const RETRY = { attempts: 1 };

interface Told {
  readonly type: string;
  readonly data: Record<string, unknown>;
}

function told(request: Received): Told {
  return JSON.parse(request.body.toString()) as Told;
}

/** Once `count` requests have come, what they told; time passes while it is waited for. */
async function heard(app: Harness, receiver: Receiver, count: number): Promise<Told[]> {
  const what = `${count} requests`;
  await eventually(
    () => receiver.requests.length >= count,
    what,
    () => app.clock.advance(1),
  );
  return receiver.requests.map(told);
}

/** An endpoint that listens to `types`, and its receiver. */
async function listener(app: Harness, types: string[], more: object = {}) {
  const receiver = await startReceiver(app.clock);
  const endpoint = await app.endpoint({ url: receiver.url, eventTypes: types, ...more });
  return { receiver, endpoint };
}

/** One that gets what is posted and answers as `answer` says. */
async function target(app: Harness, answer: number, more: object = {}) {
  const receiver = await startReceiver(app.clock, () => answer);
  const url = receiver.url;
  const endpoint = await app.endpoint({ url, eventTypes: ['user.*'], name: 'target', ...more });
  return { receiver, endpoint };
}

/** All that is owed has ended, or waits for a later time. */
async function quiet(app: Harness, endpoint?: string): Promise<void> {
  await eventually(
    async () => {
      const deliveries = await app.deliveries(endpoint);
      return deliveries.every(
        ({ state, nextAt }) =>
          state !== 'pending' || (nextAt !== null && Date.parse(nextAt) > app.clock.now()),
      );
    },
    'all is quiet',
    () => app.clock.advance(1),
  );
}

test('an endpoint that is created, changed and deleted is told to who listens', async () => {
  const app = await start();
  const { receiver, endpoint } = await listener(app, ['endpoint.*']);
  const created = await app.endpoint({
    url: 'http://127.0.0.1:9999/x',
    headers: [{ name: 'authorization', value: 'hidden' }],
  });
  await app.update(created.id, { name: 'New', url: 'http://127.0.0.1:9999/y' });
  await app.api.pauseEndpoint({ tenant: 'default', endpoint: created.id });
  await app.api.rotateEndpointSecret({ tenant: 'default', endpoint: created.id, body: {} });
  await app.api.deleteEndpoint({ tenant: 'default', endpoint: created.id });
  const all = await heard(app, receiver, 5);
  expect(all.map(({ type, data }) => [type, data['changed']])).toEqual([
    ['endpoint.created', undefined],
    ['endpoint.updated', ['name', 'url']],
    ['endpoint.updated', ['paused']],
    ['endpoint.updated', ['secret']],
    ['endpoint.deleted', undefined],
  ]);
  expect(all[1]?.data['endpoint']).toMatchObject({
    id: created.id,
    name: 'New',
    url: 'http://127.0.0.1:9999/y',
    dialect: 'standard',
  });
  const bytes = receiver.requests.map(({ body }) => body.toString()).join();
  expect(bytes).not.toMatch(/hidden|whsec_/);
  expect(verifies(receiver.requests[0] as Received, endpoint.secret)).toBe(true);
  const { items } = await app.api.listEvents({ tenant: 'default', type: 'endpoint.deleted' });
  expect(items).toMatchObject([{ subject: created.id, deliveries: 1 }]);
});

test('nothing is stored where nobody listens, or only to everything', async () => {
  const app = await start();
  await listener(app, []);
  await listener(app, ['*']);
  await app.endpoint({ url: 'http://127.0.0.1:9999/x' });
  expect((await app.api.listEvents({ tenant: 'default' })).items).toEqual([]);
});

test('a change that changes nothing is not told', async () => {
  const app = await start();
  const { receiver, endpoint } = await listener(app, ['endpoint.*']);
  await app.update(endpoint.id, { name: '' });
  await app.update(endpoint.id, { name: 'mine' });
  expect((await heard(app, receiver, 1))[0]).toMatchObject({ data: { changed: ['name'] } });
});

test('a filter counts here as elsewhere', async () => {
  const app = await start();
  const filter = { 'data.endpoint.name': { prefix: 'shop' } };
  const { receiver } = await listener(app, ['endpoint.*'], { filter });
  await app.endpoint({ url: 'http://127.0.0.1:9999/x', name: 'other' });
  await app.endpoint({ url: 'http://127.0.0.1:9999/x', name: 'shop' });
  expect(await heard(app, receiver, 1)).toMatchObject([{ data: { endpoint: { name: 'shop' } } }]);
  expect((await app.api.listEvents({ tenant: 'default' })).items).toHaveLength(1);
});

test('a tenant can switch it off, and children inherit that', async () => {
  const app = await start();
  const defaults = { operationalEvents: false };
  await app.api.putTenant({ tenant: 'parent', body: { defaults } });
  await app.api.putTenant({ tenant: 'child', body: { parent: 'parent' } });
  const body = { url: 'http://127.0.0.1:9999/x', eventTypes: ['endpoint.*'] };
  await app.api.createEndpoint({ tenant: 'child', body });
  await app.api.createEndpoint({ tenant: 'child', body });
  expect((await app.api.listEvents({ tenant: 'child' })).items).toEqual([]);
  await app.api.putTenant({ tenant: 'child', body: { parent: null } });
  await app.api.createEndpoint({ tenant: 'child', body });
  expect((await app.api.listEvents({ tenant: 'child' })).items).toHaveLength(1);
});

test("FerrisKey's dialect is told in FerrisKey's words", async () => {
  const app = await start();
  const { receiver } = await listener(app, ['webhook.*', 'endpoint.*'], { dialect: 'ferriskey' });
  await app.endpoint({
    url: 'http://127.0.0.1:9999/x',
    name: 'Shop',
    eventTypes: ['user.created'],
  });
  const request = await receiver.request(1);
  const body = JSON.parse(request.body.toString());
  expect(body).toEqual({
    event: 'webhook.created',
    timestamp: expect.stringMatching(/\+00:00$/),
    resource_id: body.data.id,
    data: {
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      endpoint: 'http://127.0.0.1:9999/x',
      name: 'Shop',
      description: null,
      subscribers: [
        {
          id: expect.stringMatching(/^[0-9a-f-]{36}$/),
          name: 'user.created',
          webhook_id: body.data.id,
        },
      ],
      triggered_at: null,
      updated_at: '2026-11-22T00:00:00Z',
      created_at: '2026-11-22T00:00:00Z',
    },
  });
  expect(Object.keys(body.data)).toEqual([
    'id',
    'endpoint',
    'name',
    'description',
    'subscribers',
    'triggered_at',
    'updated_at',
    'created_at',
  ]);
  await quiet(app);
  expect(receiver.requests).toHaveLength(1);
});

test('a delivery that is given up is told, and that a resend of it arrived', async () => {
  const app = await start();
  const { receiver } = await listener(app, ['delivery.*']);
  const { endpoint, receiver: failing } = await target(app, 503, { retryPolicy: RETRY });
  const { id: event } = await app.publish({ type: 'user.created' });
  const delivery = { id: `${event}.${endpoint.id}.0`, event, type: 'user.created', run: 0 };
  expect((await heard(app, receiver, 1))[0]).toMatchObject({
    type: 'delivery.failed',
    data: {
      delivery: { ...delivery, attempts: 1, status: 503, fault: null },
      endpoint: { id: endpoint.id, name: 'target' },
    },
  });
  failing.answer = () => 204;
  await app.api.resendDelivery({ tenant: 'default', delivery: delivery.id, body: {} });
  expect((await heard(app, receiver, 2))[1]).toMatchObject({
    type: 'delivery.recovered',
    data: { delivery: { id: `${event}.${endpoint.id}.1`, run: 1, status: 204 } },
  });
  await quiet(app);
  await app.api.resendDelivery({
    tenant: 'default',
    delivery: `${event}.${endpoint.id}.1`,
    body: {},
  });
  await failing.request(3);
  await quiet(app);
  expect(receiver.requests).toHaveLength(2);
});

test('about an event of ours nothing is told, so nothing is told without end', async () => {
  const app = await start();
  const failing = await startReceiver(app.clock, () => 500);
  const policy = { url: failing.url, retryPolicy: RETRY };
  await app.endpoint({ ...policy, eventTypes: ['delivery.*'] });
  await app.endpoint({ ...policy, eventTypes: ['delivery.*'] });
  await app.endpoint({ ...policy, eventTypes: ['user.*'] });
  await app.publish({ type: 'user.created' });
  await eventually(
    () => failing.requests.length >= 3,
    'three requests',
    () => app.clock.advance(1),
  );
  await quiet(app);
  expect(failing.requests).toHaveLength(3);
});

test("a producer's event with such a name is an event like any other", async () => {
  const app = await start();
  const { receiver } = await listener(app, ['delivery.*']);
  await target(app, 500, { eventTypes: ['delivery.failed'], retryPolicy: RETRY, name: 'other' });
  await app.publish({ type: 'delivery.failed', data: 1, context: { operational: true } });
  const all = await heard(app, receiver, 2);
  expect(all.map(({ data }) => data === (1 as unknown))).toEqual([true, false]);
});

test('410 disables, and that is told once however many answers said so (F34)', async () => {
  const app = await start();
  const { receiver, endpoint } = await listener(app, ['endpoint.disabled']);
  const gone = await target(app, 410);
  await app.publishMany(20, () => ({ type: 'user.created' }));
  const [first] = await heard(app, receiver, 1);
  expect(first).toMatchObject({
    type: 'endpoint.disabled',
    data: {
      reason: 'gone',
      endpoint: { id: gone.endpoint.id, disabled: { reason: 'gone' } },
    },
  });
  await eventually(
    async () =>
      (await app.attempts(gone.endpoint.id)).length === gone.receiver.requests.length &&
      gone.receiver.inFlight === 0,
    'what was in flight has ended',
    () => app.clock.advance(1),
  );
  const requests = gone.receiver.requests.length;
  await app.publish({ type: 'user.created' });
  await quiet(app, endpoint.id);
  expect(receiver.requests).toHaveLength(1);
  expect(gone.receiver.requests).toHaveLength(requests);
});

/** Lets an endpoint that answers 500 fail on, an event every six hours. */
async function failFor(app: Harness, receiver: Receiver, hours: number): Promise<void> {
  for (let at = 0; at < hours; at += 6) {
    app.clock.advance(6 * HOUR);
    const seen = receiver.requests.length;
    await app.publish({ type: 'user.created' });
    await receiver.request(seen + 1);
    await quiet(app);
  }
}

test('failing is told after 24 hours and after 72, once each, also over restarts', async () => {
  const app = await start();
  const policy = { retryPolicy: RETRY };
  const { receiver } = await listener(app, ['endpoint.failing', 'endpoint.disabled']);
  const down = await target(app, 500, policy);
  await failFor(app, down.receiver, 48);
  expect(await heard(app, receiver, 1)).toMatchObject([
    {
      type: 'endpoint.failing',
      data: {
        hours: 24,
        endpoint: { id: down.endpoint.id },
        since: '2026-11-22T06:00:00.000Z',
        disabledAt: '2026-11-27T06:00:00.000Z',
      },
    },
  ]);
  const directory = crashed(app);
  await app.close();
  const again = await start({ directory, clock: app.clock });
  await failFor(again, down.receiver, 48);
  expect((await heard(again, receiver, 2))[1]).toMatchObject({ data: { hours: 72 } });
  await failFor(again, down.receiver, 30);
  expect((await heard(again, receiver, 3))[2]).toMatchObject({
    type: 'endpoint.disabled',
    data: { reason: 'failing' },
  });
  expect(receiver.requests).toHaveLength(3);
});

test('a success ends the story, and the next failing is told anew', async () => {
  const app = await start();
  const { receiver } = await listener(app, ['endpoint.failing']);
  const down = await target(app, 500, { retryPolicy: RETRY });
  await failFor(app, down.receiver, 36);
  await heard(app, receiver, 1);
  down.receiver.answer = () => 204;
  await failFor(app, down.receiver, 6);
  down.receiver.answer = () => 500;
  await failFor(app, down.receiver, 24);
  await quiet(app);
  expect(receiver.requests).toHaveLength(1);
  await failFor(app, down.receiver, 12);
  expect((await heard(app, receiver, 2))[1]).toMatchObject({ data: { hours: 24 } });
});
