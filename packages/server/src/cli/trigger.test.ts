import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DialectName, dialects, importSecret, verify } from '@posthorn/wire';
import { presets } from '@posthorn/wire/catalogue';
import { expect, onTestFinished, test } from 'vitest';
import { printed } from './printed.suite.ts';
import { type HttpMessage, parseMessage } from './request/http-message.ts';
import { type TriggerInput, trigger } from './trigger.ts';

/** `posthorn trigger` up to the bytes that a receiver gets. */

const NOW = new Date('2026-01-02T03:04:05.678Z');
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

function run(type: string, options: Partial<TriggerInput> = {}, json = false) {
  const input: TriggerInput = {
    ...{ type, data: undefined, to: undefined, print: false, dialect: 'standard', secret: SECRET },
    ...{ subject: undefined, actor: undefined, context: undefined, id: undefined },
    ...{ tenant: 'default', method: 'POST', headers: [], standardHeaders: false },
    ...{ custom: undefined, now: NOW },
    ...options,
  };
  return printed((output) => trigger(input, output), { json });
}

async function made(type: string, options: Partial<TriggerInput> = {}): Promise<HttpMessage> {
  const { exitCode, err, bytes } = await run(type, options);
  expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
  return parseMessage(bytes);
}

/** Keeps the bytes that arrive, and answers as told. */
async function startReceiver(answer: string) {
  const requests: Buffer[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (bytes) => {
      requests.push(bytes);
      socket.end(answer);
    });
  });
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return { url: `http://127.0.0.1:${port}/hooks?a=1`, host: `127.0.0.1:${port}`, requests };
}

const headerOf = ({ headers }: HttpMessage, name: string) =>
  headers.find((header) => header.name === name)?.value ?? '';

test('a receiver gets exactly the request that an endpoint would get', async () => {
  const receiver = await startReceiver('HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok');
  const options = { to: receiver.url, data: '{"n": 1.0}', id: 'evt_1', headers: ['X-A: b'] };
  const { exitCode, out } = await run('a.b', options);
  expect(exitCode).toBe(0);
  expect(out).toMatch(/^201 Created in \d+ ms\nok\n$/);
  const [request] = receiver.requests;
  const text = String(request);
  const body = '{"type":"a.b","timestamp":"2026-01-02T03:04:05.678Z","data":{"n": 1.0}}';
  expect(text.split('\r\n')).toEqual([
    'POST /hooks?a=1 HTTP/1.1',
    `Host: ${receiver.host}`,
    'Content-Type: application/json',
    expect.stringMatching(/^User-Agent: Posthorn\//),
    'webhook-id: evt_1',
    'webhook-timestamp: 1767323045',
    expect.stringMatching(/^webhook-signature: v1,/),
    'X-A: b',
    `Content-Length: ${body.length}`,
    '',
    body,
  ]);
  const message = parseMessage(request ?? Buffer.alloc(0));
  expect(
    verify({
      id: 'evt_1',
      timestamp: headerOf(message, 'webhook-timestamp'),
      signature: headerOf(message, 'webhook-signature'),
      body: message.body,
      keys: [importSecret('key', SECRET)],
      nowS: NOW.getTime() / 1000,
    }),
  ).toMatchObject({ ok: true });
});

test.each(Object.values(presets))(
  'every event of $name is one that its format can send',
  async (preset) => {
    for (const { name: type } of preset.eventTypes) {
      const message = await made(type, { dialect: preset.name, secret: SECRET });
      const { method, headers, body } = message;
      expect(dialects[preset.name].parse({ method, headers, body }).type).toBe(type);
    }
  },
);

test('a secret is made where one is needed, and told; where none is, none is', async () => {
  const signed = await run('User.Created', { dialect: 'logto', secret: undefined });
  expect(signed.err).toMatch(/^Signed with a new secret, [0-9A-Za-z]{32}: give yours/);
  expect((await run('add-user', { dialect: 'casdoor', secret: undefined })).err).toBe('');
  const json = await run('a.b', { secret: undefined }, true);
  expect(JSON.parse(json.out)).toMatchObject({
    type: 'a.b',
    secret: expect.stringMatching(/^whsec_/),
  });
});

test('data comes from a file; subject, actor and context are shown where the format has a place', async () => {
  const file = join(tmpdir(), `posthorn-trigger-${process.pid}.json`);
  writeFileSync(file, '{"id": 7}');
  const options: Partial<TriggerInput> = {
    ...{ dialect: 'casdoor', data: `@${file}`, subject: 's', actor: '{"name":"alice"}' },
    ...{ context: '{"clientIp":"192.0.2.1"}', tenant: 'acme' },
  };
  const { body } = await made('add-user', options);
  expect(JSON.parse(body.toString())).toMatchObject({
    ...{ action: 'add-user', organization: 'acme', clientIp: '192.0.2.1' },
    ...{ object: '{"id": 7}', extendedUser: { name: 'alice' } },
  });
});

test('a format of one’s own takes what it leaves out from the same defaults as an endpoint', async () => {
  const signature = { header: 'X-Sig', algorithm: 'hmac-sha256', encoding: 'hex' };
  const custom = JSON.stringify({ body: 'data', typeHeader: 'X-Type', signature });
  const message = await made('a.b', { dialect: 'custom', custom, data: '[1]', secret: 'abc' });
  expect(message.body.toString()).toBe('[1]');
  expect(headerOf(message, 'X-Type')).toBe('a.b');
  expect(headerOf(message, 'X-Sig')).toMatch(/^[0-9a-f]{64}$/);
});

test('an answer that is no success, and none at all, are failures; a redirect is not followed', async () => {
  const receiver = await startReceiver(
    'HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n',
  );
  expect(await run('a.b', { to: receiver.url })).toMatchObject({
    exitCode: 1,
    out: expect.stringMatching(/^302 Found in/),
  });
  expect(receiver.requests).toHaveLength(1);
  expect(await run('a.b', { to: 'http://127.0.0.1:1/' })).toMatchObject({
    exitCode: 1,
    out: '',
    err: expect.stringContaining('No answer from http://127.0.0.1:1/'),
  });
});

test.each<[string, string, Partial<TriggerInput>, RegExp]>([
  ['a type', 'no type', {}, /"no type" is not an event type/],
  ['a URL', 'a.b', { to: 'localhost:3000' }, /--to: .* is not an http or https URL/],
  ['data', 'a.b', { data: '{' }, /^data: /],
  ['a file', 'a.b', { data: '@/does/not/exist' }, /The data cannot be read: ENOENT/],
  ['an actor', 'a.b', { actor: '[]' }, /--actor: it must be a JSON object/],
  ['an id', 'a.b', { id: 'a b' }, /--id: /],
  ['a secret', 'a.b', { secret: 'whsec_short' }, /^--secret: /],
  ['a reserved header', 'a.b', { headers: ['webhook-id: 1'] }, /--header: .*reserved/],
  [
    'a header of the format',
    'User.Created',
    { dialect: 'logto', headers: ['Logto-Signature-SHA-256: x'] },
    /--header: /,
  ],
  ['no header', 'a.b', { headers: ['x'] }, /is not "Name: value"/],
  ['no format', 'a.b', { dialect: 'custom' }, /needs its format/],
  ['a format', 'a.b', { dialect: 'custom', custom: '{"idHeader":"Host"}' }, /--custom: idHeader: /],
  ['a format’s form', 'a.b', { dialect: 'custom', custom: '{"boby":1}' }, /--custom: /],
  ['a format elsewhere', 'a.b', { custom: '{}' }, /only with --dialect custom/],
])('refuses %s that cannot be used, and sends nothing', async (_, type, options, message) => {
  const { exitCode, out, err, bytes } = await run(type, options);
  expect({ exitCode, out, bytes: bytes.length }).toEqual({ exitCode: 2, out: '', bytes: 0 });
  expect(err).toMatch(message);
});

test.each(Object.keys(dialects).filter((name) => name !== 'custom') as DialectName[])(
  '%s can have the standard headers beside its own',
  async (dialect) => {
    const message = await made('a.b', { dialect, standardHeaders: true, secret: SECRET });
    expect(headerOf(message, 'webhook-signature')).toMatch(/^v1,/);
  },
);
