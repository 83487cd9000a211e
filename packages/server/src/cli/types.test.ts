import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createOutput } from './output.ts';
import { type TypesInput, types } from './types.ts';

const DOCUMENT = { $defs: { 'user.created': { type: 'object', properties: { id: {} } } } };

let directory: string;
let url: string;
let requests: { url: string | undefined; key: string | undefined }[];
let respond: (req: IncomingMessage, res: ServerResponse) => void;
const server = createServer((req, res) => {
  requests.push({ url: req.url, key: req.headers.authorization });
  respond(req, res);
});

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'posthorn-types-'));
  requests = [];
  respond = (_, res) => res.setHeader('connection', 'close').end(JSON.stringify(DOCUMENT));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(directory, { recursive: true });
});

async function run(input: Partial<TypesInput> = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const output = createOutput({
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    json: false,
    colors: false,
  });
  const whole: TypesInput = {
    from: undefined,
    out: undefined,
    schemas: false,
    url,
    tenant: 'default',
    key: 'phk_k',
    ...input,
  };
  return { exitCode: await types(whole, output), out: out.join(''), err: err.join('') };
}

test("prints the types of the tenant's catalogue, asked for with the key", async () => {
  const { exitCode, out } = await run({ tenant: 'a b' });
  expect(exitCode).toBe(0);
  expect(out).toContain('export interface UserCreated {');
  expect(requests).toEqual([
    { url: '/api/v1/tenants/a%20b/catalogue/export', key: 'Bearer phk_k' },
  ]);
});

test('writes a file whole, and names its source without the query', async () => {
  const file = join(directory, 'events.ts');
  const { exitCode, out } = await run({ from: `${url}/c.json?token=secret`, out: file });
  expect({ exitCode, out }).toEqual({ exitCode: 0, out: `${file}: 1 event types\n` });
  const text = readFileSync(file, 'utf8');
  expect(text).toContain(`from ${url}/c.json: run it again`);
  expect(text).not.toContain('secret');
  expect(readdirSync(directory)).toEqual(['events.ts']);
});

test('gives the key to nobody else', async () => {
  const { exitCode } = await run({ from: `${url}/c.json`, url: 'http://posthorn.example' });
  expect(exitCode).toBe(0);
  expect(requests[0]?.key).toBeUndefined();
});

test('follows no redirect with the key', async () => {
  respond = (_, res) => res.writeHead(302, { location: '/elsewhere', connection: 'close' }).end();
  const { exitCode, err } = await run();
  expect(exitCode).toBe(1);
  expect(err).toContain('cannot be reached');
  expect(requests).toHaveLength(1);
});

test('reads a file', async () => {
  const file = join(directory, 'catalogue.json');
  writeFileSync(file, JSON.stringify(DOCUMENT));
  expect((await run({ from: file, schemas: true })).out).toContain('jsonSchema<UserCreated>');
});

test.each([
  [401, /401: set POSTHORN_KEY/],
  [404, /the answer is 404/],
  [200, /is not JSON/],
])('says why there are none, when the answer is %i', async (status, message) => {
  respond = (_, res) => res.writeHead(status, { connection: 'close' }).end('<html>');
  const { exitCode, err, out } = await run();
  expect({ exitCode, out }).toEqual({ exitCode: 1, out: '' });
  expect(err).toMatch(message);
});

test('says what a document lacks, and what a missing file is', async () => {
  respond = (_, res) => res.setHeader('connection', 'close').end('{"openapi":"3.1.0"}');
  expect((await run()).err).toContain('no webhooks (OpenAPI 3.1)');
  expect((await run({ from: join(directory, 'none.json') })).err).toContain('ENOENT');
});
