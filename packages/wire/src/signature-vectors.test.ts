import { createHmac, createPrivateKey, sign as signBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { VerifyFailure } from './signature.ts';
import { importKey, importVerifyKey, SignatureError, verify } from './signature.ts';

/**
 * `fixtures/signature-vectors.json` is for everybody who verifies Standard Webhooks. It is
 * computed here with node:crypto alone, so `sign` and `verify` are held against a second hand; the
 * first test fails when the file differs (`npx vitest run packages/wire -u` writes it anew).
 */

interface Vector {
  readonly name: string;
  readonly id: string | null;
  readonly timestamp: string | null;
  readonly signature: string | null;
  readonly bodyBase64: string;
  readonly keys: readonly string[];
  readonly nowS: number;
  readonly toleranceS: number;
  /** The index of the key, or why it is refused. */
  readonly expect: number | VerifyFailure;
}

interface Vectors {
  readonly about: string;
  readonly verify: readonly Vector[];
  readonly keys: readonly {
    readonly name: string;
    readonly key: string;
    readonly valid: boolean;
  }[];
}

const FILE = new URL('../fixtures/signature-vectors.json', import.meta.url);

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const OTHER = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const LONG = `whsec_${Buffer.alloc(64, 2).toString('base64')}`;
const PRIVATE =
  'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==';
const PUBLIC = 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=';
const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const T = 1614265330;
const BODY = Buffer.from('{"test": 2432232314}');

function v1(key: string, body: Uint8Array = BODY, prefix = `${ID}.${T}.`): string {
  const secret = Buffer.from(key.slice(key.indexOf('_') + 1), 'base64');
  return `v1,${createHmac('sha256', secret).update(prefix).update(body).digest('base64')}`;
}

function v1a(body: Uint8Array = BODY, prefix = `${ID}.${T}.`): string {
  const seed = Buffer.from(PRIVATE.slice(5), 'base64').subarray(0, 32);
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return `v1a,${signBytes(null, Buffer.concat([Buffer.from(prefix), body]), key).toString('base64')}`;
}

type Change = Partial<Omit<Vector, 'name' | 'expect'>>;

function vector(name: string, expected: Vector['expect'], change: Change = {}): Vector {
  return {
    name,
    id: ID,
    timestamp: String(T),
    signature: v1(SECRET),
    bodyBase64: BODY.toString('base64'),
    keys: [SECRET],
    nowS: T,
    toleranceS: 300,
    ...change,
    expect: expected,
  };
}

function withBody(body: Uint8Array): Change {
  return { bodyBase64: Buffer.from(body).toString('base64'), signature: v1(SECRET, body) };
}

function valid(): Vector[] {
  const junk = `v1,${'A'.repeat(43)}=`;
  const oneId = (id: string): Change => ({ id, signature: v1(SECRET, BODY, `${id}.${T}.`) });
  return [
    vector('published v1', 0),
    vector('published v1a, private key', 0, { keys: [PRIVATE], signature: v1a() }),
    vector('published v1a, public key', 0, { keys: [PUBLIC], signature: v1a() }),
    vector('empty body', 0, withBody(Buffer.alloc(0))),
    vector('body of ff', 0, withBody(Uint8Array.of(0x22, 0xff, 0x22))),
    vector('body of fe', 0, withBody(Uint8Array.of(0x22, 0xfe, 0x22))),
    vector('body with NUL, CR and LF', 0, withBody(Buffer.from('a\0\r\nb'))),
    vector('body with dots', 0, withBody(Buffer.from('1.2.3'))),
    vector('body in UTF-8', 0, withBody(Buffer.from('{"ü":"😀"}'))),
    vector('body that starts with a byte order mark', 0, withBody(Buffer.from('\ufeff{}'))),
    vector('id of one character', 0, oneId('a')),
    vector('id of 64 characters', 0, oneId('Z'.repeat(64))),
    vector('id of every kind of character', 0, oneId('aZ09_-')),
    vector('key of 64 bytes', 0, { keys: [LONG], signature: v1(LONG) }),
    vector('old key in second place', 1, { keys: [OTHER, SECRET] }),
    vector('two signatures, first matches', 0, { signature: `${v1(SECRET)} ${v1(OTHER)}` }),
    vector('two signatures, second matches', 0, { signature: `${v1(OTHER)} ${v1(SECRET)}` }),
    vector('v1a beside v1', 0, { signature: `${v1a()} ${v1(SECRET)}` }),
    vector('v1 beside v1a, public key', 0, { keys: [PUBLIC], signature: `${v1(SECRET)} ${v1a()}` }),
    vector('unknown versions before it', 0, { signature: `v0,x v2,y sha1=z ${v1(SECRET)}` }),
    vector('sixteenth signature', 0, { signature: `${`${junk} `.repeat(15)}${v1(SECRET)}` }),
    vector('two spaces between', 0, { signature: `${junk}  ${v1(SECRET)}` }),
    vector('spaces around', 0, { signature: ` ${v1(SECRET)} ` }),
    vector('300 seconds old', 0, { nowS: T + 300 }),
    vector('300 seconds ahead', 0, { nowS: T - 300 }),
    vector('zero tolerance, same second', 0, { toleranceS: 0 }),
    vector('timestamp with leading zeros, signed so', 0, {
      timestamp: `0${T}`,
      signature: v1(SECRET, BODY, `${ID}.0${T}.`),
    }),
  ];
}

function wrongHeaders(): Vector[] {
  const ids: [string, string][] = [
    ['empty id', ''],
    ['id with a dot', `${ID}.x`],
    ['id of 65 characters', 'a'.repeat(65)],
    ['id with a space', 'a b'],
    ['id with a line break', 'a\n'],
    ['id outside ASCII', 'ä'],
  ];
  const times: [string, string][] = [
    ['empty timestamp', ''],
    ['timestamp with letters behind', `${T}abc`],
    ['timestamp with a space before', ` ${T}`],
    ['timestamp with a plus', `+${T}`],
    ['timestamp with a minus', `-${T}`],
    ['timestamp with a fraction', `${T}.9`],
    ['timestamp with an exponent', '1e9'],
    ['timestamp in hexadecimal', '0x603792f2'],
    ['timestamp of 12 digits', '161426533000'],
    ['timestamp of other digits', '١٦١٤٢٦٥٣٣٠'],
    ['timestamp with a line break', `${T}\n`],
  ];
  return [
    vector('no id', 'missing_header', { id: null }),
    vector('no timestamp', 'missing_header', { timestamp: null }),
    vector('no signature', 'missing_header', { signature: null }),
    // Each is signed as it stands: only its form is wrong.
    ...ids.map(([name, id]) =>
      vector(name, 'invalid_id', { id, signature: v1(SECRET, BODY, `${id}.${T}.`) }),
    ),
    ...times.map(([name, timestamp]) =>
      vector(name, 'invalid_timestamp', {
        timestamp,
        signature: v1(SECRET, BODY, `${ID}.${timestamp}.`),
      }),
    ),
    vector('301 seconds old', 'too_old', { nowS: T + 301 }),
    vector('301 seconds ahead', 'too_new', { nowS: T - 301 }),
    vector('timestamp in milliseconds cut to 11 digits', 'too_new', { timestamp: '16142653300' }),
  ];
}

function wrongSignatures(): Vector[] {
  const good = v1(SECRET);
  const junk = `v1,${'A'.repeat(43)}=`;
  const raw = Buffer.from(good.slice(3), 'base64');
  const none: [string, string][] = [
    ['empty signature header', ''],
    ['version v0', good.replace('v1', 'v0')],
    ['version v1a with a v1 value', good.replace('v1', 'v1a')],
    ['version in capitals', good.replace('v1', 'V1')],
    ['sha1= as version', `sha1=${raw.toString('hex')}`],
    ['no version', good.slice(3)],
    ['seventeenth signature behind unknown ones', `${'v9,x '.repeat(16)}${good}`],
    ['tab between', `v9,x\t${good}`],
  ];
  const bad: [string, string][] = [
    ['empty value', 'v1,'],
    ['value cut by one character', good.slice(0, -1)],
    ['value cut to 16 bytes', `v1,${raw.subarray(0, 16).toString('base64')}`],
    ['value with more behind', `${good}AAAA`],
    ['value with a comma behind', `${good},`],
    ['value in hexadecimal', `v1,${raw.toString('hex')}`],
    ['value in base64url', `v1,${raw.toString('base64url')}=`],
    ['last character with stray low bits', good.replace('1OE=', '1OF=')],
    ['last character in the other case', good.replace('1OE=', '1Oe=')],
    ['all zeros', junk],
    ['seventeenth signature', `${`${junk} `.repeat(16)}${good}`],
    ['signature of another key', v1(OTHER)],
    ['signature of another id', v1(SECRET, BODY, `msg_other.${T}.`)],
    ['signature of another second', v1(SECRET, BODY, `${ID}.${T + 1}.`)],
    ['signature of the body alone', v1(SECRET, BODY, '')],
    ['signature of another body', v1(SECRET, Buffer.from('{"test":2432232314}'))],
    [
      'key used as text',
      `v1,${createHmac('sha256', SECRET).update(`${ID}.${T}.`).update(BODY).digest('base64')}`,
    ],
  ];
  const asymmetric = v1a();
  return [
    ...none.map(([name, signature]) => vector(name, 'no_signature', { signature })),
    ...bad.map(([name, signature]) => vector(name, 'mismatch', { signature })),
    vector('body fe with the signature of ff', 'mismatch', {
      bodyBase64: Buffer.of(0x22, 0xfe, 0x22).toString('base64'),
      signature: v1(SECRET, Uint8Array.of(0x22, 0xff, 0x22)),
    }),
    vector('body with the signature of its lossy text', 'mismatch', {
      bodyBase64: Buffer.of(0x22, 0xff, 0x22).toString('base64'),
      signature: v1(SECRET, Buffer.from('"\ufffd"')),
    }),
    vector('public key as HMAC secret, tag v1', 'no_signature', {
      keys: [PUBLIC],
      signature: v1(PUBLIC),
    }),
    vector('public key as HMAC secret, tag v1a', 'mismatch', {
      keys: [PUBLIC],
      signature: v1(PUBLIC).replace('v1', 'v1a'),
    }),
    vector('v1a for a symmetric key', 'no_signature', { signature: asymmetric }),
    vector('v1a with stray low bits', 'mismatch', {
      keys: [PUBLIC],
      signature: asymmetric.replace('BAg==', 'BAh=='),
    }),
    vector('v1a of another body', 'mismatch', {
      keys: [PUBLIC],
      signature: v1a(Buffer.from('{}')),
    }),
    vector('v1a of zeros', 'mismatch', {
      keys: [PUBLIC],
      signature: `v1a,${Buffer.alloc(64).toString('base64')}`,
    }),
    vector('no keys', 'no_keys', { keys: [] }),
  ];
}

function vectors(): Vectors {
  const of = (bytes: number): string => Buffer.alloc(bytes, 3).toString('base64');
  const keys: [string, string, boolean][] = [
    ['24 bytes', SECRET, true],
    ['64 bytes', LONG, true],
    ['ed25519, private', PRIVATE, true],
    ['ed25519, public', PUBLIC, true],
    ['1 byte', 'whsec_AA==', false],
    ['23 bytes', `whsec_${of(23)}`, false],
    ['65 bytes', `whsec_${of(65)}`, false],
    ['no bytes', 'whsec_', false],
    ['no prefix', SECRET.slice(6), false],
    ['another prefix', `secret_${SECRET.slice(6)}`, false],
    ['no padding', `whsec_${of(32).replace(/=+$/, '')}`, false],
    ['base64url', `whsec_${Buffer.alloc(24, 255).toString('base64url')}`, false],
    ['a space behind', `${SECRET} `, false],
    ['private key, seed alone', `whsk_${of(32)}`, false],
    ['private key, foreign public half', `whsk_${of(64)}`, false],
    ['public key, 31 bytes', `whpk_${of(31)}`, false],
  ];
  return {
    about:
      'Standard Webhooks 1.0.0. "expect" is the index of the key that verifies, or the reason of the refusal.',
    verify: [...valid(), ...wrongHeaders(), ...wrongSignatures()],
    keys: keys.map(([name, key, good]) => ({ name, key, valid: good })),
  };
}

test('the file is what this test computes', async () => {
  await expect(`${JSON.stringify(vectors(), null, 2)}\n`).toMatchFileSnapshot(
    '../fixtures/signature-vectors.json',
  );
});

describe('the vectors of the file', () => {
  const file = JSON.parse(readFileSync(FILE, 'utf8')) as Vectors;

  test('are many, and each has a name of its own', () => {
    expect(file.verify.length).toBeGreaterThanOrEqual(60);
    expect(new Set(file.verify.map((one) => one.name)).size).toBe(file.verify.length);
  });

  test.each(file.verify)('verify: $name -> $expect', (one) => {
    const result = verify({
      ...one,
      id: one.id ?? undefined,
      timestamp: one.timestamp ?? undefined,
      signature: one.signature ?? undefined,
      body: Buffer.from(one.bodyBase64, 'base64'),
      keys: one.keys.map(importVerifyKey),
    });
    expect(result.ok ? result.keyIndex : result.reason).toBe(one.expect);
  });

  test.each(file.keys)('key: $name -> $valid', ({ key, valid: good }) => {
    if (good) expect(importVerifyKey(key)).toBeDefined();
    else {
      expect(() => importKey(key)).toThrow(SignatureError);
      expect(() => importVerifyKey(key)).toThrow(SignatureError);
    }
  });
});
