import { ApiError, type Client, createClient, MASK } from '@posthorn/api';
import { expect, test } from 'vitest';
import { ENDPOINT, startServer } from './harness.suite.ts';

async function refusal(call: Promise<unknown>): Promise<ApiError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ApiError) return error;
  throw new Error(`was not refused: ${String(error)}`);
}

function create(client: Client, url = 'https://example.com/hooks') {
  return client.createEndpoint({ tenant: 'default', body: { url } });
}

test('an endpoint is created with defaults, shown with its secret once, and read without', async () => {
  const { admin } = await startServer();
  const created = await create(admin);
  expect(created.secret).toMatch(/^whsec_/);
  expect(created).toMatchObject({ method: 'POST', enabled: true, retryPolicy: null, headers: [] });
  const read = await admin.getEndpoint({ tenant: 'default', endpoint: created.id });
  const { secret, ...rest } = created;
  expect(read).toEqual(rest);
  const shown = await admin.getEndpointSecret({ tenant: 'default', endpoint: created.id });
  const none = { publicKey: null, standardSecret: null, previous: [], headers: [] };
  expect(shown).toEqual({ secret, ...none });
});

test('the value of a header that may be a password is shown with the secret only', async () => {
  const { admin } = await startServer();
  const headers = [{ name: 'X-Api-Key', value: 'k-1' }];
  const body = { url: 'https://example.com', headers };
  const { id } = await admin.createEndpoint({ tenant: 'default', body });
  const address = { tenant: 'default', endpoint: id };
  expect((await admin.getEndpoint(address)).headers).toEqual([{ name: 'X-Api-Key', value: MASK }]);
  expect((await admin.getEndpointSecret(address)).headers).toEqual(headers);
});

test('lists are paged newest first, and the cursor leads through all of them', async () => {
  const { admin } = await startServer();
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) ids.push((await create(admin)).id);
  const first = await admin.listEndpoints({ tenant: 'default', limit: 3 });
  expect(first.items.map((e) => e.id)).toEqual(ids.slice(2).reverse());
  const rest = await admin.listEndpoints({
    tenant: 'default',
    limit: 3,
    cursor: first.next ?? '',
  });
  expect(rest.items.map((e) => e.id)).toEqual(ids.slice(0, 2).reverse());
  expect(rest.next).toBeNull();
});

test('a patch replaces what it names and keeps the rest', async () => {
  const { admin } = await startServer();
  const { id } = await create(admin);
  const updated = await admin.updateEndpoint({
    tenant: 'default',
    endpoint: id,
    body: { eventTypes: ['user.*'], retryPolicy: { schedule: [1, 2.5] }, timeoutMs: 2000 },
  });
  expect(updated).toMatchObject({
    url: 'https://example.com/hooks',
    eventTypes: ['user.*'],
    timeoutMs: 2000,
    retryPolicy: { attempts: 3, schedule: [1, 2.5], jitter: 0.2, retryOn: 'any' },
  });
  const again = await admin.updateEndpoint({
    tenant: 'default',
    endpoint: id,
    body: { timeoutMs: null, retryPolicy: updated.retryPolicy },
  });
  expect(again.retryPolicy).toEqual(updated.retryPolicy);
  expect(again.timeoutMs).toBeNull();
});

test('a patch with the version of an older read is a conflict', async () => {
  const { admin } = await startServer();
  const { id, version } = await create(admin);
  const address = { tenant: 'default', endpoint: id };
  await admin.updateEndpoint({ ...address, body: { name: 'a', version } });
  const error = await refusal(admin.updateEndpoint({ ...address, body: { name: 'b', version } }));
  expect(error).toMatchObject({ status: 409, code: 'conflict' });
});

test('sensitive header values are masked, and the mask sent back keeps them', async () => {
  const { admin, store } = await startServer();
  const headers = [
    { name: 'Authorization', value: 'Bearer hidden' },
    { name: 'X-Plain', value: 'shown' },
  ];
  const created = await admin.createEndpoint({
    tenant: 'default',
    body: { url: 'https://example.com', headers },
  });
  expect(created.headers).toEqual([{ name: 'Authorization', value: '••••' }, headers[1]]);
  await admin.updateEndpoint({
    tenant: 'default',
    endpoint: created.id,
    body: { headers: [{ name: 'X-Plain', value: 'new' }, ...created.headers.slice(0, 1)] },
  });
  const stored = (await store.config.read('endpoint', created.id))?.value;
  expect(stored).toMatchObject({ headers: [{ name: 'X-Plain', value: 'new' }, headers[0]] });
});

test('a mask that stands for nothing is refused', async () => {
  const { admin } = await startServer();
  const body = { url: 'https://example.com', headers: [{ name: 'X-Token', value: '••••' }] };
  const error = await refusal(admin.createEndpoint({ tenant: 'default', body }));
  expect(error).toMatchObject({ code: 'invalid_request', problem: { field: 'headers.0' } });
});

test('a rotated secret signs on for the overlap', async () => {
  const { admin, clock } = await startServer();
  const { id, secret } = await create(admin);
  const address = { tenant: 'default', endpoint: id };
  const rotated = await admin.rotateEndpointSecret(address);
  const expiresAt = new Date(clock.now + 86_400_000).toISOString();
  expect(rotated.previous).toEqual([{ secret, expiresAt }]);
  expect(rotated.secret).not.toBe(secret);
  clock.now += 86_400_001;
  expect((await admin.getEndpointSecret(address)).previous).toEqual([]);
});

test('pause holds and resume clears both what people and what we did', async () => {
  const { admin, store } = await startServer();
  const { id } = await create(admin);
  const address = { tenant: 'default', endpoint: id };
  expect((await admin.pauseEndpoint(address)).paused).toBe(true);
  const item = await store.config.read('endpoint', id);
  const value = { ...(item?.value as object), disabled: { at: 1, reason: 'gone' } };
  await store.config.put(
    [{ kind: 'endpoint', id, tenant: 'default', value, expected: undefined }],
    1,
  );
  expect((await admin.getEndpoint(address)).disabled?.reason).toBe('gone');
  expect(await admin.resumeEndpoint(address)).toMatchObject({ paused: false, disabled: null });
});

test('a deleted endpoint is gone', async () => {
  const { admin } = await startServer();
  const { id } = await create(admin);
  const address = { tenant: 'default', endpoint: id };
  expect(await admin.deleteEndpoint(address)).toBeUndefined();
  expect((await refusal(admin.getEndpoint(address))).code).toBe('not_found');
  expect((await refusal(admin.deleteEndpoint(address))).code).toBe('not_found');
});

test.each([
  ['not a url', 'invalid_request', 400],
  ['ftp://example.com', 'invalid_request', 400],
  ['https://user:pw@example.com', 'invalid_request', 400],
  ['https://example.com/#part', 'invalid_request', 400],
  [`https://example.com/${'ü'.repeat(500)}`, 'invalid_request', 400],
  ['http://169.254.169.254/latest', 'url_refused', 422],
])('the address %s is refused at save', async (url, code, status) => {
  const { admin } = await startServer();
  const error = await refusal(create(admin, url));
  expect(error).toMatchObject({ code, status, problem: { field: 'url' } });
  expect(error.message).not.toContain('link-local');
});

test.each([
  [{ name: 'X-A', value: 'a\r\nX-B: b' }],
  [{ name: 'X-A', value: 'a\0' }],
  [{ name: 'X A', value: 'a' }],
  [{ name: 'Host', value: 'a' }],
  [{ name: 'webhook-id', value: 'a' }],
  [{ name: 'X-A', value: 'Ċ' }],
])('the header %j is refused at save', async (header) => {
  const { admin } = await startServer();
  const body = { url: 'https://example.com', headers: [header] };
  const error = await refusal(admin.createEndpoint({ tenant: 'default', body }));
  expect(error).toMatchObject({ status: 400, problem: { field: 'headers.0' } });
});

test('a weak secret is refused, and the answer does not repeat it', async () => {
  const { admin } = await startServer();
  const body = { url: 'https://example.com', secret: 'whsec_AA==' };
  const error = await refusal(admin.createEndpoint({ tenant: 'default', body }));
  expect(error.problem?.field).toBe('secret');
  expect(JSON.stringify(error.problem)).not.toContain('AA==');
});

test('an endpoint of all tenants cannot be ordered', async () => {
  const { admin } = await startServer();
  const body = { url: 'https://example.com', scope: 'all', ordering: 'key' } as const;
  const error = await refusal(admin.createEndpoint({ tenant: 'default', body }));
  expect(error).toMatchObject({ code: 'invalid_request', problem: { field: 'ordering' } });
});

test('unknown fields and values out of bounds are named', async () => {
  const { admin } = await startServer();
  const body = { url: 'https://example.com', colour: 'red', timeoutMs: 5 };
  const error = await refusal(admin.createEndpoint({ tenant: 'default', body }));
  const paths = error.problem?.errors?.map((e) => e.path).sort();
  expect(paths).toEqual(['colour', 'timeoutMs']);
});

test('a tenant is upserted, listed and deleted', async () => {
  const { admin } = await startServer();
  await admin.putTenant({ tenant: 'acme', body: { name: 'Acme', defaults: { rateLimit: 5 } } });
  const put = await admin.putTenant({ tenant: 'acme', body: { name: 'Acme 2' } });
  expect(put).toMatchObject({ name: 'Acme 2', defaults: { rateLimit: null } });
  const { items } = await admin.listTenants();
  expect(items.map((t) => t.id)).toEqual(['default', 'acme']);
  await admin.deleteTenant({ tenant: 'acme' });
  expect((await refusal(admin.getTenant({ tenant: 'acme' }))).code).toBe('not_found');
});

test('a tenant with endpoints or children, and the default one, cannot be deleted', async () => {
  const { admin } = await startServer();
  await admin.putTenant({ tenant: 'parent', body: {} });
  await admin.putTenant({ tenant: 'child', body: { parent: 'parent' } });
  await admin.createEndpoint({ tenant: 'child', body: { url: 'https://example.com' } });
  for (const tenant of ['parent', 'child', 'default']) {
    expect((await refusal(admin.deleteTenant({ tenant }))).code).toBe('conflict');
  }
});

test('a tenant cannot become its own ancestor', async () => {
  const { admin } = await startServer();
  await admin.putTenant({ tenant: 'a', body: {} });
  await admin.putTenant({ tenant: 'b', body: { parent: 'a' } });
  for (const parent of ['a', 'b', 'nobody']) {
    const error = await refusal(admin.putTenant({ tenant: 'a', body: { parent } }));
    expect(error.problem?.field).toBe('parent');
  }
});

test('a key works at once, until it is deleted', async () => {
  const { admin, client } = await startServer();
  const key = await admin.createKey({ body: { tenant: 'default', scopes: ['read'] } });
  expect(key.key).toMatch(/^phk_[A-Za-z0-9_-]{49}$/);
  const mine = client(key.key);
  await mine.listEndpoints({ tenant: 'default' });
  const listed = await admin.listKeys({ tenant: 'default' });
  expect(listed.items).toEqual([expect.objectContaining({ id: key.id, hint: key.hint })]);
  expect(JSON.stringify(listed)).not.toContain(key.key);
  await admin.deleteKey({ key: key.id });
  expect((await refusal(mine.listEndpoints({ tenant: 'default' }))).status).toBe(401);
});

test('scopes and tenant of a key must fit each other', async () => {
  const { admin } = await startServer();
  for (const body of [
    { tenant: null, scopes: ['read' as const] },
    { tenant: 'default', scopes: ['admin' as const] },
    { tenant: null, scopes: ['admin' as const, 'read' as const] },
    { tenant: 'nobody', scopes: ['read' as const] },
  ]) {
    expect((await refusal(admin.createKey({ body }))).code).toBe('invalid_request');
  }
});

test('events are listed and read with their data byte for byte', async () => {
  const { admin, url, adminKey } = await startServer();
  const headers = { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' };
  const body = '{"type":"a.b","data":{"n": 1.0, "big":12345678901234567890},"subject":"s"}';
  const place = `${url}/api/v1/tenants/default/events`;
  const posted = await fetch(place, { method: 'POST', headers, body });
  const { id } = (await posted.json()) as { id: `evt_${string}` };
  const read = await fetch(`${place}/${id}`, { headers });
  expect(await read.text()).toContain('"data":{"n": 1.0, "big":12345678901234567890}}');
  const event = await admin.getEvent({ tenant: 'default', event: id });
  expect(event).toMatchObject({ type: 'a.b', subject: 's', deliveries: 0 });
  const { items } = await admin.listEvents({ tenant: 'default', type: 'a.b' });
  expect(items.map((e) => e.id)).toEqual([id]);
});

test('a delivery is addressed by event, endpoint and run', async () => {
  const { admin } = await startServer();
  const endpoint = await create(admin);
  const body = { type: 'a.b', data: 1 };
  const event = await admin.publishEvents({ tenant: 'default', body });
  if (Array.isArray(event)) throw new Error('one answer for one event');
  const delivery = `${event.id}.${endpoint.id}.0`;
  const found = await admin.getDelivery({ tenant: 'default', delivery });
  expect(found).toMatchObject({ id: delivery, state: 'pending', attempts: 0, status: null });
  const { items } = await admin.listDeliveries({ tenant: 'default', endpoint: endpoint.id });
  expect(items).toEqual([found]);
  const other = `${event.id}.${endpoint.id}.1`;
  const error = await refusal(admin.getDelivery({ tenant: 'default', delivery: other }));
  expect(error.code).toBe('not_found');
});

test('an attempt shows the exact exchange, secrets masked', async () => {
  const { admin, store, clock } = await startServer();
  const endpoint = await create(admin);
  await admin.publishEvents({ tenant: 'default', body: { type: 'a.b', data: 1 } });
  const node = await store.lanes.join({ name: 'n', version: '1' }, 60_000, clock.now);
  const { lanes } = await store.lanes.acquire(node, 1, clock.now);
  const due = await store.lanes.fetch(
    lanes.map(({ slot, lane }) => ({ slot, lane, after: undefined, limit: 1 })),
    clock.now,
  );
  const [key] = due;
  if (!key) throw new Error('nothing due');
  const attempt = {
    tenant: 'default',
    type: 'a.b',
    endpoint: endpoint.id,
    n: 1,
    startedAt: clock.now,
    timings: { dnsMs: 1, connectMs: 2, tlsMs: undefined, firstByteMs: 3, totalMs: 4 },
    status: 200,
    fault: undefined,
    detail: '',
    remoteAddress: '203.0.113.7:443',
    method: 'POST',
    url: endpoint.url,
    requestHead: Buffer.from('POST / HTTP/1.1\r\nauthorization: Bearer hidden\r\nx-a: 1\r\n'),
    body: { kind: 'full', bytes: Buffer.from('1') },
    responseHead: Buffer.from('HTTP/1.1 200 OK\r\nset-cookie: hidden\r\n'),
    responseBody: Buffer.from([0xff, 0x00]),
    responseTruncated: false,
    secretHeads: true,
    afterCrash: false,
  } as const;
  const result = {
    key,
    attempt,
    next: { kind: 'succeeded' },
    disable: undefined,
    notices: undefined,
  } as const;
  await store.lanes.complete(node, { results: [result], release: [] }, clock.now);
  const { items } = await admin.listAttempts({ tenant: 'default', endpoint: endpoint.id });
  expect(items).toHaveLength(1);
  const whole = await admin.getAttempt({ tenant: 'default', attempt: items[0]?.id ?? 'att_' });
  expect(whole).toMatchObject({
    timings: { dnsMs: 1, tlsMs: null },
    request: { body: { encoding: 'utf8', text: '1' } },
    response: { body: { encoding: 'base64', text: '/wA=' } },
  });
  expect(whole.request.head).toBe('POST / HTTP/1.1\r\nauthorization: ••••\r\nx-a: 1\r\n');
  expect(JSON.stringify(whole)).not.toContain('hidden');
});

test('the public operations answer without a key', async () => {
  const { url } = await startServer();
  const nobody = createClient({ baseUrl: url });
  expect(await nobody.getHealth()).toEqual({ status: 'ok', version: '1.2.3' });
  expect(await nobody.getReadiness()).toEqual({ ok: true, checks: { store: 'ok' } });
  expect(await nobody.getMetrics()).toContain('up 1\n');
  expect(await nobody.getOpenApi()).toMatchObject({ openapi: '3.1.0' });
});

test('not ready is 503 and says why', async () => {
  const ready = async () => ({ ok: false, checks: { store: 'migrating' } });
  const { url } = await startServer({ ready });
  const response = await fetch(`${url}/readyz`);
  expect(response.status).toBe(503);
  expect(await response.json()).toEqual({ ok: false, checks: { store: 'migrating' } });
});

test.each([
  ['GET', '/nowhere', 404, 'not_found'],
  ['GET', '/API/v1/tenants', 404, 'not_found'],
  ['GET', '/api/v1/tenants/', 404, 'not_found'],
  ['POST', '/healthz', 405, 'method_not_allowed'],
  ['DELETE', '/api/v1/tenants/default/events', 405, 'method_not_allowed'],
  ['OPTIONS', '/api/v1/keys', 405, 'method_not_allowed'],
  ['GET', '/api/v1/tenants/%zz/events', 400, 'invalid_request'],
  ['GET', `/api/v1/tenants/${'a'.repeat(200)}/events`, 404, 'not_found'],
])('%s %s is answered %i with a problem', async (method, path, status, code) => {
  const { url, adminKey } = await startServer();
  const headers = { authorization: `Bearer ${adminKey}` };
  const response = await fetch(url + path, { method, headers });
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  const problem = (await response.json()) as { code: string; requestId: string };
  expect(problem.code).toBe(code);
  expect(response.headers.get('x-request-id')).toBe(problem.requestId);
  if (status === 405) expect(response.headers.get('allow')).not.toBeNull();
});

test.each([
  ['application/json', '{', 400, 'invalid_json'],
  ['application/json', Buffer.from('{"url":"\xff"}', 'latin1'), 400, 'invalid_json'],
  ['application/json', '', 400, 'invalid_request'],
  ['application/json', '[]', 400, 'invalid_request'],
  ['application/json', `{"__proto__":{"url":"https://example.com"}}`, 400, 'invalid_request'],
  [
    'application/json',
    `{"metadata":{"__proto__":"a"},"url":"https://e.com"}`,
    400,
    'invalid_request',
  ],
  ['text/plain', '{}', 415, 'unsupported_media_type'],
  ['application/json', `{"name":"${'a'.repeat(1_100_000)}"}`, 413, 'payload_too_large'],
])('a %s body like that is refused (%#)', async (type, body, status, code) => {
  const { url, adminKey } = await startServer();
  const headers = { authorization: `Bearer ${adminKey}`, 'content-type': type };
  const place = `${url}/api/v1/tenants/default/endpoints`;
  const response = await fetch(place, { method: 'POST', headers, body });
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({ code, status });
  expect(({} as { url?: string }).url).toBeUndefined();
});

test('headers that would change the meaning are refused, not ignored', async () => {
  const { url, adminKey } = await startServer();
  const authorization = `Bearer ${adminKey}`;
  const place = `${url}/api/v1/tenants`;
  for (const [extra, status] of [
    [{ 'idempotency-key': 'a' }, 400],
    [{ 'content-encoding': 'gzip' }, 415],
  ] as const) {
    const response = await fetch(place, { headers: { authorization, ...extra } });
    expect(response.status).toBe(status);
  }
});

test.each([
  'limit=0',
  'limit=201',
  'limit=1&limit=2',
  'limit[]=1',
  'unknown=1',
  'cursor=',
  '__proto__=1',
  'from=yesterday',
])('the query %s is refused', async (query) => {
  const { url, adminKey } = await startServer();
  const headers = { authorization: `Bearer ${adminKey}` };
  const response = await fetch(`${url}/api/v1/tenants/default/events?${query}`, { headers });
  expect(response.status).toBe(400);
});

test('an operation without a body refuses one', async () => {
  const { admin, url, adminKey } = await startServer();
  const { id } = await create(admin);
  const place = `${url}/api/v1/tenants/default/endpoints/${id}/pause`;
  const headers = { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' };
  const response = await fetch(place, { method: 'POST', headers, body: '{"a":1}' });
  expect(response.status).toBe(400);
});

test('a flood of values is refused before it is validated', async () => {
  const { url, adminKey } = await startServer();
  const headers = { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' };
  const body = `{"eventTypes":[${'1,'.repeat(500_000)}1]}`;
  const place = `${url}/api/v1/tenants/default/endpoints`;
  const response = await fetch(place, { method: 'POST', headers, body });
  expect(await response.json()).toMatchObject({ code: 'invalid_request' });
});

test('what nobody expected is 500, logged with the request id, and says nothing', async () => {
  const metrics = async () => {
    throw new Error('password is hunter2');
  };
  const { url, logged } = await startServer({ metrics });
  const response = await fetch(`${url}/metrics`, { headers: { 'x-request-id': 'abc' } });
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain('hunter2');
  expect(logged).toEqual([
    { level: 'error', fields: expect.objectContaining({ requestId: 'abc' }) },
  ]);
});

test('a foreign-looking request id is replaced', async () => {
  const { url } = await startServer();
  const response = await fetch(`${url}/healthz`, { headers: { 'x-request-id': 'a b;"' } });
  expect(response.headers.get('x-request-id')).toMatch(/^req_/);
});

test('an id that cannot exist looks like one that does not', async () => {
  const { url, adminKey } = await startServer();
  const headers = { authorization: `Bearer ${adminKey}` };
  for (const id of ['ep_1', 'x', `${ENDPOINT}'`]) {
    const place = `${url}/api/v1/tenants/default/endpoints/${id}`;
    expect((await fetch(place, { headers })).status).toBe(404);
  }
});
