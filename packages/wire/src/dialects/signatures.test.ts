import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { CustomFormat, CustomSignature } from '../custom-format.ts';
import type { DialectName } from '../message.ts';
import * as schemes from '../schemes/index.ts';
import type { Scheme } from '../schemes/scheme.ts';
import { importSecret } from '../secret-kind.ts';
import { createVerifier } from '../verifier.ts';
import type { WebhookErrorCode } from '../webhook-error.ts';
import { PLAIN } from './golden.suite.ts';
import { dialects } from './index.ts';

/**
 * `fixtures/dialect-signatures.json` is for everybody who verifies what the signing dialects send, as
 * `signature-vectors.json` is for Standard Webhooks. It is computed here with node:crypto alone; then
 * each dialect must send what is valid, and the receivers' schemes must tell valid from invalid
 * (`npx vitest run packages/wire/src/dialects/signatures -u` writes it anew).
 */

interface Vector {
  readonly format: string;
  readonly name: string;
  readonly secret: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly bodyBase64: string;
  readonly nowS: number;
  readonly expect: 'ok' | WebhookErrorCode;
}

const FILE = '../../fixtures/dialect-signatures.json';
const T = 1_773_757_800;
const ID = 'evt_06cj8h2f7s5t9v1x3z5b7d9f0g';
const BODY = Buffer.from('{"event":"user.created","data":{"name":"Jürgen 😀"}}');

/** A way of signing: how a receiver computes it, which dialect sends it, which scheme checks it. */
interface Format {
  readonly dialect: DialectName;
  readonly custom: CustomFormat | null;
  readonly scheme: () => Scheme;
  readonly secret: string;
  readonly encoding: 'hex' | 'base64' | 'base64url';
  readonly hash: string;
  /** What the header holds, of the signature and the timestamp. */
  readonly header: (signature: string, timestamp: string) => readonly [string, string];
  readonly timestampHeader: string | undefined;
  readonly timed: boolean;
  readonly content: (body: Buffer, timestamp: string) => Buffer;
}

const HMAC = { dialect: 'custom', encoding: 'hex', hash: 'sha256' } as const;
const bodyAlone = (body: Buffer) => body;
const timeDotBody = (body: Buffer, time: string) => Buffer.concat([Buffer.from(`${time}.`), body]);

function custom(
  signature: Partial<CustomSignature>,
  more: Partial<CustomFormat> = {},
): CustomFormat {
  return {
    body: 'data',
    idHeader: null,
    typeHeader: null,
    timestampHeader: null,
    timestampFormat: 'seconds',
    signature: {
      header: 'x-signature',
      algorithm: 'hmac-sha256',
      encoding: 'hex',
      prefix: '',
      content: '{body}',
      ...signature,
    },
    ...more,
  };
}

const FORMATS: Readonly<Record<string, Format>> = {
  ferriskey: {
    ...HMAC,
    dialect: 'ferriskey',
    custom: null,
    scheme: schemes.ferriskey,
    secret: '5f2d8a0c4b7e913655aa10cc7f3be2d49d1e0f6a8b3c7d2e4f5061728394a5b6',
    header: (signature) => ['x-ferriskey-signature', signature],
    timestampHeader: 'x-ferriskey-timestamp',
    timed: true,
    content: timeDotBody,
  },
  logto: {
    ...HMAC,
    dialect: 'logto',
    custom: null,
    scheme: schemes.logto,
    secret: 'hPzbBTlXwVx4kLQ0nGq7RjYd2mS9cFuE',
    header: (signature) => ['logto-signature-sha-256', signature],
    timestampHeader: undefined,
    timed: false,
    content: bodyAlone,
  },
  'custom, as GitHub signs': {
    ...HMAC,
    custom: custom({ header: 'x-hub-signature-256', prefix: 'sha256=' }),
    scheme: schemes.github,
    secret: "It's a Secret to Everybody",
    header: (signature) => ['x-hub-signature-256', `sha256=${signature}`],
    timestampHeader: undefined,
    timed: false,
    content: bodyAlone,
  },
  'custom, as Stripe signs': {
    ...HMAC,
    custom: custom({
      header: 'stripe-signature',
      prefix: 't={timestamp},v1=',
      content: '{timestamp}.{body}',
    }),
    scheme: schemes.stripe,
    secret: 'whsec_Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFy',
    header: (signature, time) => ['stripe-signature', `t=${time},v1=${signature}`],
    timestampHeader: undefined,
    timed: true,
    content: timeDotBody,
  },
  'custom, as Slack signs': {
    ...HMAC,
    custom: custom(
      { header: 'x-slack-signature', prefix: 'v0=', content: 'v0:{timestamp}:{body}' },
      { timestampHeader: 'x-slack-request-timestamp' },
    ),
    scheme: schemes.slack,
    secret: '8f742231b10e8888abcd99yyyzzz85a5',
    header: (signature) => ['x-slack-signature', `v0=${signature}`],
    timestampHeader: 'x-slack-request-timestamp',
    timed: true,
    content: (body, time) => Buffer.concat([Buffer.from(`v0:${time}:`), body]),
  },
  'custom, as Shopify signs': {
    ...HMAC,
    encoding: 'base64',
    custom: custom({ header: 'x-shopify-hmac-sha256', encoding: 'base64' }),
    scheme: schemes.shopify,
    secret: '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',
    header: (signature) => ['x-shopify-hmac-sha256', signature],
    timestampHeader: undefined,
    timed: false,
    content: bodyAlone,
  },
  'custom, SHA-1': {
    ...HMAC,
    hash: 'sha1',
    custom: custom({ algorithm: 'hmac-sha1', prefix: 'sha1=' }),
    scheme: () => schemes.hmac({ header: 'x-signature', algo: 'sha1', prefix: 'sha1=' }),
    secret: 'an-old-contract-with-sha1',
    header: (signature) => ['x-signature', `sha1=${signature}`],
    timestampHeader: undefined,
    timed: false,
    content: bodyAlone,
  },
  'custom, SHA-512 in base64url': {
    ...HMAC,
    hash: 'sha512',
    encoding: 'base64url',
    custom: custom(
      { algorithm: 'hmac-sha512', encoding: 'base64url', content: '{timestamp}.{body}' },
      { timestampHeader: 'x-time' },
    ),
    scheme: () =>
      schemes.hmac({
        header: 'x-signature',
        algo: 'sha512',
        encoding: 'base64url',
        timestampHeader: 'x-time',
      }),
    secret: 'a contract with a long signature',
    header: (signature) => ['x-signature', signature],
    timestampHeader: 'x-time',
    timed: true,
    content: timeDotBody,
  },
};

/** Of one request; what differs from the good one is given. */
interface Change {
  readonly body?: Buffer;
  readonly signedBody?: Buffer;
  readonly time?: string;
  readonly signedTime?: string;
  readonly secret?: string;
  readonly nowS?: number;
  /** Changes the signature's text. */
  readonly alter?: (signature: string) => string;
  /** Changes the headers at last. */
  readonly reshape?: (headers: [string, string][]) => [string, string][];
}

function vectorsOf(label: string): Vector[] {
  const format = FORMATS[label] as Format;
  const make = (name: string, expected: Vector['expect'], change: Change = {}): Vector => {
    const { body = BODY, time = String(T), reshape = (headers) => headers } = change;
    const content = format.content(change.signedBody ?? body, change.signedTime ?? time);
    const signed = createHmac(format.hash, change.secret ?? format.secret).update(content);
    const signature = (change.alter ?? ((text) => text))(signed.digest(format.encoding));
    const headers: [string, string][] = [[...format.header(signature, time)]];
    if (format.timestampHeader) headers.unshift([format.timestampHeader, time]);
    return {
      format: label,
      name,
      secret: format.secret,
      headers: reshape(headers),
      bodyBase64: body.toString('base64'),
      nowS: change.nowS ?? T,
      expect: expected,
    };
  };
  const [header] = format.header('', String(T));
  const without = (name: string) => (headers: [string, string][]) =>
    headers.filter(([one]) => one !== name);
  const flip = (text: string) => (text.startsWith('a') ? `b${text.slice(1)}` : `a${text.slice(1)}`);
  const hex = format.encoding === 'hex';
  const vectors = [
    make('as sent', 'ok'),
    make('an empty body', 'ok', { body: Buffer.alloc(0) }),
    make('a body that is no text', 'ok', { body: Buffer.of(0x22, 0xff, 0xfe, 0x22) }),
    make('a body with NUL, CR and LF', 'ok', { body: Buffer.from('a\0\r\nb') }),
    make('a body with dots and colons', 'ok', { body: Buffer.from('1.2:3.{"a":1}') }),
    make('a body of 2 KiB', 'ok', { body: Buffer.alloc(2048, 'x') }),
    make('no signature header', 'missing_header', { reshape: without(header) }),
    make('another secret', 'signature_mismatch', { secret: `${format.secret}x` }),
    make('a secret without its last character', 'signature_mismatch', {
      secret: format.secret.slice(0, -1),
    }),
    make('another body', 'signature_mismatch', { signedBody: Buffer.from('{}') }),
    make('a body with a space more', 'signature_mismatch', { signedBody: Buffer.from(`${BODY} `) }),
    make('a body printed anew', 'signature_mismatch', {
      body: Buffer.from('{"a":1}'),
      signedBody: Buffer.from('{ "a": 1 }'),
    }),
    make('one character changed', 'signature_mismatch', { alter: flip }),
    make('one character less', 'signature_mismatch', { alter: (text) => text.slice(0, -1) }),
    make('one character more', 'signature_mismatch', { alter: (text) => `${text}0` }),
    make('half of it', 'signature_mismatch', { alter: (text) => text.slice(0, text.length / 2) }),
    make('nothing of it', 'signature_mismatch', { alter: () => '' }),
    make('zeros', 'signature_mismatch', { alter: (text) => '0'.repeat(text.length) }),
    make('a space before it', 'signature_mismatch', { alter: (text) => ` ${text}` }),
    make('letters in the other case', 'signature_mismatch', {
      alter: (text) => (hex ? text.toUpperCase() : text.toLowerCase()),
    }),
    make('the bytes in another encoding', 'signature_mismatch', {
      alter: (text) => Buffer.from(text, format.encoding).toString(hex ? 'base64' : 'hex'),
    }),
    make('another header with the same value', 'missing_header', {
      reshape: (headers) =>
        headers.map(([name, value]) => [name === header ? 'x-other' : name, value]),
    }),
  ];
  return format.timed ? [...vectors, ...timedVectors(make, format)] : vectors;
}

type Make = (name: string, expected: Vector['expect'], change?: Change) => Vector;

function timedVectors(make: Make, { timestampHeader }: Format): Vector[] {
  const gone = timestampHeader
    ? [
        make('no timestamp', 'timestamp_missing', {
          reshape: (headers) => headers.filter(([name]) => name !== timestampHeader),
        }),
      ]
    : [];
  return [
    ...gone,
    make('300 seconds old', 'ok', { nowS: T + 300 }),
    make('300 seconds ahead', 'ok', { nowS: T - 300 }),
    make('301 seconds old', 'timestamp_too_old', { nowS: T + 301 }),
    make('301 seconds ahead', 'timestamp_in_future', { nowS: T - 301 }),
    make('a timestamp that was not signed', 'signature_mismatch', { signedTime: String(T + 1) }),
    make('a timestamp with a leading zero, signed without', 'signature_mismatch', {
      time: `0${T}`,
      signedTime: String(T),
    }),
    ...[`${T}.0`, `+${T}`, ` ${T}`, `${T}x`, '1e9', '', `${T}000000`].map((time) =>
      make(`the timestamp ${JSON.stringify(time)}, signed so`, 'malformed_header', { time }),
    ),
  ];
}

const all = Object.keys(FORMATS).flatMap(vectorsOf);

test('the file is what this test computes', async () => {
  const about =
    'Requests of the dialects that sign, valid and not. Timestamps may lie 300 seconds from nowS. ' +
    'The formats are described in docs/dialects.md.';
  await expect(`${JSON.stringify({ about, verify: all }, null, 1)}\n`).toMatchFileSnapshot(FILE);
});

test('there are at least 200 vectors, and each has a name of its own', () => {
  const named = new Set(all.map(({ format, name }) => `${format}: ${name}`));
  expect(named.size).toBe(all.length);
  expect(all.length).toBeGreaterThanOrEqual(200);
});

const read = JSON.parse(readFileSync(new URL(FILE, import.meta.url), 'utf8')) as {
  verify: readonly Vector[];
};

describe.each(Object.entries(FORMATS))('%s', (label, format) => {
  const vectors = read.verify.filter((one) => one.format === label);

  test.each(vectors)('$name -> $expect', async (one) => {
    const verifier = createVerifier({
      scheme: format.scheme(),
      secrets: one.secret,
      now: () => one.nowS * 1000,
    });
    const headers = one.headers.map(([name, value]): [string, string] => [name, value]);
    const body = Buffer.from(one.bodyBase64, 'base64');
    const result = await verifier.safeVerify(body, Object.fromEntries(headers));
    expect(result.ok ? 'ok' : result.error.code).toBe(one.expect);
  });

  const sent = vectors.filter((one) => one.expect === 'ok' && one.nowS === T);
  test.each(sent)('the dialect sends it so: $name', (one) => {
    const dialect = dialects[format.dialect];
    const kind = dialect.traits.secret(format.custom);
    const headers = dialect.headers({
      event: { id: ID, type: 'a.b', tenant: 't', occurredAt: 0, meta: '', data: new Uint8Array() },
      endpoint: { ...PLAIN, id: 'ep_1', custom: format.custom },
      tenant: { id: 't', alias: null, parent: null },
      body: Buffer.from(one.bodyBase64, 'base64'),
      webhookId: ID,
      timestampS: T,
      keys: [importSecret(kind, one.secret)],
      extra: [],
    });
    const pairs = headers.map(({ name, value }) => [name, value]);
    for (const header of one.headers) expect(pairs).toContainEqual(header);
  });
});

describe('Standard Webhooks headers beside other signatures', () => {
  test.each(Object.entries(FORMATS))('verify with the secret as whsec_: %s', async (_, format) => {
    const dialect = dialects[format.dialect];
    const secret = format.secret.padEnd(32, 'x').slice(0, 64);
    const headers = dialect.headers({
      event: { id: ID, type: 'a.b', tenant: 't', occurredAt: 0, meta: '', data: new Uint8Array() },
      endpoint: { ...PLAIN, id: 'ep_1', custom: format.custom, standardHeaders: true },
      tenant: { id: 't', alias: null, parent: null },
      body: BODY,
      webhookId: ID,
      timestampS: T,
      keys: [importSecret('text', secret)],
      extra: [],
    });
    const verifier = createVerifier({
      scheme: schemes.standard(),
      secrets: `whsec_${Buffer.from(secret).toString('base64')}`,
      now: () => T * 1000,
    });
    const record = Object.fromEntries(headers.map(({ name, value }) => [name, value]));
    expect(await verifier.verify(BODY, record)).toMatchObject({ id: ID });
  });
});
