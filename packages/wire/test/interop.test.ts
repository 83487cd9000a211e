import { createVerifier, generateSecret, schemes } from '@posthorn/wire';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { describe, expect, test } from 'vitest';

/**
 * Both ways with the libraries that others verify and sign with. What they accept and we refuse is
 * listed at the end, with the reason.
 */

const scheme = schemes.standard();
const svixScheme = schemes.standard({ prefixes: ['svix'] });
const secondsOf = (at: Date) => String(Math.floor(at.getTime() / 1000));

/** Ids and bodies as real senders make them: any text, in UTF-8. */
const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
const body = fc.json();
const runs = { numRuns: 200 };

describe('theirs verify ours', () => {
  test('standardwebhooks', async () => {
    await fc.assert(
      fc.asyncProperty(id, body, async (id, body) => {
        const secret = generateSecret('whsec');
        const headers = await scheme.sign({ raw: Buffer.from(body), id, at: new Date(), secret });
        expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
      }),
      runs,
    );
  });

  test.each([
    ['webhook-* names', scheme],
    ['svix-* names', svixScheme],
  ])('svix, %s', async (_, scheme) => {
    await fc.assert(
      fc.asyncProperty(id, body, async (id, body) => {
        const secret = generateSecret('whsec');
        const headers = await scheme.sign({ raw: Buffer.from(body), id, at: new Date(), secret });
        expect(new SvixWebhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
      }),
      runs,
    );
  });

  test('a signature of a rotation, whichever of the two secrets they have', async () => {
    const [old, current] = [generateSecret('whsec'), generateSecret('whsec')];
    const input = { raw: Buffer.from('{}'), id: 'msg_1', at: new Date() };
    const signed = await scheme.sign({ ...input, secret: current });
    const before = await scheme.sign({ ...input, secret: old });
    const signature = `${signed['webhook-signature']} ${before['webhook-signature']}`;
    for (const secret of [old, current]) {
      const headers = { ...signed, 'webhook-signature': signature };
      expect(new Webhook(secret).verify('{}', headers)).toEqual({});
    }
  });
});

describe('ours verify theirs', () => {
  test('standardwebhooks', async () => {
    await fc.assert(
      fc.asyncProperty(id, body, async (id, body) => {
        const secret = generateSecret('whsec');
        const at = new Date();
        const headers = {
          'webhook-id': id,
          'webhook-timestamp': secondsOf(at),
          'webhook-signature': new Webhook(secret).sign(id, at, body),
        };
        const verifier = createVerifier({ scheme, secrets: secret });
        expect((await verifier.verify(Buffer.from(body), headers)).id).toBe(id);
      }),
      runs,
    );
  });

  test('svix', async () => {
    await fc.assert(
      fc.asyncProperty(id, body, async (id, body) => {
        const secret = generateSecret('whsec');
        const at = new Date();
        const headers = {
          'svix-id': id,
          'svix-timestamp': secondsOf(at),
          'svix-signature': new SvixWebhook(secret).sign(id, at, body),
        };
        const verifier = createVerifier({ scheme, secrets: secret });
        expect((await verifier.verify(Buffer.from(body), headers)).id).toBe(id);
      }),
      runs,
    );
  });
});

describe('what standardwebhooks 1.1.1 accepts and we refuse, because it is unsafe', () => {
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const at = new Date();
  const seconds = secondsOf(at);
  const webhook = new Webhook(secret);
  const verifier = createVerifier({ scheme, secrets: secret });
  const signed = (id: string, body: string) => ({
    'webhook-id': id,
    'webhook-timestamp': seconds,
    'webhook-signature': webhook.sign(id, at, body),
  });

  const unsafe: [string, string, Record<string, string>, string][] = [
    // The border between id and timestamp can be moved: the same signature, another id and body.
    ['an id with a dot', '{}', signed('msg.1', '{}'), 'malformed_header'],
    ['an id of 65 characters', '{}', signed('a'.repeat(65), '{}'), 'malformed_header'],
    ...['abc', '.9', 'e3', ' '].map((junk): [string, string, Record<string, string>, string] => [
      `a timestamp with ${JSON.stringify(junk)} behind`,
      '{}',
      { ...signed('msg_1', '{}'), 'webhook-timestamp': `${seconds}${junk}` },
      'malformed_header',
    ]),
    [
      'a signature behind 16 others',
      '{}',
      {
        ...signed('msg_1', '{}'),
        'webhook-signature': `${'v1,x '.repeat(16)}${webhook.sign('msg_1', at, '{}')}`,
      },
      'signature_mismatch',
    ],
  ];

  test.each(unsafe)('%s', async (_, body, headers, code) => {
    expect(() => webhook.verify(body, headers)).not.toThrow();
    const result = await verifier.safeVerify(body, headers);
    expect(result).toMatchObject({ ok: false, error: { code } });
  });

  test('one signature for two bodies that are not UTF-8', async () => {
    const [a, b] = [Buffer.from([0x22, 0xff, 0x22]), Buffer.from([0x22, 0xfe, 0x22])];
    const headers = { ...signed('msg_1', ''), 'webhook-signature': webhook.sign('msg_1', at, a) };
    expect(webhook.verify(b, headers)).toBe('\ufffd');
    for (const raw of [a, b]) expect((await verifier.safeVerify(raw, headers)).ok).toBe(false);
  });

  test('a secret of one byte', () => {
    expect(() => new Webhook('whsec_AA==')).not.toThrow();
    expect(() => createVerifier({ scheme, secrets: 'whsec_AA==' })).toThrow(/24 to 64 bytes/);
  });
});
