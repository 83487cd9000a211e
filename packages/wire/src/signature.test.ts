import { createHmac } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { VerifyInput } from './signature.ts';
import {
  generateSecret,
  importKey,
  importVerifyKey,
  publicKey,
  SignatureError,
  sign,
  verify,
} from './signature.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const TIMESTAMP_S = 1614265330;
const BODY = Buffer.from('{"test": 2432232314}');
const V1 = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';

const PRIVATE =
  'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==';
const PUBLIC = 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=';
const V1A =
  'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==';

const input = { id: ID, timestampS: TIMESTAMP_S, body: BODY };
const received: VerifyInput = {
  id: ID,
  timestamp: String(TIMESTAMP_S),
  signature: V1,
  body: BODY,
  keys: [importKey(SECRET)],
  nowS: TIMESTAMP_S,
};
const reason = (change: Partial<VerifyInput>): string => {
  const result = verify({ ...received, ...change });
  return result.ok ? 'ok' : result.reason;
};

describe('published vectors', () => {
  test('v1, of all reference libraries', () => {
    expect(sign(importKey(SECRET), input)).toBe(V1);
    expect(verify(received)).toEqual({ ok: true, keyIndex: 0, timestampS: TIMESTAMP_S });
  });

  test('v1a, of Svix and the specification', () => {
    expect(sign(importKey(PRIVATE), input)).toBe(V1A);
    expect(publicKey(PRIVATE)).toBe(PUBLIC);
    expect(reason({ signature: V1A, keys: [importKey(PRIVATE)] })).toBe('ok');
    expect(reason({ signature: V1A, keys: [importVerifyKey(PUBLIC)] })).toBe('ok');
  });
});

describe('generateSecret', () => {
  test.each(['whsec', 'whsk'] as const)('makes a different %s each time that signs', (kind) => {
    const text = generateSecret(kind);
    expect(text.startsWith(`${kind}_`)).toBe(true);
    expect(generateSecret(kind)).not.toBe(text);
    const key = importKey(text);
    expect(reason({ keys: [key], signature: sign(key, input) })).toBe('ok');
  });

  test('takes its randomness from the argument', () => {
    const zeros = (n: number): Uint8Array => new Uint8Array(n);
    expect(generateSecret('whsec', zeros)).toBe(`whsec_${'A'.repeat(43)}=`);
    // RFC 8032's public key of the seed of zeros.
    expect(generateSecret('whsk', zeros)).toBe(
      `whsk_${Buffer.from(`${'00'.repeat(32)}3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29`, 'hex').toString('base64')}`,
    );
  });

  test('refuses a source that gives too little', () => {
    expect(() => generateSecret('whsec', () => new Uint8Array(31))).toThrow(SignatureError);
  });
});

describe('importKey', () => {
  const base64 = (bytes: number): string => Buffer.alloc(bytes, 7).toString('base64');

  test.each([24, 32, 63, 64])('takes a whsec_ of %i bytes', (bytes) => {
    expect(importKey(`whsec_${base64(bytes)}`).kind).toBe('hmac');
  });

  test.each([
    ['nothing', '', /begin with/],
    ['a bare base64 text', base64(32), /begin with/],
    ['another prefix', `whsex_${base64(32)}`, /begin with/],
    ['a prefix in capitals', `WHSEC_${base64(32)}`, /begin with/],
    ['no bytes', 'whsec_', /canonical base64/],
    ['1 byte', 'whsec_AA==', /24 to 64 bytes; this one has 1/],
    ['23 bytes', `whsec_${base64(23)}`, /24 to 64 bytes/],
    ['65 bytes', `whsec_${base64(65)}`, /24 to 64 bytes/],
    ['missing padding', `whsec_${base64(32).replace('=', '')}`, /canonical base64/],
    ['base64url', `whsec_${'-_'.repeat(16)}`, /canonical base64/],
    ['a space', `whsec_${base64(24)} `, /canonical base64/],
    ['a line break', `whsec_${base64(24)}\n`, /canonical base64/],
    ['stray low bits', `whsec_${'A'.repeat(42)}B=`, /canonical base64/],
    ['a whsk_ of a seed alone', `whsk_${base64(32)}`, /64 bytes/],
    ['a whsk_ of 65 bytes', `whsk_${base64(65)}`, /64 bytes/],
    ['a whsk_ with a foreign public half', `whsk_${base64(64)}`, /do not belong together/],
    ['a public key', PUBLIC, /only verifies/],
    ['a public key of another length', `whpk_${base64(31)}`, /32 bytes/],
  ])('refuses %s', (_, text, message) => {
    expect(() => importKey(text)).toThrow(SignatureError);
    expect(() => importKey(text)).toThrow(message);
  });

  test('never repeats the key in an error, nor in what is printed of one', () => {
    const hidden = 'c2VjcmV0c2VjcmV0c2VjcmV0';
    for (const text of [
      `whsec_${hidden}=`,
      `whsec_${hidden.repeat(4)}`,
      `whsk_${hidden}`,
      hidden,
    ]) {
      expect(() => importKey(text)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining(hidden) }),
      );
    }
    const key = importKey(`whsec_${hidden.repeat(2)}`);
    expect(inspect(key, { depth: 9 }) + JSON.stringify(key)).not.toContain(hidden);
  });
});

test('publicKey refuses a symmetric key', () => {
  expect(() => publicKey(SECRET)).toThrow(/only a whsk_ key/);
});

describe('sign', () => {
  const key = importKey(SECRET);

  test.each(['', 'a.b', 'a b', 'é', 'a\n', 'a'.repeat(65)])('refuses the id %j', (id) => {
    expect(() => sign(key, { ...input, id })).toThrow(SignatureError);
  });

  test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1e11])(
    'refuses the time %d',
    (timestampS) => {
      expect(() => sign(key, { ...input, timestampS })).toThrow(SignatureError);
    },
  );

  test('signs bytes: bodies that decode to one text have different signatures', () => {
    const [a, b] = [0xff, 0xfe].map((byte) => Uint8Array.of(0x22, byte, 0x22));
    for (const one of [key, importKey(PRIVATE)]) {
      const signature = sign(one, { ...input, body: a ?? BODY });
      expect(signature).not.toBe(sign(one, { ...input, body: b ?? BODY }));
      expect(reason({ keys: [one], signature, body: a ?? BODY })).toBe('ok');
      expect(reason({ keys: [one], signature, body: b ?? BODY })).toBe('mismatch');
    }
  });

  test('equals a plain HMAC of prefix and bytes, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), (body, timestampS) => {
        const secret = Buffer.from(SECRET.slice(6), 'base64');
        const content = Buffer.concat([Buffer.from(`${ID}.${timestampS}.`), body]);
        const expected = createHmac('sha256', secret).update(content).digest('base64');
        return sign(key, { id: ID, timestampS, body }) === `v1,${expected}`;
      }),
    );
  });
});

describe('verify', () => {
  test('refuses every flipped bit of id, timestamp, body and signature', () => {
    for (const [signature, keys] of [
      [V1, received.keys],
      [V1A, [importVerifyKey(PUBLIC)]],
    ] as const) {
      const parts = { id: ID, timestamp: String(TIMESTAMP_S), signature };
      for (const [name, part] of Object.entries(parts)) {
        for (let bit = 0; bit < part.length * 8; bit += 1) {
          const bytes = Buffer.from(part, 'latin1');
          bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
          const change = { keys, signature, [name]: bytes.toString('latin1') };
          // A wide tolerance, so that a changed timestamp has to fail by its signature.
          expect(reason({ ...change, toleranceS: 1e12 }), `${name} bit ${bit}`).not.toBe('ok');
        }
      }
      for (let bit = 0; bit < BODY.length * 8; bit += 1) {
        const body = Uint8Array.from(BODY);
        body[bit >> 3] = (body[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(reason({ keys, signature, body })).toBe('mismatch');
      }
    }
  });

  test('refuses random keys, bodies and signatures', () => {
    const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(bytes, fc.uint8Array({ maxLength: 64 }), (random, body) => {
        const text = Buffer.from(random).toString('base64');
        expect(reason({ keys: [importKey(`whsec_${text}`)] })).toBe('mismatch');
        expect(reason({ signature: `v1,${text}` })).toBe('mismatch');
        expect(reason({ body })).toBe('mismatch');
      }),
    );
  });

  test('cannot shift the border between id and timestamp', () => {
    const key = importKey(SECRET);
    const body = Buffer.from('1614265330.{}');
    const signature = sign(key, { id: 'm1', timestampS: 7, body });
    const shifted = { id: 'm1.7', timestamp: '1614265330', body: Buffer.from('{}'), signature };
    expect(reason(shifted)).toBe('invalid_id');
    expect(
      reason({ id: 'm1', timestamp: '7.1614265330', body: Buffer.from('{}'), signature }),
    ).toBe('invalid_timestamp');
  });

  test('never lets the request choose: a public key is no HMAC secret, v1 is not checked by it', () => {
    const raw = Buffer.from(PUBLIC.slice(5), 'base64');
    const forged = createHmac('sha256', raw).update(`${ID}.${TIMESTAMP_S}.`).update(BODY);
    const digest = forged.digest('base64');
    const keys = [importVerifyKey(PUBLIC)];
    expect(reason({ keys, signature: `v1,${digest}` })).toBe('no_signature');
    expect(reason({ keys, signature: `v1a,${digest}` })).toBe('mismatch');
    expect(reason({ signature: V1.replace('v1,', 'v1a,') })).toBe('no_signature');
    expect(reason({ signature: V1A })).toBe('no_signature');
  });

  test('tells which key it was while a rotation runs', () => {
    const other = importKey(generateSecret('whsec'));
    const keys = [other, importKey(SECRET)];
    expect(verify({ ...received, keys })).toMatchObject({ ok: true, keyIndex: 1 });
    const both = `${sign(other, input)} ${V1}`;
    expect(verify({ ...received, keys, signature: both })).toMatchObject({ ok: true, keyIndex: 0 });
  });

  test('looks at 16 signatures and no more', () => {
    const junk = `v1,${'A'.repeat(43)}= `;
    expect(reason({ signature: junk.repeat(15) + V1 })).toBe('ok');
    expect(reason({ signature: junk.repeat(16) + V1 })).toBe('mismatch');
    expect(reason({ signature: ' '.repeat(16) + V1 })).toBe('no_signature');
    const flood = junk.repeat(200_000) + V1;
    // The best of five: a busy machine may take its time once.
    const times = Array.from({ length: 5 }, () => {
      const started = performance.now();
      expect(reason({ signature: flood })).toBe('mismatch');
      return performance.now() - started;
    });
    expect(Math.min(...times)).toBeLessThan(5);
  });

  test('takes a timestamp up to the tolerance on both sides, and not a second more', () => {
    expect(reason({ nowS: TIMESTAMP_S + 300 })).toBe('ok');
    expect(reason({ nowS: TIMESTAMP_S - 300 })).toBe('ok');
    expect(reason({ nowS: TIMESTAMP_S + 301 })).toBe('too_old');
    expect(reason({ nowS: TIMESTAMP_S - 301 })).toBe('too_new');
    expect(reason({ nowS: TIMESTAMP_S + 1, toleranceS: 0 })).toBe('too_old');
    expect(reason({ nowS: Number.NaN })).toBe('too_old');
    expect(reason({ toleranceS: Number.NaN })).toBe('too_old');
  });

  test('refuses what is no single string, and a body that is no bytes, without throwing', () => {
    for (const name of ['id', 'timestamp', 'signature'] as const) {
      for (const value of [undefined, null, [V1], 7]) {
        const change = { [name]: value } as unknown as Partial<VerifyInput>;
        expect(reason(change)).toBe('missing_header');
      }
    }
    for (const body of ['{"test": 2432232314}', undefined, { test: 2432232314 }]) {
      expect(reason({ body } as unknown as Partial<VerifyInput>)).toBe('invalid_body');
    }
    expect(reason({ keys: [] })).toBe('no_keys');
  });
});
