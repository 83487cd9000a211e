import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { hmacSync } from '#crypto';
import { importSecret, makeSecret, standardSecret } from './secret-kind.ts';
import { generateSecret, SignatureError } from './signature.ts';

const WHSEC = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const WHSK = generateSecret('whsk');

function signed(text: string): string {
  const key = importSecret('text', text);
  if (key.kind !== 'hmac') throw new Error('must hold: an HMAC key');
  const body = new TextEncoder().encode('{}');
  return hmacSync(key.secret, { hash: 'sha256', prefix: '1.', body, encoding: 'hex' });
}

test.each(['a', 'ü 日本', WHSEC, 'f'.repeat(64)])('the key of the text %j is its UTF-8', (text) => {
  expect(signed(text)).toBe(createHmac('sha256', text).update('1.{}').digest('hex'));
});

test.each([
  ['key', WHSEC, true],
  ['key', WHSK, true],
  ['key', 'any text', false],
  ['ed25519', WHSK, true],
  ['ed25519', WHSEC, false],
  ['ed25519', 'any text', false],
  ['text', 'any text', true],
  ['hex', 'no hex at all', true],
  ['alphanumeric', '!', true],
  ['text', '', false],
] as const)('%s takes %j: %s', (kind, text, taken) => {
  if (taken) expect(importSecret(kind, text)).toBeDefined();
  else expect(() => importSecret(kind, text)).toThrow(SignatureError);
});

describe('what we make', () => {
  test.each([
    ['key', /^whsec_[A-Za-z0-9+/]{43}=$/],
    ['text', /^whsec_[A-Za-z0-9+/]{43}=$/],
    ['ed25519', /^whsk_[A-Za-z0-9+/]{86}==$/],
    ['hex', /^[0-9a-f]{64}$/],
    ['alphanumeric', /^[0-9A-Za-z]{32}$/],
  ] as const)('%s', (kind, form) => {
    const secret = makeSecret(kind);
    expect(secret).toMatch(form);
    expect(importSecret(kind, secret)).toBeDefined();
    expect(makeSecret(kind)).not.toBe(secret);
  });

  test('no character is likelier: bytes beyond the last whole multiple are thrown away', () => {
    const bytes = [255, 248, 247, 0, 61, 62];
    let at = 0;
    const random = (count: number) =>
      Uint8Array.from({ length: count }, () => bytes[at++ % bytes.length] as number);
    expect(makeSecret('alphanumeric', random)).toBe('z0z0'.repeat(8));
  });
});

test('what verifies the standard headers holds the same bytes', () => {
  const text = 'f'.repeat(64);
  expect(standardSecret('hex', text)).toBe(`whsec_${Buffer.from(text).toString('base64')}`);
  expect(standardSecret('key', WHSEC)).toBe(WHSEC);
  expect(() => standardSecret('text', 'too short')).toThrow(SignatureError);
  expect(() => standardSecret('text', 'x'.repeat(65))).toThrow(SignatureError);
});
