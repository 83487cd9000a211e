import { createHmac } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Encoding } from '../encoding.ts';
import { utf8 } from '../encoding.ts';
import { generateSecret, publicKey } from '../signature.ts';
import * as node from './node.ts';
import type { Hash } from './port.ts';
import * as web from './web.ts';

/** Both halves of `#crypto` must answer alike: what one signs, the other verifies. */

const bytes = Uint8Array.from({ length: 70 }, (_, i) => (i * 37) & 0xff);
const secret = bytes.slice(0, 32);

describe.each(['sha1', 'sha256', 'sha512'] as const)('%s', (hash: Hash) => {
  test.each(['hex', 'base64', 'base64url'] as const)('HMAC in %s', async (encoding: Encoding) => {
    const input = { hash, prefix: 'id.7.', body: bytes, encoding };
    const expected = node.hmacSync(node.importHmac(secret), input);
    expect(await web.hmac(web.importHmac(secret), input)).toBe(expected);
  });

  test('HMAC of every length around its bounds, with short and long keys', async () => {
    for (const keyBytes of [16, 63, 64, 65, 128, 129, 1024]) {
      const key = Uint8Array.from({ length: keyBytes }, (_, i) => (i * 7) & 0xff);
      const handle = node.importHmac(key);
      for (const length of [0, 1, 55, 56, 63, 64, 65, 127, 128, 1000, 16_379, 16_380, 16_381]) {
        const body = Uint8Array.from({ length }, (_, i) => i & 0xff);
        const input = { hash, prefix: 'id.7', body, encoding: 'hex' } as const;
        const expected = createHmac(hash, key).update('id.7').update(body).digest('hex');
        expect(node.hmacSync(handle, input)).toBe(expected);
      }
      expect(inspect(handle, { depth: 9, showHidden: true })).toMatch(/^HmacHandle \{\}$/);
    }
  });

  test('digest', async () => {
    expect(await web.digest(hash, bytes, 'hex')).toBe(await node.digest(hash, bytes, 'hex'));
  });
});

describe('ed25519', () => {
  const decode = (key: string): Uint8Array => Buffer.from(key.slice(5), 'base64');
  const pair = decode(generateSecret('whsk', () => secret));
  const [seed, publicBytes] = [pair.slice(0, 32), pair.slice(32)];

  test('each verifies what the other signed, and nothing else', async () => {
    const signature = node.ed25519SignSync(node.importEd25519Private(seed, publicBytes), bytes);
    const byWeb = await web.ed25519Sign(web.importEd25519Private(seed, publicBytes), bytes);
    expect(byWeb).toEqual(new Uint8Array(signature));
    const key = web.importEd25519Public(publicBytes);
    expect(await web.ed25519Verify(key, bytes, signature)).toBe(true);
    expect(await web.ed25519Verify(key, utf8('x'), signature)).toBe(false);
  });

  test('halves of different keys are refused by both', async () => {
    expect(() => node.importEd25519Private(seed, secret)).toThrow(RangeError);
    await expect(web.ed25519Sign(web.importEd25519Private(seed, secret), bytes)).rejects.toThrow(
      RangeError,
    );
  });

  test('the public half of a seed is the one of its key', () => {
    const text = generateSecret('whsk', () => secret);
    expect(Buffer.from(node.ed25519PublicSync(seed))).toEqual(decode(publicKey(text)));
  });
});

test('equal texts are equal, others not, whatever their lengths', () => {
  for (const { equalText } of [node, web]) {
    expect(equalText('abc', 'abc')).toBe(true);
    expect(equalText('abc', 'abd')).toBe(false);
    expect(equalText('abc', 'abcd')).toBe(false);
    expect(equalText('é', 'ab')).toBe(false);
    // Nothing of an earlier comparison may be left to compare with.
    expect(equalText('abcd', 'abcd')).toBe(true);
    expect(equalText('abcd', 'abcé')).toBe(false);
    expect(equalText('f'.repeat(128), 'f'.repeat(128))).toBe(true);
  }
});

test('WebCrypto says that it cannot answer at once', () => {
  const key = web.importHmac(secret);
  const input = { hash: 'sha256', prefix: '', body: bytes, encoding: 'hex' } as const;
  expect(() => web.hmacSync(key, input)).toThrow(/asynchronous/);
  expect(() => web.digestSync('sha256', bytes)).toThrow(/asynchronous/);
  expect(() => web.ed25519PublicSync(secret)).toThrow(/asynchronous/);
  expect(() => web.ed25519SignSync(key, bytes)).toThrow(/asynchronous/);
});
