import { createVerifier, generateSecret, publicKey, type Scheme, schemes } from '@posthorn/wire';
import { describe, expect, test } from 'vitest';

/**
 * Random changes of valid requests: none may be accepted. `MUTATIONS` says how many (1,000,000 before
 * a release), `SEED` repeats a run.
 */

const MUTATIONS = Number(process.env['MUTATIONS'] ?? 60_000);
const SEED = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

/** Mulberry32: small, seeded, good enough to choose positions with. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

type Random = (below: number) => number;

interface Request {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

const pick = <T>(random: Random, list: readonly T[]): T => list[random(list.length)] as T;

/** Each makes another text of one; the callers discard what happens to be equal. */
const CHANGES: readonly ((random: Random, bytes: Buffer) => Buffer)[] = [
  (random, bytes) => {
    const changed = Buffer.from(bytes);
    if (changed.length === 0) return Buffer.from('x');
    const at = random(changed.length);
    changed[at] = (changed[at] ?? 0) ^ (1 << random(8));
    return changed;
  },
  (random, bytes) => bytes.subarray(0, random(bytes.length + 1)),
  (random, bytes) => bytes.subarray(random(bytes.length + 1)),
  (random, bytes) => {
    const at = random(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), Buffer.of(random(256)), bytes.subarray(at)]);
  },
  (random, bytes) => {
    const at = random(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
  },
  (random, bytes) => {
    const [from, to] = [random(bytes.length + 1), random(bytes.length + 1)];
    return Buffer.concat([bytes, bytes.subarray(Math.min(from, to), Math.max(from, to))]);
  },
  (_, bytes) => Buffer.from(bytes.toString('latin1').toUpperCase(), 'latin1'),
  (_, bytes) => Buffer.from(bytes.toString('latin1').replace(/=+$/, ''), 'latin1'),
  (_, bytes) =>
    Buffer.from(bytes.toString('latin1').replace(/v1a?,|v0=|sha256=|v1=/, ''), 'latin1'),
  (random, bytes) => {
    const parts = bytes.toString('latin1').split(/(?<=[.,= ])/);
    const [a, b] = [random(parts.length), random(parts.length)];
    [parts[a], parts[b]] = [parts[b] ?? '', parts[a] ?? ''];
    return Buffer.from(parts.join(''), 'latin1');
  },
];

function mutate(random: Random, request: Request, names: readonly string[]): Request {
  const target = random(names.length + 1);
  const name = names[target];
  const change = pick(random, CHANGES);
  if (name === undefined) return { ...request, body: change(random, request.body) };
  const value = Buffer.from(request.headers[name] ?? '', 'latin1');
  const headers = { ...request.headers, [name]: change(random, value).toString('latin1') };
  return { ...request, headers };
}

function isSame(a: Request, b: Request, names: readonly string[]): boolean {
  return a.body.equals(b.body) && names.every((name) => a.headers[name] === b.headers[name]);
}

/** A valid signature may stand among junk: what must not change is id, time, body and signature. */
function holdsSignature(original: Request, changed: Request): boolean {
  const name = 'webhook-signature';
  const signature = original.headers[name];
  if (signature === undefined) return false;
  return changed.headers[name]?.split(' ').includes(signature) ?? false;
}

const AT = new Date('2026-11-22T10:00:00Z');
const TEXT = '0123456789abcdef0123456789abcdef';
const PRIVATE = generateSecret('whsk', () => new Uint8Array(32).fill(7));

interface Subject {
  readonly scheme: Scheme;
  readonly secret: string;
  readonly trusted: string;
  /** Its signed headers. */
  readonly names: readonly string[];
  /** How many of the mutations are its own. */
  readonly share: number;
}

const standardNames = ['webhook-id', 'webhook-timestamp', 'webhook-signature'];
const subjects: Record<string, Subject> = {
  v1: {
    scheme: schemes.standard(),
    secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    trusted: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    names: standardNames,
    share: 0.5,
  },
  v1a: {
    scheme: schemes.standard(),
    secret: PRIVATE,
    trusted: publicKey(PRIVATE),
    names: standardNames,
    share: 0.05,
  },
  ferriskey: {
    scheme: schemes.ferriskey(),
    secret: TEXT,
    trusted: TEXT,
    names: ['x-ferriskey-timestamp', 'x-ferriskey-signature'],
    share: 0.1,
  },
  logto: {
    scheme: schemes.logto(),
    secret: TEXT,
    trusted: TEXT,
    names: ['logto-signature-sha-256'],
    share: 0.1,
  },
  slack: {
    scheme: schemes.slack(),
    secret: TEXT,
    trusted: TEXT,
    names: ['x-slack-request-timestamp', 'x-slack-signature'],
    share: 0.1,
  },
  github: {
    scheme: schemes.github(),
    secret: TEXT,
    trusted: TEXT,
    names: ['x-hub-signature-256'],
    share: 0.05,
  },
  shopify: {
    scheme: schemes.shopify(),
    secret: TEXT,
    trusted: TEXT,
    names: ['x-shopify-hmac-sha256'],
    share: 0.05,
  },
  stripe: {
    scheme: schemes.stripe(),
    secret: TEXT,
    trusted: TEXT,
    names: ['stripe-signature'],
    share: 0.05,
  },
};

describe(`mutations (SEED=${SEED})`, () => {
  test.each(Object.entries(subjects))('%s: none is accepted', async (name, subject) => {
    const { scheme, secret, trusted, names, share } = subject;
    const random = randomOf(SEED);
    // So wide that a changed time has to fail by its signature.
    const verifier = createVerifier({ scheme, secrets: trusted, toleranceS: 1e12 });
    const body = Buffer.from('{"type":"user.created","data":{"id":"u_1","amount":1.0}}');
    const raw: Request = {
      body,
      headers: await scheme.sign({ raw: body, id: 'msg_1', at: AT, secret }),
    };
    expect(verifier.verifySync(raw.body, raw.headers).scheme).toBe(scheme.name);
    const count = Math.round(MUTATIONS * share);
    let tried = 0;
    for (let i = 0; i < count; i += 1) {
      let changed = mutate(random, raw, names);
      if (random(4) === 0) changed = mutate(random, changed, names);
      if (isSame(raw, changed, names)) continue;
      if (changed.body.equals(raw.body) && onlySignatureGrew(raw, changed, names)) continue;
      tried += 1;
      let verified = true;
      try {
        verifier.verifySync(changed.body, changed.headers);
      } catch {
        verified = false;
      }
      if (verified) {
        throw new Error(`accepted (${name}, SEED=${SEED}): ${JSON.stringify(changed)}`);
      }
    }
    console.log(`${name}: ${tried} mutations, 0 accepted (SEED=${SEED})`);
    expect(tried).toBeGreaterThan(count / 2);
  });
});

/** Nothing but additions to the list of signatures, in which the valid one still stands. */
function onlySignatureGrew(raw: Request, changed: Request, names: readonly string[]): boolean {
  if (names.includes('stripe-signature')) return stripeGrew(raw, changed);
  const others = names.filter((name) => name !== 'webhook-signature');
  const same = others.every((name) => raw.headers[name] === changed.headers[name]);
  return same && holdsSignature(raw, changed);
}

function stripeGrew(raw: Request, changed: Request): boolean {
  const entries = (request: Request) => (request.headers['stripe-signature'] ?? '').split(',');
  const now = entries(changed);
  const times = now.filter((entry) => entry.startsWith('t='));
  return times.length === 1 && entries(raw).every((entry) => now.includes(entry));
}
