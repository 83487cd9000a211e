import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { presets } from '@posthorn/wire/catalogue';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import {
  eventually,
  type Product,
  startListener,
  startProduct,
  startReceiver,
  startTarget,
  type Target,
} from '../product.ts';
import { Walk } from './walk.ts';

/** The document of caisy, "Webhooks", 194 lines. */

const tenant = 'site';
const PROJECT = '713bef0a-25f7-4d68-a4ec-23b8f5926459';
const WEBHOOK = 'b5ee7588-6874-461d-9e30-f6e0e1391d63';
const EVENT = '23fd61a1-3423-4d8c-a53a-effb2d89e3ab';
const DOCUMENT = 'de0a74d8-e472-4dd1-909c-d233f14f4da5';
const METADATA = { blueprint_id: '', document_id: DOCUMENT, document_status_id: 2 };
const BODY =
  '{"event_id":"23fd61a1-3423-4d8c-a53a-effb2d89e3ab","metadata":{"blueprint_id":"","document_id":"de0a74d8-e472-4dd1-909c-d233f14f4da5","document_status_id":2},"scope":{"project_id":"713bef0a-25f7-4d68-a4ec-23b8f5926459"},"webhook":{"trigger":"document_update","webhook_id":"b5ee7588-6874-461d-9e30-f6e0e1391d63"}}';

let product: Product;
let target: Target;
beforeAll(async () => {
  [product, target] = await Promise.all([startProduct(), startTarget()]);
  await product.api.putTenant({ tenant, body: { alias: PROJECT } });
  await product.api.loadPreset({ tenant, preset: 'caisy' });
});
afterAll(async () => {
  await product.stop();
  await target.close();
});

async function endpoint(more: object = {}) {
  const body = { url: `${target.url}/api/v1/webhook/caisy`, dialect: 'caisy', ...more } as const;
  const created = await product.api.createEndpoint({ tenant, body });
  const remove = () => product.api.deleteEndpoint({ tenant, endpoint: created.id });
  return { ...created, remove };
}

const publish = (type = 'document_update', data: object = METADATA) =>
  product.api.publishEvents({
    tenant,
    body: { type, data, context: { event_id: EVENT } },
  });

async function told(type?: string, data?: object) {
  const before = target.requests.length;
  await publish(type, data);
  return target.request(before + 1);
}

async function attemptOf(id: `ep_${string}`) {
  return eventually(async () => {
    const { items } = await product.api.listAttempts({ tenant, endpoint: id });
    return items[0] && product.api.getAttempt({ tenant, attempt: items[0].id });
  }, 'the call is logged');
}

/** The dev server on a laptop. */
async function startLaptop() {
  const seen: string[] = [];
  const receiver = await startReceiver(async (req, res) => {
    let body = '';
    for await (const chunk of req) body += chunk;
    seen.push(`${req.url} ${body}`);
    res.writeHead(204, { 'X-Laptop': 'yes' }).end();
  });
  return { ...receiver, seen };
}

describe('caisy', () => {
  const walk = new Walk('caisy', 194);
  walk.prose([1, 2], 'heading');
  walk.says([3, 5], 'HTTP requests about all events of a project: nine kinds', async () => {
    const { items } = await product.api.listEventTypes({ tenant });
    expect(items).toHaveLength(9);
    const { remove } = await endpoint();
    for (const { name } of items) {
      const { webhook } = JSON.parse((await told(name)).body.toString());
      expect(webhook.trigger).toBe(name);
    }
    await remove();
  });
  walk.prose(
    [6, 21],
    'what they are good for: forms, caches, pipelines, synchronising, search, mail',
  );
  walk.elsewhere([22, 25], 'a page that lists the webhooks', {
    file: 'packages/dashboard/test/webhooks.browser.ts',
    test: 'the first minute: the page flips when the first event arrives',
  });
  walk.prose([26, 27], 'heading');
  walk.elsewhere([28, 34], 'a button that creates one, and a click on one to change it', {
    file: 'packages/dashboard/test/webhooks.browser.ts',
    test: 'an edit changes what is sent next',
  });
  walk.prose([35, 42], 'head of the table');
  walk.says([43, 48], 'name: any internal name', async () => {
    const { id, remove } = await endpoint({ name: 'foo' });
    expect((await product.api.getEndpoint({ tenant, endpoint: id })).name).toBe('foo');
    await remove();
  });
  walk.says([49, 54], 'method: the HTTP method of the request, all six with the body', async () => {
    for (const method of ['POST', 'GET', 'PUT', 'PATCH', 'DELETE', 'HEAD'] as const) {
      const { remove } = await endpoint({ method });
      const request = await told();
      expect(request.method).toBe(method);
      expect(JSON.parse(request.body.toString()).metadata).toEqual(METADATA);
      await remove();
    }
  });
  walk.says([55, 60], 'URL: where the requests are sent to', async () => {
    const { remove } = await endpoint({ url: `${target.url}/api/integration/webhooks/caisy` });
    expect((await told()).target).toBe('/api/integration/webhooks/caisy');
    await remove();
  });
  walk.says([61, 66], 'actions: only those that were chosen', async () => {
    const { remove } = await endpoint({ eventTypes: ['document_update', 'document_delete'] });
    await publish('document_create');
    const request = await told('document_delete');
    expect(JSON.parse(request.body.toString()).webhook.trigger).toBe('document_delete');
    await remove();
  });
  const auth = { headers: [{ name: 'x-auth', value: 'ak81jatt3gat3gatdvbatga' }] };
  walk.says([67, 72], 'headers: keys and values that are sent', async () => {
    const { remove } = await endpoint(auth);
    expect((await told()).headers).toContainEqual(['x-auth', 'ak81jatt3gat3gatdvbatga']);
    await remove();
  });
  walk.says(
    [73, 74],
    'a header tells the real sender from anybody else, and is not shown again',
    async () => {
      const statuses: number[] = [];
      const receiver = await startReceiver((req, res) => {
        req.resume();
        const status = req.headers['x-auth'] === 'ak81jatt3gat3gatdvbatga' ? 204 : 401;
        statuses.push(status);
        res.writeHead(status).end();
      });
      const { id, remove } = await endpoint({ ...auth, url: receiver.url });
      await publish();
      await eventually(() => statuses.length === 1, 'it arrives');
      expect((await fetch(receiver.url, { method: 'POST', body: BODY })).status).toBe(401);
      expect(statuses).toEqual([204, 401]);
      expect(JSON.stringify(await product.api.getEndpoint({ tenant, endpoint: id }))).not.toContain(
        'ak81',
      );
      await remove();
      await receiver.close();
    },
  );
  walk.prose([75, 78], 'heading');
  walk.says([79, 80], 'each action added is more events that are heard', async () => {
    const { id, remove } = await endpoint({ eventTypes: ['blueprint_create'] });
    expect(await publish('blueprint_update')).toMatchObject({ deliveries: 0 });
    const eventTypes = ['blueprint_create', 'blueprint_update'];
    await product.api.updateEndpoint({ tenant, endpoint: id, body: { eventTypes } });
    expect(await publish('blueprint_update')).toMatchObject({ deliveries: 1 });
    await remove();
  });
  walk.prose([81, 84], 'head of the table');
  const lines: [number, number][] = [
    [85, 88],
    [89, 92],
    [93, 98],
    [99, 102],
    [103, 106],
    [107, 110],
    [111, 114],
    [115, 118],
    [119, 123],
  ];
  for (const [i, { name, label, example }] of presets.caisy.eventTypes.entries()) {
    walk.says(lines[i] as [number, number], `${label}, as ${name}`, async () => {
      const known = await product.api.getEventType({ tenant, type: name });
      expect(known).toMatchObject({ label, description: expect.stringMatching(/\w/) });
      const { remove } = await endpoint({ eventTypes: [name] });
      const request = await told(name, example.data as object);
      const body = JSON.parse(request.body.toString());
      expect(body.webhook.trigger).toBe(name);
      expect(body.metadata).toEqual(example.data);
      await remove();
    });
  }
  walk.prose([124, 125], 'heading');
  walk.says(
    [126, 127],
    'the log has the exact payload that was sent, to be replayed locally',
    async () => {
      const { id, remove } = await endpoint({ ...auth, alias: WEBHOOK });
      const request = await told();
      const attempt = await attemptOf(id);
      expect(attempt.request.body.text).toBe(request.body.toString());
      const before = target.requests.length;
      const command = await product.api.getAttemptCurl({ tenant, attempt: attempt.id });
      await promisify(execFile)('sh', ['-c', command]);
      const again = await target.request(before + 1);
      expect([again.target, again.body]).toEqual([request.target, request.body]);
      await remove();
    },
  );
  walk.elsewhere([128, 134], 'a page with the calls', {
    file: 'packages/dashboard/test/activity.browser.ts',
    test: 'an attempt appears by itself, and opens with the exact exchange',
  });
  walk.says(
    [135, 138],
    'a call is there once its action happened, with request and response',
    async () => {
      const { id, remove } = await endpoint({ eventTypes: ['document_update'] });
      const calls = async () => (await product.api.listAttempts({ tenant, endpoint: id })).items;
      expect(await calls()).toEqual([]);
      await told();
      const attempt = await attemptOf(id);
      expect(attempt.request.head).toContain('POST /api/v1/webhook/caisy HTTP/1.1');
      expect(attempt.response?.head).toContain('HTTP/1.1 200 OK');
      await remove();
    },
  );
  walk.prose([139, 140], 'introduces the body');
  walk.says([141, 157], 'the documented body, byte for byte but its white space', async () => {
    const { remove } = await endpoint({ alias: WEBHOOK });
    expect((await told()).body.toString()).toBe(BODY);
    await remove();
  });
  walk.prose([158, 159], 'heading');
  walk.says([160, 161], 'a server on this machine and a path', async () => {
    const { remove } = await endpoint();
    expect((await told()).target).toBe('/api/v1/webhook/caisy');
    await remove();
  });
  walk.says(
    [162, 179],
    'a curl command repeats a call (the one printed doubles the path and lacks quotes)',
    async () => {
      const { remove } = await endpoint({ alias: WEBHOOK });
      const sent = await told();
      await remove();
      const before = target.requests.length;
      await promisify(execFile)('curl', [
        `${target.url}/api/v1/webhook/caisy`,
        ...['-s', '-H', 'x-auth: a92ja7h1ahaf1ao9aa', '-H', 'Content-Type: application/json'],
        ...['-d', BODY],
      ]);
      const repeated = await target.request(before + 1);
      expect(repeated.target).toBe(sent.target);
      expect(repeated.body).toEqual(sent.body);
    },
  );
  walk.prose([180, 181], 'heading');
  walk.says(
    [182, 189],
    'a tunnel: a public URL whose requests reach the local server live (as ngrok http 3000)',
    async () => {
      const local = await startLaptop();
      const tunnel = await startListener(product, [local.url, '--inbox', 'caisy-dev'], tenant);
      const { id, remove } = await endpoint({
        ...{ ...auth, alias: WEBHOOK, url: `${tunnel.url}/api/v1/webhook/caisy` },
      });
      await publish();
      // What the laptop says is what the webhook was answered.
      expect((await attemptOf(id)).response?.head).toContain('X-Laptop: yes');
      expect(local.seen).toEqual([`/api/v1/webhook/caisy ${BODY}`]);
      // And the curl command of above reaches it through the tunnel.
      const corrected = ['-H', 'x-auth: a92ja7h1ahaf1ao9aa', '-d', BODY];
      const place = `${tunnel.url}/api/v1/webhook/caisy`;
      const { stdout } = await promisify(execFile)('curl', ['-si', place, ...corrected]);
      expect(stdout).toMatch(/^HTTP\/1\.1 204 [\s\S]*X-Laptop: yes/);
      expect(local.seen[1]).toBe(local.seen[0]);
      await remove();
      await tunnel.stop();
      await local.close();
    },
  );
  walk.says(
    [190, 191],
    'a webhook is copied: one for development, one for production, each told by its own id',
    async () => {
      const production = await endpoint({ ...auth, name: 'production', alias: WEBHOOK });
      const local = await startLaptop();
      const tunnel = await startListener(
        ...([product, [local.url, '--copy-of', production.id, '--path', '/dev'], tenant] as const),
      );
      const request = await told();
      expect(JSON.parse(request.body.toString()).webhook.webhook_id).toBe(WEBHOOK);
      const { items } = await product.api.listEndpoints({ tenant });
      const copy = items.find(({ metadata }) => metadata['copyOf'] === production.id);
      expect(copy?.url).toBe(tunnel.url);
      const { response, request: sent } = await attemptOf(copy?.id ?? 'ep_');
      expect(response?.head).toContain('X-Laptop: yes');
      expect(sent.head).toContain('x-auth');
      const [seen = ''] = local.seen;
      expect(seen).toMatch(/^\/dev \{"event_id"/);
      expect(JSON.parse(seen.slice(5)).webhook.webhook_id).not.toBe(WEBHOOK);
      await production.remove();
      await product.api.deleteEndpoint({ tenant, endpoint: copy?.id ?? 'ep_' });
      await tunnel.stop();
      await local.close();
    },
  );
  walk.prose([192, 193], 'names another tunnel that works alike');
  walk.prose([194, 194], "names caisy's SDK");
  walk.end();
});
