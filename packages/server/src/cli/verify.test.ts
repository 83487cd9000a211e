import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { printed } from './printed.suite.ts';
import { type TriggerInput, trigger } from './trigger.ts';
import { type VerifyInput, verify } from './verify.ts';

/** `posthorn verify` of requests that `posthorn trigger` made, and of others. */

const NOW = new Date('2026-01-02T03:04:05.678Z');
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const OTHER = 'whsec_AAAA9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

async function request(options: Partial<TriggerInput> = {}): Promise<Buffer> {
  const input: TriggerInput = {
    ...{ type: 'user.created', data: '{"id":1}', to: undefined, print: true, dialect: 'standard' },
    ...{ secret: SECRET, subject: undefined, actor: undefined, context: undefined, id: 'evt_1' },
    ...{ tenant: 'default', method: 'POST', headers: [], standardHeaders: false },
    ...{ custom: undefined, now: NOW },
    ...options,
  };
  return (await printed((output) => trigger(input, output))).bytes;
}

function run(bytes: Buffer | string, options: Partial<VerifyInput> = {}, json = false) {
  const file = join(tmpdir(), `posthorn-verify-${process.pid}.http`);
  writeFileSync(file, bytes);
  const input: VerifyInput = {
    ...{ file, headers: [], secrets: [SECRET], scheme: undefined, receivedAt: undefined },
    ...{ toleranceS: 300, now: NOW },
    ...options,
  };
  return printed((output) => verify(input, output), { json });
}

test('a request that holds: by whom, since when, and what it is', async () => {
  const { exitCode, out } = await run(await request());
  expect(exitCode).toBe(0);
  expect(out.split('\n')).toEqual([
    'valid   It holds: signed as standard signs, 0 s before it arrived.',
    'sender  standard',
    'type    user.created',
    'id      evt_1',
    '',
  ]);
});

test('the same for programs', async () => {
  const { out } = await run(await request(), { secrets: [OTHER, SECRET] }, true);
  expect(JSON.parse(out)).toEqual({
    ...{ state: 'valid', scheme: 'standard', secret: 1, code: null, hint: null },
    reason: expect.stringContaining('It holds'),
    ...{ sender: 'standard', type: 'user.created', id: 'evt_1' },
  });
});

test.each<[string, (bytes: Buffer) => Buffer, Partial<VerifyInput>, RegExp]>([
  ['another secret', (b) => b, { secrets: [OTHER] }, /the secret does not fit/],
  ['a body printed anew', changed('{"id":1}', '{"id": 1}'), {}, /does not fit|other bytes/],
  [
    'an old time',
    (b) => b,
    { receivedAt: '2026-01-02T04:04:05Z' },
    /made 3600 s before it arrived/,
  ],
  ['a time ahead', (b) => b, { receivedAt: '2026-01-02T02:04:05Z' }, /3600 s ahead/],
  ['no secret', (b) => b, { secrets: [] }, /there is no secret to check it with/],
  ['no signature', () => Buffer.from('POST / HTTP/1.1\n\n{}'), {}, /There is no signature/],
])('%s is 1, and says so', async (_, change, options, message) => {
  const { exitCode, out } = await run(change(await request()), options);
  expect(exitCode).toBe(1);
  expect(out).toMatch(message);
});

function changed(from: string, to: string) {
  return (bytes: Buffer) =>
    Buffer.from(
      bytes
        .toString()
        .replace(from, to)
        .replace(/Content-Length: .*\r\n/, ''),
    );
}

test('an old request holds as of when it arrived, or at any time', async () => {
  const late = { now: new Date('2027-01-01T00:00:00Z') };
  const bytes = await request();
  const old = await run(bytes, late);
  expect(old).toMatchObject({ exitCode: 1, err: expect.stringContaining('--any-time') });
  expect((await run(bytes, { ...late, receivedAt: '2026-01-02T03:05:00Z' })).exitCode).toBe(0);
  expect((await run(bytes, { ...late, toleranceS: undefined })).exitCode).toBe(0);
});

test('a body alone, with its headers beside it', async () => {
  const bytes = await request({ dialect: 'logto', type: 'User.Created', secret: 'x'.repeat(32) });
  const [head = '', body = ''] = bytes.toString().split('\r\n\r\n');
  const signature = head.split('\r\n').filter((line) => line.startsWith('logto-signature'));
  const options = { headers: signature, secrets: ['x'.repeat(32)] };
  expect((await run(body, options)).out).toMatch(/^valid +It holds: signed as logto signs/);
});

test.each<[string, string, Partial<VerifyInput>, RegExp]>([
  ['no request', '{}', {}, /does not begin with a request line/],
  ['no file', '', { file: '/does/not/exist' }, /cannot be read: ENOENT/],
  ['no header', '{}', { headers: ['x'] }, /is not "Name: value"/],
  ['no time', 'POST / HTTP/1.1\n\n', { receivedAt: 'now' }, /is not an RFC 3339 time/],
  ['no scheme', 'POST / HTTP/1.1\n\n', { scheme: 'morse' }, /--scheme: it is one of/],
])('%s is 2', async (_, bytes, options, message) => {
  const { exitCode, out, err } = await run(bytes, options);
  expect({ exitCode, out }).toEqual({ exitCode: 2, out: '' });
  expect(err).toMatch(message);
});
