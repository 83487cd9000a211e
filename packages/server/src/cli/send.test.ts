import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createOutput } from './output.ts';
import { type SendInput, send } from './send.ts';

const ACCEPTED = { id: `evt_${'0'.repeat(26)}`, deliveries: 2, duplicate: false };

let requests: { url: string | undefined; key: string | undefined; body: unknown }[];
let answer: { status: number; body: unknown };
let url: string;
const server = createServer((req, res) => {
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.on('end', () => {
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
    requests.push({ url: req.url, key: req.headers.authorization, body });
    const type = answer.status < 400 ? 'application/json' : 'application/problem+json';
    res.writeHead(answer.status, { 'content-type': type, connection: 'close' });
    res.end(JSON.stringify(answer.body));
  });
});

beforeEach(async () => {
  requests = [];
  answer = { status: 202, body: ACCEPTED };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  if (server.listening) await new Promise((resolve) => server.close(resolve));
});

async function run(input: Partial<SendInput> = {}, json = false) {
  const out: string[] = [];
  const err: string[] = [];
  const output = createOutput({
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    json,
    colors: false,
  });
  const whole: SendInput = {
    type: 'user.created',
    data: undefined,
    id: undefined,
    tenant: 'default',
    url,
    key: 'phk_k',
    ...input,
  };
  const exitCode = await send(whole, output);
  return { exitCode, out: out.join(''), err: err.join('') };
}

test('posts the event with the key and prints its id', async () => {
  expect(await run({ data: '{"a":1}', id: '7', tenant: 'acme' })).toEqual({
    exitCode: 0,
    out: `${ACCEPTED.id} to 2 endpoints\n`,
    err: '',
  });
  expect(requests).toEqual([
    {
      url: '/api/v1/tenants/acme/events',
      key: 'Bearer phk_k',
      body: { type: 'user.created', data: { a: 1 }, id: '7' },
    },
  ]);
});

test('prints the answer with --json', async () => {
  expect(JSON.parse((await run({}, true)).out)).toEqual(ACCEPTED);
  expect(requests[0]?.body).toEqual({ type: 'user.created', data: {} });
});

test('reads data from a file', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-send-'));
  try {
    writeFileSync(join(directory, 'user.json'), '[1]');
    await run({ data: `@${directory}/user.json` });
    expect(requests[0]?.body).toMatchObject({ data: [1] });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('ends with 2 and sends nothing when the data is no JSON or the key is missing', async () => {
  expect(await run({ data: '{a' })).toMatchObject({ exitCode: 2, out: '' });
  expect(await run({ data: '@missing' })).toMatchObject({ exitCode: 2 });
  expect(await run({ key: undefined })).toMatchObject({ exitCode: 2 });
  expect(requests).toEqual([]);
});

test('ends with 1 and says why when the server refuses', async () => {
  const detail = 'The key does not exist.';
  answer = { status: 401, body: { type: 'about:blank', title: 'x', status: 401, detail } };
  const { exitCode, err } = await run();
  expect(exitCode).toBe(1);
  expect(err).toContain('Refused (401)');
});

test('ends with 1 when nobody listens', async () => {
  await new Promise((resolve) => server.close(resolve));
  const { exitCode, err } = await run();
  expect(exitCode).toBe(1);
  expect(err).toMatch(/Cannot reach http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/);
});
