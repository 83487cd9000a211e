import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@posthorn/api';
import { expect, onTestFinished, test } from 'vitest';
import { eventually, startReceiver } from './delivery/harness.suite.ts';
import { AppError, ConfigError, createPosthorn, type PosthornOptions } from './index.ts';

const ADMIN_KEY = 'embedded-admin-key-of-32-characters!';

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'posthorn-embed-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

// Inline, because the threads run the built files.
async function embed(options: Partial<PosthornOptions> = {}) {
  const hooks = await createPosthorn({
    dataDirectory: directory(),
    inline: true,
    adminKey: ADMIN_KEY,
    logLevel: 'silent',
    ...options,
  });
  onTestFinished(() => hooks.close());
  return { hooks, api: createClient({ baseUrl: hooks.url, key: ADMIN_KEY }) };
}

const LOCAL = { allowHttp: true, allowLoopback: true };
const tenant = 'default';

test('publish stores an event and its webhooks get it', async () => {
  const { hooks, api } = await embed(LOCAL);
  const receiver = await startReceiver({ now: Date.now });
  await api.createEndpoint({ tenant, body: { url: receiver.url } });
  const data = { id: 1, name: 'Ada' };
  const published = await hooks.publish({ type: 'user.created', data });
  expect(published).toMatchObject({ deliveries: 1, duplicate: false });
  const { id, body } = await receiver.request(1);
  expect(id).toBe(published.id);
  expect(JSON.parse(body.toString())).toMatchObject({ type: 'user.created', data });
});

test('the same id is the same event, by publish or by HTTP', async () => {
  const { hooks, api } = await embed();
  const event = { type: 'a.b', data: 1, id: 'one' };
  const first = await hooks.publish(event);
  expect(await hooks.publish(event)).toEqual({ ...first, duplicate: true });
  expect(await api.publishEvents({ tenant, body: event })).toEqual({ ...first, duplicate: true });
  await expect(hooks.publish({ ...event, data: 2 })).rejects.toMatchObject({
    code: 'idempotency_conflict',
  });
});

test.each([
  ['no type', { type: '', data: 1 }, 'invalid_request'],
  ['an unknown field', { type: 'a.b', data: 1, extra: 1 }, 'invalid_request'],
  ['an unknown tenant', { type: 'a.b', data: 1, tenant: 'nobody' }, 'not_found'],
  ['too much', { type: 'a.b', data: 'x'.repeat(2_000_000) }, 'payload_too_large'],
])('publish refuses %s as the API does', async (_, event, code) => {
  const { hooks } = await embed();
  const error = await hooks.publish(event).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(AppError);
  expect(error).toMatchObject({ code });
});

test('without a port of its own it answers in a server of the host', async () => {
  const { hooks } = await embed({ listen: false });
  const server = createServer((req, res) => {
    if (req.url === '/mine') res.end('mine');
    else hooks.handler(req, res);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  expect(await (await fetch(`${url}/mine`)).text()).toBe('mine');
  const api = createClient({ baseUrl: url, key: ADMIN_KEY });
  expect(await api.publishEvents({ tenant, body: { type: 'a.b', data: 1 } })).toMatchObject({
    duplicate: false,
  });
  expect((await api.listEvents({ tenant })).items).toHaveLength(1);
});

test('what was published before a close is delivered after the next start', async () => {
  const dataDirectory = directory();
  const { hooks, api } = await embed({ ...LOCAL, dataDirectory });
  const receiver = await startReceiver({ now: Date.now });
  const { id: endpoint } = await api.createEndpoint({ tenant, body: { url: receiver.url } });
  await api.pauseEndpoint({ tenant, endpoint });
  const { id } = await hooks.publish({ type: 'a.b', data: 1 });
  await hooks.close();
  expect(await hooks.closed).toBeUndefined();
  await expect(hooks.publish({ type: 'a.b', data: 1 })).rejects.toMatchObject({
    code: 'shutting_down',
  });
  const again = await embed({ ...LOCAL, dataDirectory });
  await again.api.resumeEndpoint({ tenant, endpoint });
  expect((await receiver.request(1)).id).toBe(id);
  await eventually(
    async () => (await again.api.listDeliveries({ tenant, state: 'succeeded' })).items.length === 1,
    'it is logged',
  );
});

test('loopback and plain http are refused unless they are allowed', async () => {
  const { api } = await embed();
  const body = { url: 'http://127.0.0.1:1/' };
  await expect(api.createEndpoint({ tenant, body })).rejects.toMatchObject({ code: 'url_refused' });
});

test('a wrong option is refused with its name', async () => {
  const wrong = createPosthorn({ dataDirectory: directory(), adminKey: 'short' });
  await expect(wrong).rejects.toBeInstanceOf(ConfigError);
  await expect(wrong).rejects.toThrow(/admin-key/);
});

test('a data directory in use is refused', async () => {
  const dataDirectory = directory();
  await embed({ dataDirectory });
  await expect(embed({ dataDirectory })).rejects.toThrow(/already uses/);
});
