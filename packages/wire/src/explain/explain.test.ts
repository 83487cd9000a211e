import { expect, test } from 'vitest';
import { headerBag } from '../header-bag.ts';
import * as schemes from '../schemes/index.ts';
import type { Scheme } from '../schemes/scheme.ts';
import { explainSignature, type SignatureReport } from './index.ts';

const NOW = Date.UTC(2030, 0, 1);
const BODY = '{"type": "user.created", "data": {"id": 10000000000000000001}}';
const TEXT = 'this-is-a-secret-of-32-characters';
const STANDARD = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const HEX = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff';

interface Signed {
  readonly scheme?: Scheme;
  readonly secret?: string;
  /** What was signed; else what arrives. */
  readonly signed?: string;
  readonly body?: string;
  readonly agoS?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly url?: string;
}

async function explain(
  of: Signed,
  secrets: readonly string[],
  scheme?: string,
): Promise<SignatureReport> {
  const { body = BODY, signed = body, secret = TEXT, agoS = 0, url = '/in/x' } = of;
  const at = new Date(NOW - agoS * 1000);
  const headers = await of.scheme?.sign({ raw: Buffer.from(signed), id: 'msg_1', at, secret });
  const bag = headerBag({ ...headers, ...of.headers });
  const request = { raw: Buffer.from(body), headers: bag, url, method: 'POST' };
  const { signer: _, ...report } = await explainSignature(request, {
    secrets,
    scheme,
    nowS: NOW / 1000,
  });
  return report;
}

test.each([
  ['standard', schemes.standard(), STANDARD],
  ['standard', schemes.standard({ prefixes: ['svix'] }), STANDARD],
  ['stripe', schemes.stripe(), STANDARD],
  ['github', schemes.github(), TEXT],
  ['slack', schemes.slack(), TEXT],
  ['shopify', schemes.shopify(), TEXT],
  ['gitlab', schemes.gitlab(), TEXT],
  ['logto', schemes.logto(), TEXT],
  ['ferriskey', schemes.ferriskey(), HEX],
])('%s is told by its headers and holds with its secret', async (name, scheme, secret) => {
  expect(await explain({ scheme, secret }, [])).toMatchObject({
    state: 'unchecked',
    scheme: name,
  });
  const report = await explain({ scheme, secret }, ['another-secret-of-the-inbox', secret]);
  expect(report).toMatchObject({ state: 'valid', scheme: name, secret: 1, hint: undefined });
  expect(await explain({ scheme, secret }, ['another-secret-of-the-inbox'])).toMatchObject({
    state: 'invalid',
    scheme: name,
    code: expect.stringMatching(/signature_mismatch|invalid_secret/),
  });
});

test.each([
  ['its hexadecimal digits', schemes.logto(), `hex:${HEX}`, HEX, 'hex:'],
  ['a line break at its end', schemes.logto(), TEXT, `${TEXT}\n`, 'trim'],
  [
    'Base64',
    schemes.github(),
    'base64:MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    STANDARD.slice(6),
    'base64:',
  ],
  [
    'a prefix that is no prefix',
    schemes.shopify(),
    `raw:${STANDARD.slice(6)}`,
    STANDARD,
    'not decoded',
  ],
])('a secret mistaken for %s is read as it was meant', async (_, scheme, secret, given, hint) => {
  expect(await explain({ scheme, secret }, [given])).toMatchObject({
    state: 'valid',
    hint: expect.stringContaining(hint),
  });
});

test.each([
  ['white space was added', BODY.replaceAll(' ', ''), BODY],
  ['printed again', '{"a":1}', '{\n  "a": 1\n}'],
  ['Python', '{"a": 1, "b": ["\\u00e4", 2]}', '{"a":1,"b":["ä",2]}'],
  ['indent', '{\n  "a": 1\n}', '{"a":1}'],
  ['line break was added', '{"a":1}', '{"a":1}\n'],
  ['was cut off', '{"a":1}\n', '{"a":1}'],
  ['became CRLF', 'a\nb', 'a\r\nb'],
  ['byte order mark', '{"a":1}', '\uFEFF{"a":1}'],
])('a body changed after signing is found out: %s', async (what, signed, body) => {
  expect(await explain({ scheme: schemes.github(), signed, body }, [TEXT])).toMatchObject({
    state: 'invalid',
    code: 'signature_mismatch',
    reason: expect.stringContaining(what),
  });
});

test('an old signature that fits is said to be old', async () => {
  const report = await explain({ scheme: schemes.stripe(), agoS: 412 }, [TEXT]);
  expect(report).toMatchObject({ state: 'invalid', code: 'timestamp_too_old' });
  expect(report.reason).toContain('412 s');
  const ahead = await explain({ scheme: schemes.stripe(), agoS: -412 }, [TEXT]);
  expect(ahead.code).toBe('timestamp_in_future');
});

test.each([
  [
    'HMAC-SHA-512 of the body, as base64, in the header x-mine',
    schemes.hmac({ header: 'x-mine', algo: 'sha512', encoding: 'base64' }),
  ],
  [
    'HMAC-SHA-256 of the value of x-time, a dot and the body, as hex, in the header x-sig',
    schemes.hmac({ header: 'x-sig', prefix: 'v1=', timestampHeader: 'x-time' }),
  ],
  [
    'the secret itself, in the header authorization',
    schemes.header({ name: 'authorization', prefix: 'Bearer ' }),
  ],
])('a sender nobody knows signs with: %s', async (what, scheme) => {
  expect(await explain({ scheme }, [TEXT])).toMatchObject({
    state: 'valid',
    reason: expect.stringContaining(what),
  });
});

test('a secret in the URL is found', async () => {
  expect(await explain({ url: `/in/x/${TEXT}` }, [TEXT])).toMatchObject({
    state: 'valid',
    scheme: 'url',
  });
});

test('what nobody signed is unsigned, and what looks signed is unchecked', async () => {
  expect((await explain({}, [TEXT])).state).toBe('unsigned');
  expect((await explain({}, [])).state).toBe('unsigned');
  const headers = { 'x-acme-signature': 'abc' };
  expect(await explain({ headers }, [])).toMatchObject({
    state: 'unchecked',
    reason: expect.stringContaining('x-acme-signature'),
  });
});

test('a chosen scheme is the only one that counts', async () => {
  const of = { scheme: schemes.github() };
  expect(await explain(of, [TEXT], 'stripe')).toMatchObject({ state: 'unsigned' });
  expect(await explain(of, [TEXT], 'github')).toMatchObject({ state: 'valid' });
});

test('a broken claim says what is broken about it, whatever the secret', async () => {
  const headers = { 'x-slack-signature': 'v0=00' };
  expect(await explain({ headers }, [])).toMatchObject({
    state: 'invalid',
    code: 'timestamp_missing',
    reason: expect.stringContaining('x-slack-request-timestamp'),
  });
});

test('no report repeats the secret', async () => {
  for (const secret of ['shrt!', `${TEXT} `, 'hex:zz', TEXT]) {
    const report = await explain({ scheme: schemes.github(), secret: `${TEXT}2` }, [secret]);
    expect(JSON.stringify(report)).not.toContain(secret);
  }
});
