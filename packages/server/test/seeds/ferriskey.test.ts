import { createHmac } from 'node:crypto';
import { presets } from '@posthorn/wire/catalogue';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import {
  eventually,
  type Product,
  startProduct,
  startReceiver,
  startTarget,
  type Target,
} from '../product.ts';
import { Walk } from './walk.ts';

/** The document of FerrisKey, "Webhooks" of its developer guide, 107 lines. */

const tenant = 'default';
const REALM = '01914b3c-5678-7f5a-b456-000000000002';
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
let product: Product;
let target: Target;
beforeAll(async () => {
  [product, target] = await Promise.all([startProduct(), startTarget()]);
  await product.api.loadPreset({ tenant, preset: 'ferriskey' });
});
afterAll(async () => {
  await product.stop();
  await target.close();
});

async function endpoint(more: object = {}) {
  const body = { url: `${target.url}/webhook`, dialect: 'ferriskey', ...more } as const;
  const created = await product.api.createEndpoint({ tenant, body });
  const remove = () => product.api.deleteEndpoint({ tenant, endpoint: created.id });
  return { ...created, remove };
}

async function told(type: string, event: object = {}) {
  const before = target.requests.length;
  await product.api.publishEvents({ tenant, body: { type, data: null, ...event } });
  const request = await target.request(before + 1);
  return { request, body: JSON.parse(request.body.toString()) as Record<string, unknown> };
}

describe('ferriskey', () => {
  const walk = new Walk('ferriskey', 107);
  walk.prose([1, 4], 'headings');
  walk.says([5, 5], 'a message to a URL when something happens', async () => {
    const { remove } = await endpoint();
    expect((await told('user.created')).body['event']).toBe('user.created');
    await remove();
  });
  walk.prose([6, 8], 'heading');
  walk.prose([9, 10], 'what a webhook is');
  walk.says([11, 13], 'an HTTP POST with what the event is about', async () => {
    const { remove } = await endpoint();
    const { request, body } = await told('role.created', { data: { name: 'editor' } });
    expect(request.method).toBe('POST');
    expect(request.headers).toContainEqual(['content-type', 'application/json']);
    expect(body['data']).toEqual({ name: 'editor' });
    await remove();
  });
  walk.prose([14, 15], 'heading');
  walk.elsewhere([16, 17], 'a place where a webhook is configured', {
    file: 'packages/dashboard/test/webhooks.browser.ts',
    test: 'a webhook made in the form gets a signed request with everything that was filled in',
  });
  walk.says(
    [18, 19],
    'the receiver confirms with its status: 2xx succeeds, others are tried again',
    async () => {
      let status = 503;
      const receiver = await startReceiver((req, res) => {
        req.resume();
        req.on('end', () => res.writeHead(status).end());
      });
      const retryPolicy = { schedule: [0.1], jitter: 0 };
      const { id, remove } = await endpoint({ url: receiver.url, retryPolicy });
      await product.api.publishEvents({ tenant, body: { type: 'user.created', data: {} } });
      const first = async () =>
        (await product.api.listDeliveries({ tenant, endpoint: id })).items[0];
      await eventually(async () => ((await first())?.attempts ?? 0) >= 1, 'the first attempt');
      expect((await first())?.state).not.toBe('succeeded');
      status = 204;
      await eventually(async () => (await first())?.state === 'succeeded', 'a later one succeeds');
      await remove();
      await receiver.close();
    },
  );
  walk.prose([20, 20], 'head of the table');
  walk.says([21, 22], 'name and description', async () => {
    const { id, remove } = await endpoint({ name: 'CRM', description: 'Keeps customers in step' });
    expect(await product.api.getEndpoint({ tenant, endpoint: id })).toMatchObject({
      name: 'CRM',
      description: 'Keeps customers in step',
    });
    await remove();
  });
  walk.says([23, 23], 'the URL that is called', async () => {
    const { remove } = await endpoint({ url: `${target.url}/some/path?x=1` });
    expect((await told('user.created')).request.target).toBe('/some/path?x=1');
    await remove();
  });
  walk.says([24, 26], 'headers as pairs of key and value, sent in lower case', async () => {
    const headers = [
      { name: 'X-Api-Key', value: 'k' },
      { name: 'X-Team', value: 'identity' },
    ];
    const { remove } = await endpoint({ headers });
    const { request } = await told('user.created');
    expect(request.headers).toContainEqual(['x-api-key', 'k']);
    expect(request.headers).toContainEqual(['x-team', 'identity']);
    await remove();
  });
  walk.prose([27, 29], 'heading');
  walk.says([30, 31], 'a webhook subscribes to a set of events', async () => {
    const { remove } = await endpoint({ eventTypes: ['user.created', 'role.*'] });
    await product.api.publishEvents({ tenant, body: { type: 'client.created', data: {} } });
    expect((await told('role.deleted')).body['event']).toBe('role.deleted');
    await remove();
  });
  walk.prose([32, 32], 'head of the table');

  // The 27 events of the table, one line each, in the order of the preset.
  for (const [i, { name, example }] of presets.ferriskey.eventTypes.slice(0, 27).entries()) {
    const line = 33 + i;
    walk.says([line, line], `${name}, with its data`, async () => {
      const known = await product.api.getEventType({ tenant, type: name });
      expect(known.label).not.toBe('');
      const { remove } = await endpoint({ eventTypes: [name] });
      // Told by the product itself to endpoints of this format when webhooks change: not in this test.
      const { body } = await told(name, { subject: example.subject, data: example.data });
      expect(body).toMatchObject({ event: name, resource_id: example.subject });
      expect(body['data']).toEqual(example.data);
      await remove();
    });
  }
  walk.prose([60, 62], 'heading');

  walk.says(
    [63, 66],
    'an endpoint that listens for POST requests and logs the details',
    async () => {
      const seen: unknown[] = [];
      const receiver = await startReceiver(async (req, res) => {
        let body = '';
        for await (const chunk of req) body += chunk;
        seen.push([req.method, JSON.parse(body).event]);
        res.end();
      });
      const { remove } = await endpoint({ url: receiver.url });
      await product.api.publishEvents({ tenant, body: { type: 'user.created', data: {} } });
      await eventually(() => seen.length > 0, 'it arrives');
      expect(seen).toEqual([['POST', 'user.created']]);
      await remove();
      await receiver.close();
    },
  );
  walk.elsewhere([67, 90], 'a receiver in Rust with axum (the one printed does not compile)', {
    file: 'packages/server/test/receivers.test.ts',
    test: 'verifies and reads what the product sends as FerrisKey',
  });
  walk.prose([91, 94], 'the declaration of the payload');
  walk.says([95, 95], '`event` is the name of the trigger', async () => {
    const { remove } = await endpoint();
    expect((await told('auth.device_flow.denied')).body['event']).toBe('auth.device_flow.denied');
    await remove();
  });
  walk.says([96, 96], '`timestamp` is a text, RFC 3339 with +00:00', async () => {
    const { remove } = await endpoint();
    const { body } = await told('user.created', { occurredAt: '2026-03-17T15:30:00.5+01:00' });
    expect(body['timestamp']).toBe('2026-03-17T14:30:00.500+00:00');
    await remove();
  });
  walk.says(
    [97, 98],
    '`resource_id` is a UUID: the subject, or one made of it, or of the tenant',
    async () => {
      const { remove } = await endpoint();
      expect((await told('user.created', { subject: REALM })).body['resource_id']).toBe(REALM);
      const made = (await told('user.created', { subject: 'u_1' })).body['resource_id'];
      expect(made).toMatch(UUID);
      expect((await told('user.created', { subject: 'u_1' })).body['resource_id']).toBe(made);
      expect((await told('user.created')).body['resource_id']).toMatch(UUID);
      await remove();
    },
  );
  walk.says([99, 102], '`data` depends on the event: object, text, list, null', async () => {
    const { remove } = await endpoint();
    for (const data of [{ a: 1 }, 'text', ['a', 'b'], null]) {
      expect((await told('user.created', { data })).body['data']).toEqual(data);
    }
    await remove();
  });
  walk.says(
    [103, 107],
    'the handler gets event and data; newer versions also a signature it can check',
    async () => {
      const { secret, remove } = await endpoint();
      const { request } = await told('user.created', { data: { username: 'alice' } });
      const header = (name: string) => request.headers.find(([one]) => one === name)?.[1];
      const signed = createHmac('sha256', secret)
        .update(`${header('x-ferriskey-timestamp')}.`)
        .update(request.body)
        .digest('hex');
      expect(secret).toMatch(/^[0-9a-f]{64}$/);
      expect(header('x-ferriskey-signature')).toBe(signed);
      expect(header('x-ferriskey-delivery-id')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
      expect(header('user-agent')).toBeUndefined();
      await remove();
    },
  );
  walk.end();
});
