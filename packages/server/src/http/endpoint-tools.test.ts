import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { CreatedEndpoint } from '@posthorn/api';
import { importVerifyKey, verify } from '@posthorn/wire';
import { expect, onTestFinished, test } from 'vitest';
import type { z } from 'zod';
import { type Harness, startServer } from './harness.suite.ts';

/** What people do with endpoints beside reading and changing one. */

const tenant = 'default';
const URL_ = 'https://example.com/hooks';
type Created = z.infer<typeof CreatedEndpoint>;

interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

async function receiver(status = 200, answer: string | Uint8Array = '', delayMs = 0) {
  const requests: Request[] = [];
  const server = createServer(async (req, res) => {
    const { method = '', url: path = '', headers } = req;
    const body = (await buffer(req)).toString();
    requests.push({ method, path, headers: headers as Record<string, string>, body });
    setTimeout(() => res.writeHead(status, { 'x-from': 'receiver' }).end(answer), delayMs);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/hook`, requests };
}

function create(server: Harness, body: object = {}): Promise<Created> {
  return server.admin.createEndpoint({ tenant, body: { url: URL_, ...body } });
}

// ---- duplicate -------------------------------------------------------------------------------------

test('a copy has the settings, a secret of its own, and is not enabled', async () => {
  const server = await startServer();
  const headers = [{ name: 'authorization', value: 'Bearer hidden' }];
  const original = await create(server, {
    name: 'Shop',
    headers,
    eventTypes: ['user.*'],
    rateLimit: 5,
    metadata: { team: 'a' },
  });
  const address = { tenant, endpoint: original.id };
  const copy = await server.admin.duplicateEndpoint({ ...address, body: {} });
  const { id, secret, enabled, name, version, createdAt, updatedAt, ...same } = copy;
  expect(original).toMatchObject(same);
  expect([id, secret]).not.toEqual([original.id, original.secret]);
  expect([enabled, name]).toEqual([false, 'Shop (copy)']);
  const stored = await server.store.config.read('endpoint', id);
  expect(stored?.value).toMatchObject({ headers, paused: false, disabled: null });

  const local = { url: 'https://local.example/x', enabled: true, name: 'Local' };
  const other = await server.admin.duplicateEndpoint({ ...address, body: local });
  expect(other).toMatchObject(local);
});

test('a copy of what a key must not touch is refused', async () => {
  const server = await startServer();
  const all = await create(server, { scope: 'all' });
  const own = await create(server);
  const client = server.client(await server.key(tenant, ['write']));
  const forbidden = { code: 'forbidden' };
  const copy = (endpoint: Created, body = {}) =>
    client.duplicateEndpoint({ tenant, endpoint: endpoint.id, body });
  await expect(copy(all)).rejects.toMatchObject(forbidden);
  await expect(copy(own, { scope: 'all' })).rejects.toMatchObject(forbidden);
  await expect(copy(all, { scope: 'tenant' })).rejects.toMatchObject(forbidden);
});

// ---- many at once ----------------------------------------------------------------------------------

test('many at once: created, changed, found unchanged; again, and nothing changes', async () => {
  const server = await startServer();
  const kept = await create(server, { name: 'kept', headers: [{ name: 'x-key', value: 'k' }] });
  const changed = await create(server, { name: 'changed', description: 'old' });
  const endpoints = [
    { name: 'kept', url: URL_, headers: [{ name: 'x-key', value: '••••' }] },
    { id: changed.id, name: 'renamed', url: URL_ },
    { name: 'new', url: URL_, secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' },
  ];
  const put = (dryRun: boolean) =>
    server.admin.putEndpoints({ tenant, body: { endpoints, dryRun } });
  const plan = await put(true);
  expect(plan).toMatchObject({
    dryRun: true,
    created: 1,
    updated: 1,
    unchanged: 1,
    items: [
      { change: 'unchanged', name: 'kept', fields: [], secret: null },
      {
        change: 'updated',
        fields: ['description', 'name'],
        before: { description: 'old' },
        after: { id: changed.id, name: 'renamed', description: '' },
      },
      { change: 'created', name: 'new', before: null, after: null, secret: null },
    ],
  });
  expect((await server.admin.listEndpoints({ tenant })).items).toHaveLength(2);
  const done = await put(false);
  expect(done.items[2]).toMatchObject({
    change: 'created',
    after: { name: 'new' },
    secret: endpoints[2]?.secret,
  });
  expect(await put(false)).toMatchObject({ created: 0, updated: 0, unchanged: 3 });
  const stored = await server.store.config.read('endpoint', kept.id);
  expect(stored?.value).toMatchObject({ headers: [{ name: 'x-key', value: 'k' }] });
  expect(stored?.version).toBe(kept.version);
});

test('a changed secret leaves the old one signing beside it', async () => {
  const server = await startServer();
  const { id, secret } = await create(server, { name: 'a' });
  const endpoints = [{ name: 'a', url: URL_, secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }];
  const done = await server.admin.putEndpoints({ tenant, body: { endpoints } });
  expect(done.items[0]).toMatchObject({ change: 'updated', fields: ['secret'], secret: null });
  expect(JSON.stringify(done)).not.toContain('whsec_');
  const now = await server.admin.getEndpointSecret({ tenant, endpoint: id });
  expect(now).toMatchObject({ secret: endpoints[0]?.secret, previous: [{ secret }] });
});

test('a dialect and a secret that only fit each other are changed together', async () => {
  const server = await startServer();
  await create(server, { name: 'a' });
  const endpoints = [{ name: 'a', url: URL_, dialect: 'logto' as const, secret: 'a logto key' }];
  expect(await server.admin.putEndpoints({ tenant, body: { endpoints } })).toMatchObject({
    items: [{ change: 'updated', fields: ['dialect', 'secret'] }],
  });
});

test.each<[string, object[], string]>([
  ['a name is needed', [{ url: URL_ }], 'endpoints.0.name: is needed'],
  [
    'an id that is not there',
    [{ id: 'ep_00000000000000000000000000', url: URL_ }],
    'endpoints.0.id',
  ],
  ['a name that two have', [{ name: 'twin', url: URL_ }], '2 endpoints are called that'],
  [
    'one endpoint twice',
    [
      { name: 'x', url: URL_ },
      { name: 'x', url: URL_ },
    ],
    'endpoints.1: means',
  ],
  [
    'a wrong URL',
    [
      { name: 'x', url: URL_ },
      { name: 'y', url: 'ftp://a' },
    ],
    'endpoints.1.url',
  ],
  ['a mask of nothing', [{ name: 'x', url: URL_, headers: [{ name: 'a', value: '••••' }] }], '.0.'],
])('many at once: %s refuses all', async (_, endpoints, message) => {
  const server = await startServer();
  await create(server, { name: 'twin' });
  await create(server, { name: 'twin' });
  const body = { endpoints } as Parameters<typeof server.admin.putEndpoints>[0]['body'];
  await expect(server.admin.putEndpoints({ tenant, body })).rejects.toMatchObject({
    message: expect.stringContaining(message),
  });
  expect((await server.admin.listEndpoints({ tenant })).items).toHaveLength(2);
});

test('endpoints of all tenants are for admin keys, also in a list', async () => {
  const server = await startServer();
  const all = await create(server, { name: 'all', scope: 'all' });
  const client = server.client(await server.key(tenant, ['write']));
  const forbidden = { code: 'forbidden' };
  const put = (endpoint: object) =>
    client.putEndpoints({ tenant, body: { endpoints: [{ url: URL_, ...endpoint }] } });
  await expect(put({ name: 'new', scope: 'all' })).rejects.toMatchObject(forbidden);
  await expect(put({ name: 'all' })).rejects.toMatchObject(forbidden);
  await expect(put({ id: all.id, name: 'mine' })).rejects.toMatchObject(forbidden);
  await server.admin.putTenant({ tenant: 'other', body: {} });
  const other = server.client(await server.key('other', ['write']));
  const body = { endpoints: [{ id: all.id, url: URL_ }] };
  await expect(other.putEndpoints({ tenant: 'other', body })).rejects.toMatchObject({
    message: expect.stringContaining('there is no such endpoint'),
  });
});

// ---- test ------------------------------------------------------------------------------------------

test('a test sends one sample of each type and says what came back; nothing is logged', async () => {
  const server = await startServer();
  const { url, requests } = await receiver(202, 'thanks');
  await server.admin.putEventType({
    tenant,
    type: 'user.created',
    body: { example: { data: { id: 'u_1' }, subject: 'u_1' } },
  });
  const headers = [{ name: 'authorization', value: 'Bearer hidden' }];
  const endpoint = await create(server, {
    url,
    headers,
    eventTypes: ['user.created', 'order.paid'],
  });
  const { items, omitted } = await server.admin.testEndpoint({
    tenant,
    endpoint: endpoint.id,
    body: {},
  });
  expect(omitted).toBe(0);
  expect(items).toMatchObject([
    {
      type: 'user.created',
      ok: true,
      status: 202,
      fault: null,
      remoteAddress: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      request: { method: 'POST', url },
      response: { body: { encoding: 'utf8', text: 'thanks' }, truncated: false },
    },
    { type: 'order.paid', ok: true },
  ]);
  expect(items[0]?.durationMs).toBeGreaterThan(0);
  expect(items[0]?.response?.head).toContain('x-from: receiver');
  expect(items[0]?.request.head).toContain('authorization: ••••');
  const [first] = requests.filter(({ body }) => body.includes('user.created'));
  expect(first).toMatchObject({ method: 'POST', path: '/hook' });
  expect(first?.headers['authorization']).toBe('Bearer hidden');
  expect(JSON.parse(first?.body ?? '')).toMatchObject({
    type: 'user.created',
    data: { id: 'u_1' },
  });
  expect(first?.body).toBe(items[0]?.request.body.text);
  expect(verified(first as Request, endpoint.secret)).toBe(true);
  for (const list of ['listEvents', 'listDeliveries', 'listAttempts'] as const) {
    expect((await server.admin[list]({ tenant })).items).toEqual([]);
  }
  expect(await server.admin.getEndpoint({ tenant, endpoint: endpoint.id })).toMatchObject({
    disabled: null,
  });
});

function verified({ headers, body }: Request, secret: string): boolean {
  const result = verify({
    id: headers['webhook-id'],
    timestamp: headers['webhook-timestamp'],
    signature: headers['webhook-signature'],
    body: Buffer.from(body),
    keys: [importVerifyKey(secret)],
    nowS: Date.now() / 1000,
  });
  return result.ok;
}

test('the types tried are those it listens to, or those asked for', async () => {
  const server = await startServer();
  const { url } = await receiver();
  const tested = async (eventTypes: string[], types?: string[]) => {
    const { id } = await create(server, { url, eventTypes });
    const body = types ? { types } : {};
    const { items } = await server.admin.testEndpoint({ tenant, endpoint: id, body });
    return items.map(({ type }) => type);
  };
  expect(await tested([])).toEqual(['test.event']);
  expect(await tested(['user.*'])).toEqual(['user.test']);
  for (const type of ['user.created', 'user.deleted', 'order.paid']) {
    await server.admin.putEventType({ tenant, type, body: {} });
  }
  const archived = { archived: true };
  await server.admin.putEventType({ tenant, type: 'user.old', body: archived });
  expect(await tested([])).toEqual(['order.paid', 'user.created', 'user.deleted']);
  expect(await tested(['user.*', 'user.created'])).toEqual(['user.created', 'user.deleted']);
  expect(await tested(['user.*'], ['x.y'])).toEqual(['x.y']);
});

test('at most twenty types are tried, and how many were left out is told', async () => {
  const server = await startServer();
  const { url, requests } = await receiver();
  const eventTypes = Array.from({ length: 25 }, (_, i) => ({ name: `t.${i}` }));
  await server.admin.putEventTypes({ tenant, body: { eventTypes } });
  const { id } = await create(server, { url });
  const { items, omitted } = await server.admin.testEndpoint({ tenant, endpoint: id, body: {} });
  expect([items.length, omitted, requests.length]).toEqual([20, 5, 20]);
});

test('changes that are not saved, and endpoints that are not, are tried all the same', async () => {
  const server = await startServer();
  const { url, requests } = await receiver();
  const headers = [{ name: 'x-api-key', value: 'hidden' }];
  const { id } = await create(server, { headers });
  const endpoint = {
    url,
    method: 'PUT' as const,
    headers: [{ name: 'x-api-key', value: '••••' }],
  };
  const changed = await server.admin.testEndpoint({ tenant, endpoint: id, body: { endpoint } });
  expect(changed.items[0]).toMatchObject({ ok: true, request: { method: 'PUT' } });
  expect(requests[0]?.headers['x-api-key']).toBe('hidden');
  expect(await server.admin.getEndpoint({ tenant, endpoint: id })).toMatchObject({ url: URL_ });
  const fresh = { url, dialect: 'logto' as const, secret: 'a key' };
  const body = { endpoint: fresh, types: ['PostSignIn'] };
  expect(await server.admin.testUnsavedEndpoint({ tenant, body })).toMatchObject({
    items: [{ type: 'PostSignIn', ok: true }],
  });
  expect(requests[1]?.headers['logto-signature-sha-256']).toMatch(/^[0-9a-f]{64}$/);
  expect((await server.admin.listEndpoints({ tenant })).items).toHaveLength(1);
});

test('what is not 2xx and what does not answer is told as it is', async () => {
  const server = await startServer();
  const refusing = await receiver(500, Buffer.alloc(100_000, 'x'));
  const long = await server.admin.testUnsavedEndpoint({
    tenant,
    body: { endpoint: { url: refusing.url } },
  });
  expect(long.items[0]).toMatchObject({ ok: false, status: 500, response: { truncated: true } });
  expect(long.items[0]?.response?.body.text).toHaveLength(16_384);
  const slow = await receiver(200, '', 5000);
  const endpoint = { url: slow.url, timeoutMs: 1000 };
  const late = await server.admin.testUnsavedEndpoint({ tenant, body: { endpoint } });
  expect(late.items[0]).toMatchObject({
    ok: false,
    fault: 'timeout',
    status: null,
    response: null,
  });
});

test('what may not be called is refused in the same words, whatever it is (A16, A17)', async () => {
  const server = await startServer();
  const test_ = (url: string) =>
    server.admin.testUnsavedEndpoint({ tenant, body: { endpoint: { url } } });
  await expect(test_('http://169.254.169.254/latest')).rejects.toMatchObject({
    code: 'url_refused',
    message: 'This address may not be called. Ask the operator to allow it.',
  });
  const details = [];
  for (const url of ['http://10.0.0.1/', 'http://192.168.0.1:22/', 'http://[fd00::1]/']) {
    const { items } = await test_(url);
    expect(items[0]).toMatchObject({ fault: 'forbidden', remoteAddress: null, response: null });
    expect(items[0]?.request.head).toBe('');
    details.push(items[0]?.detail);
  }
  expect(new Set(details).size).toBe(1);
});

test('too many tests at once are told to wait', async () => {
  const server = await startServer();
  const { url } = await receiver(200, '', 500);
  const all = Array.from({ length: 20 }, () =>
    server.admin.testUnsavedEndpoint({ tenant, body: { endpoint: { url } } }),
  );
  const settled = await Promise.allSettled(all);
  const refused = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  expect(refused.length).toBeGreaterThanOrEqual(4);
  for (const reason of refused)
    expect(reason).toMatchObject({ code: 'overloaded', retryAfterS: 1 });
});

test('a key without write neither tests nor previews: a signature would be had for the asking', async () => {
  const server = await startServer();
  const { id } = await create(server);
  const client = server.client(await server.key(tenant, ['read', 'publish']));
  const address = { tenant, endpoint: id, body: {} };
  await expect(client.testEndpoint(address)).rejects.toMatchObject({ code: 'forbidden' });
  await expect(client.previewEndpoint(address)).rejects.toMatchObject({ code: 'forbidden' });
});

// ---- preview ---------------------------------------------------------------------------------------

test('a preview is the exact request, signed with the real key; nothing is sent', async () => {
  const server = await startServer();
  const { url, requests } = await receiver();
  const headers = [
    { name: 'X-Team', value: 'a' },
    { name: 'Authorization', value: 'Bearer hidden' },
  ];
  const endpoint = await create(server, {
    url: `${url}?a=1`,
    headers,
    eventTypes: ['user.created'],
  });
  const preview = await server.admin.previewEndpoint({
    tenant,
    endpoint: endpoint.id,
    body: { data: { n: 1 }, occurredAt: '2026-01-31T12:00:00Z' },
  });
  expect(preview).toMatchObject({
    type: 'user.created',
    method: 'POST',
    url: `${url}?a=1`,
    key: 'endpoint',
    body: {
      encoding: 'utf8',
      text: '{"type":"user.created","timestamp":"2026-01-31T12:00:00.000Z","data":{"n":1}}',
    },
  });
  const lines = preview.head.split('\r\n');
  expect(lines[0]).toBe('POST /hook?a=1 HTTP/1.1');
  expect(lines).toContain('X-Team: a');
  expect(lines).toContain('Authorization: ••••');
  expect(lines).toContain(`Content-Length: ${preview.body.text.length}`);
  const sent = Object.fromEntries(
    lines.slice(1).map((line) => [line.split(':')[0]?.toLowerCase(), line.replace(/^[^:]+: /, '')]),
  ) as Record<string, string>;
  const request = { method: 'POST', path: '', headers: sent, body: preview.body.text };
  expect(verified(request, endpoint.secret)).toBe(true);
  expect(requests).toEqual([]);
});

test('a preview of a stored event shows that event', async () => {
  const server = await startServer();
  const { id } = await create(server);
  const posted = { type: 'a.b', data: { big: 1 }, occurredAt: '2026-01-31T12:00:00Z' };
  const accepted = await server.admin.publishEvents({ tenant, body: posted });
  const { id: event } = accepted as { id: `evt_${string}` };
  const preview = (body: object) => server.admin.previewEndpoint({ tenant, endpoint: id, body });
  expect((await preview({ event })).head).toContain(`webhook-id: ${event}`);
  await expect(preview({ event: 'evt_00000000000000000000000000' })).rejects.toMatchObject({
    code: 'not_found',
  });
  await expect(preview({ event, type: 'x' })).rejects.toMatchObject({ code: 'invalid_request' });
});

test('a preview of what is not saved is signed with a throw-away key', async () => {
  const server = await startServer();
  const body = { endpoint: { url: URL_, dialect: 'ferriskey' as const }, type: 'user.created' };
  const preview = await server.admin.previewUnsavedEndpoint({ tenant, body });
  expect(preview).toMatchObject({ key: 'throw-away', type: 'user.created' });
  expect(preview.head).toMatch(/\r\nx-ferriskey-signature: [0-9a-f]{64}\r\n/);
  const flat = { url: URL_, contentType: 'application/x-www-form-urlencoded' };
  await expect(
    server.admin.previewUnsavedEndpoint({
      tenant,
      body: { endpoint: flat, data: { a: { b: [{}] } } },
    }),
  ).rejects.toMatchObject({ message: expect.stringContaining('No request can be made of it') });
});
