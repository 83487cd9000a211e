import { expect, test } from 'vitest';
import { StoreError } from '../store/store.ts';
import { exchange, type Harness, startServer } from './harness.suite.ts';
import type { Publisher } from './ports.ts';

interface Post {
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Record<string, string>;
  readonly path?: string;
}

async function post(server: Harness, { body, headers = {}, path = 'default/events' }: Post) {
  const response = await fetch(`${server.url}/api/v1/tenants/${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${server.adminKey}`,
      'content-type': 'application/json',
      ...headers,
    },
    body,
  });
  return { response, json: (await response.json()) as Record<string, unknown> };
}

const EVENT = '{"type":"user.created","data":{"n":1.0}}';

test('an event is answered with its id and how many it goes to', async () => {
  const server = await startServer();
  await server.admin.createEndpoint({ tenant: 'default', body: { url: 'https://example.com' } });
  const { response, json } = await post(server, { body: EVENT });
  expect(response.status).toBe(202);
  expect(json).toEqual({ id: expect.stringMatching(/^evt_/), deliveries: 1, duplicate: false });
  expect(response.headers.get('x-request-id')).toMatch(/^req_/);
  expect(response.headers.get('cache-control')).toBe('no-store');
});

test('an array is answered with an array, of one too', async () => {
  const server = await startServer();
  for (const count of [1, 3]) {
    const { json } = await post(server, { body: `[${Array(count).fill(EVENT).join(',')}]` });
    expect(json).toHaveLength(count);
  }
});

test('the same id and bytes give the first answer again; other bytes are a conflict', async () => {
  const server = await startServer();
  const first = await post(server, { body: '{"type":"a","id":"1","data":1}' });
  const second = await post(server, { body: '{"type":"a","id":"1","data":1}' });
  expect(second.json).toEqual({ ...first.json, duplicate: true });
  const other = await post(server, { body: '[{"type":"b"},{"type":"a","id":"1","data":2}]' });
  expect(other.response.status).toBe(409);
  expect(other.json).toMatchObject({ code: 'idempotency_conflict', index: 1 });
});

test('Idempotency-Key is the id', async () => {
  const server = await startServer();
  const headers = { 'idempotency-key': 'k1' };
  const first = await post(server, { body: EVENT, headers });
  const second = await post(server, { body: EVENT, headers });
  expect(second.json).toEqual({ ...first.json, duplicate: true });
  const { items } = await server.admin.listEvents({ tenant: 'default', idempotencyKey: 'k1' });
  expect(items.map((event) => event.id)).toEqual([first.json['id']]);
});

test.each([
  ['{"type":"a","id":"other"}', 'k1'],
  ['[{"type":"a"}]', 'k1'],
  ['{"type":"a"}', 'k 1'],
  ['{"type":"a"}', ''],
  ['{"type":"a"}', 'k'.repeat(129)],
])('%s with the Idempotency-Key %j is refused', async (body, key) => {
  const server = await startServer();
  const { response, json } = await post(server, { body, headers: { 'idempotency-key': key } });
  expect(response.status).toBe(400);
  expect(json).toMatchObject({ code: 'invalid_request', field: 'Idempotency-Key' });
});

test.each([
  ['', 400, 'invalid_json'],
  ['{"type":"a"', 400, 'invalid_json'],
  ['{}', 400, 'invalid_request'],
  ['{"type":"a","typo":1}', 400, 'invalid_request'],
  ['{"type":"a","type":"b"}', 400, 'invalid_request'],
  [`{"type":"a","data":"${'x'.repeat(1_048_576)}"}`, 413, 'payload_too_large'],
  [`[${'{"type":"a"},'.repeat(500)}{"type":"a"}]`, 400, 'invalid_request'],
])('a body like that is refused (%#)', async (body, status, code) => {
  const server = await startServer();
  const { response, json } = await post(server, { body });
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(json).toMatchObject({ code, status });
});

test('the answer names the index and the field', async () => {
  const server = await startServer();
  const { json } = await post(server, { body: '[{"type":"a"},{"type":"-"}]' });
  expect(json).toMatchObject({ index: 1, field: 'type' });
});

test.each([
  [{ 'content-type': 'text/plain' }, 'unsupported_media_type'],
  [{ 'content-type': 'application/jsonx' }, 'unsupported_media_type'],
  [{ 'content-encoding': 'gzip' }, 'unsupported_encoding'],
])('the headers %j are refused', async (headers, code) => {
  const server = await startServer();
  const { response, json } = await post(server, { body: EVENT, headers });
  expect(response.status).toBe(415);
  expect(json['code']).toBe(code);
});

test.each([
  [{ 'content-type': 'application/json; charset=utf-8' }],
  [{ 'content-type': 'application/cloudevents+json' }],
  [{ 'content-encoding': 'identity' }],
])('the headers %j are taken', async (headers) => {
  const server = await startServer();
  expect((await post(server, { body: EVENT, headers })).response.status).toBe(202);
});

test('a query is refused, not ignored', async () => {
  const server = await startServer();
  const { response } = await post(server, { body: EVENT, path: 'default/events?dry=1' });
  expect(response.status).toBe(400);
});

test('a tenant that does not exist is 404, however it is spelled', async () => {
  const server = await startServer();
  for (const tenant of ['nobody', '%64efault', '..%2f', '-']) {
    const { response } = await post(server, { body: EVENT, path: `${tenant}/events` });
    expect(response.status).toBe(404);
  }
});

test.each([
  [new StoreError('full', 'no space'), 507, 'disk_full'],
  [new StoreError('capped', 'as large as it may be'), 507, 'store_full'],
  [new StoreError('capping', 'as large as it may be'), 429, 'overloaded'],
  [new StoreError('unavailable', 'locked'), 503, 'store_unavailable'],
  [new Error('secret detail'), 500, 'internal'],
])('a publisher that fails with %s is answered %i', async (error, status, code) => {
  const publisher: Publisher = { publish: () => Promise.reject(error) };
  const server = await startServer({ publisher });
  const { response, json } = await post(server, { body: EVENT });
  expect(response.status).toBe(status);
  expect(json['code']).toBe(code);
  expect(JSON.stringify(json)).not.toContain('secret detail');
});

test('a body of exactly 8 MiB is read, one byte more is not', async () => {
  const server = await startServer();
  const limit = 8_388_608;
  const fits = new Uint8Array(limit).fill(0x20);
  expect((await post(server, { body: fits })).json).toMatchObject({ code: 'invalid_json' });
  const over = new Uint8Array(limit + 1).fill(0x20);
  const { response, json } = await post(server, { body: over });
  expect(response.status).toBe(413);
  expect(json['code']).toBe('payload_too_large');
});

test('a client that goes away in its body leaves the server serving', async () => {
  const server = await startServer();
  const head = `POST /api/v1/tenants/default/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${server.adminKey}\r\nContent-Length: 100\r\n\r\n{`;
  const { connect } = await import('node:net');
  const socket = connect(server.port, '127.0.0.1');
  socket.write(head, () => socket.destroy());
  await new Promise((resolve) => socket.once('close', resolve));
  expect((await post(server, { body: EVENT })).response.status).toBe(202);
});

test('a body that comes in pieces is put together', async () => {
  const server = await startServer();
  const chunks = [...EVENT].map((char) => `1\r\n${char}\r\n`).join('');
  const head = `POST /api/v1/tenants/default/events HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer ${server.adminKey}\r\nTransfer-Encoding: chunked\r\n\r\n`;
  const answer = await exchange(server.port, `${head}${chunks}0\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1.1 202 /);
});
