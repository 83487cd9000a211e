import type { KeyObject } from 'node:crypto';
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  randomBytes,
  sign as signBytes,
  timingSafeEqual,
  verify as verifyBytes,
} from 'node:crypto';

/**
 * Standard Webhooks 1.0.0: `v1` (HMAC-SHA256) and `v1a` (ed25519) over `<id>.<timestamp>.<body>`.
 * Only bytes are signed, never text, and the kind of the key decides the algorithm: nothing in a
 * request can.
 */

/** Signs and verifies `v1`. Made of `whsec_…`. */
export interface HmacKey {
  readonly kind: 'hmac';
  /** Keeps the bytes out of logs and dumps: a KeyObject prints none. */
  readonly secret: KeyObject;
}

/** Signs and verifies `v1a`. Made of `whsk_…`. */
export interface Ed25519Key {
  readonly kind: 'ed25519';
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** Verifies `v1a` and cannot sign. Made of `whpk_…`. */
export interface Ed25519PublicKey {
  readonly kind: 'ed25519-public';
  readonly publicKey: KeyObject;
}

export type SigningKey = HmacKey | Ed25519Key;
export type VerifyKey = SigningKey | Ed25519PublicKey;

/** A key or a value to sign that cannot be used. The message never repeats the key. */
export class SignatureError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SignatureError';
  }
}

const SECRET_BYTES = 32;
const SECRET_BYTES_MIN = 24;
const SECRET_BYTES_MAX = 64;
const SEED_BYTES = 32;
const PUBLIC_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** How many entries of a signature header are looked at; a rotation needs two (A27). */
const SIGNATURES_MAX = 16;

/** An id with a `.` could move the border between id and timestamp (A22). */
const ID = /^[A-Za-z0-9_-]{1,64}$/;
const TIMESTAMP = /^[0-9]{1,11}$/;
const TIMESTAMP_MAX = 99_999_999_999;

/** What stands before 32 bytes of key in the DER of RFC 8410: PKCS #8 (private), SPKI (public). */
const PRIVATE_DER = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_DER = Buffer.from('302a300506032b6570032100', 'hex');

/**
 * A new key as text: `whsec_` and 32 random bytes, or `whsk_` and an ed25519 seed with its public
 * key (as Svix writes it). `random` must be cryptographic; node:crypto unless told.
 */
export function generateSecret(
  kind: 'whsec' | 'whsk',
  random: (bytes: number) => Uint8Array = randomBytes,
): string {
  const bytes = random(kind === 'whsec' ? SECRET_BYTES : SEED_BYTES);
  if (bytes.length !== 32) throw new SignatureError('the source of randomness gave too few bytes');
  if (kind === 'whsec') return `whsec_${Buffer.from(bytes).toString('base64')}`;
  const both = Buffer.concat([bytes, rawPublicKey(createPublicKey(privateKeyOf(bytes)))]);
  return `whsk_${both.toString('base64')}`;
}

/** The `whpk_…` that receivers of a `whsk_…` verify with. Throws `SignatureError`. */
export function publicKey(whsk: string): string {
  const key = importKey(whsk);
  if (key.kind !== 'ed25519') throw new SignatureError('only a whsk_ key has a public key');
  return `whpk_${rawPublicKey(key.publicKey).toString('base64')}`;
}

/**
 * A key to sign with, of `whsec_…` (24–64 bytes) or `whsk_…` (64 bytes) in canonical base64.
 * Import once and keep it: it costs more than a signature. Throws `SignatureError`.
 */
export function importKey(text: string): SigningKey {
  const key = importVerifyKey(text);
  if (key.kind !== 'ed25519-public') return key;
  throw new SignatureError('a public key (whpk_) only verifies: sign with its whsk_ or a whsec_');
}

/**
 * A key to verify with: what `importKey` takes, or `whpk_…` (32 bytes). Throws `SignatureError`.
 */
export function importVerifyKey(text: string): VerifyKey {
  const encoded = text.slice(text.indexOf('_') + 1);
  if (text.startsWith('whsec_')) return hmacKey(decodeBase64(encoded));
  if (text.startsWith('whsk_')) return ed25519Key(decodeBase64(encoded));
  if (text.startsWith('whpk_')) return ed25519PublicKey(decodeBase64(encoded));
  throw new SignatureError('a key must begin with whsec_, whsk_ or whpk_');
}

export interface SignInput {
  /** `webhook-id`: 1–64 of `[A-Za-z0-9_-]`. */
  readonly id: string;
  /** `webhook-timestamp`: whole seconds since the Unix epoch, of this attempt. */
  readonly timestampS: number;
  /** Exactly what is sent. */
  readonly body: Uint8Array;
}

/** One entry of `webhook-signature`: `v1,<base64>` or `v1a,<base64>`. Throws `SignatureError`. */
export function sign(key: SigningKey, input: SignInput): string {
  const { id, timestampS, body } = input;
  if (!ID.test(id)) throw new SignatureError('a webhook-id is 1 to 64 letters, digits, "_" or "-"');
  if (!Number.isInteger(timestampS) || timestampS < 0 || timestampS > TIMESTAMP_MAX) {
    throw new SignatureError('a webhook-timestamp is whole seconds since 1970, at most 11 digits');
  }
  const prefix = `${id}.${timestampS}.`;
  if (key.kind === 'hmac') return `v1,${hmacBase64(key.secret, prefix, body)}`;
  // ed25519 reads its message twice, so there is no streaming form: prefix and body must lie
  // together.
  const content = signedContent(prefix, body);
  return `v1a,${signBytes(null, content, key.privateKey).toString('base64')}`;
}

/** Why a request is not accepted. Codes are permanent. */
export type VerifyFailure =
  | 'missing_header' // id, timestamp or signature is not there (or came several times)
  | 'invalid_id'
  | 'invalid_timestamp'
  | 'invalid_body' // not bytes: a parsed or decoded body cannot be verified
  | 'too_old' // sent more than the tolerance ago: a replay, or a wrong clock
  | 'too_new'
  | 'no_keys'
  | 'no_signature' // none that one of the keys could have made
  | 'mismatch'; // made with another key, or something was changed

export type VerifyResult =
  | {
      readonly ok: true;
      /** Which of `keys` it was: an old one means that a rotation is not finished. */
      readonly keyIndex: number;
      readonly timestampS: number;
    }
  | { readonly ok: false; readonly reason: VerifyFailure };

export interface VerifyInput {
  /** The three headers as received; anything but one string is refused. */
  readonly id: string | undefined;
  readonly timestamp: string | undefined;
  readonly signature: string | undefined;
  /** The body exactly as received, before any decoding. */
  readonly body: Uint8Array;
  /** The owner's trust list, never anything out of the request. */
  readonly keys: readonly VerifyKey[];
  /** Seconds since the Unix epoch. */
  readonly nowS: number;
  /** How far the timestamp may lie from `nowS`, in both directions; 300 unless told. */
  readonly toleranceS?: number | undefined;
}

/**
 * Checks a received request. A refusal is a value, never an exception. At most 16 signatures are
 * looked at, each compared in constant time; base64 that is not canonical is refused, so no bit
 * can be changed.
 */
export function verify(input: VerifyInput): VerifyResult {
  const { id, timestamp, signature, body, keys, nowS, toleranceS = 300 } = input;
  // Adapters hand over what a stranger sent: types are a hope here.
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signature !== 'string') {
    return refused('missing_header');
  }
  if (!ID.test(id)) return refused('invalid_id');
  if (!TIMESTAMP.test(timestamp)) return refused('invalid_timestamp');
  if (!ArrayBuffer.isView(body)) return refused('invalid_body');
  if (keys.length === 0) return refused('no_keys');
  const timestampS = Number(timestamp);
  // Written so that a clock or tolerance of NaN refuses.
  if (!(nowS - timestampS <= toleranceS)) return refused('too_old');
  if (!(timestampS - nowS <= toleranceS)) return refused('too_new');

  const candidates = parseSignatures(signature);
  // The timestamp's own digits are signed, so `007` is not `7`.
  const prefix = `${id}.${timestamp}.`;
  let comparable = false;
  for (const [keyIndex, key] of keys.entries()) {
    const version = key.kind === 'hmac' ? 'v1' : 'v1a';
    const values = candidates.filter((one) => one.version === version).map((one) => one.value);
    if (values.length === 0) continue;
    comparable = true;
    const good =
      key.kind === 'hmac'
        ? hmacMatches(hmacBase64(key.secret, prefix, body), values)
        : ed25519Matches(key.publicKey, signedContent(prefix, body), values);
    if (good) return { ok: true, keyIndex, timestampS };
  }
  return refused(comparable ? 'mismatch' : 'no_signature');
}

interface Candidate {
  readonly version: string;
  readonly value: string;
}

/** The first 16 entries of the header, empty ones counted; it is never split as a whole. */
function parseSignatures(header: string): Candidate[] {
  const candidates: Candidate[] = [];
  let start = 0;
  for (let seen = 0; seen < SIGNATURES_MAX && start <= header.length; seen += 1) {
    const space = header.indexOf(' ', start);
    const end = space === -1 ? header.length : space;
    const comma = header.indexOf(',', start);
    if (comma !== -1 && comma < end) {
      candidates.push({ version: header.slice(start, comma), value: header.slice(comma + 1, end) });
    }
    start = end + 1;
  }
  return candidates;
}

function hmacMatches(expected: string, values: readonly string[]): boolean {
  // Compared as text: two texts that decode to the same bytes are not the same signature.
  const wanted = Buffer.from(expected, 'latin1');
  return values.some((value) => {
    if (value.length !== wanted.length) return false;
    const given = Buffer.from(value, 'utf8');
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  });
}

function ed25519Matches(key: KeyObject, content: Buffer, values: readonly string[]): boolean {
  return values.some((value) => {
    if (value.length !== 88) return false;
    const bytes = Buffer.from(value, 'base64');
    if (bytes.length !== SIGNATURE_BYTES || bytes.toString('base64') !== value) return false;
    return verifyBytes(null, content, key, bytes);
  });
}

function hmacBase64(secret: KeyObject, prefix: string, body: Uint8Array): string {
  return createHmac('sha256', secret).update(prefix, 'latin1').update(body).digest('base64');
}

function signedContent(prefix: string, body: Uint8Array): Buffer {
  const content = Buffer.allocUnsafe(prefix.length + body.length);
  content.write(prefix, 'latin1');
  content.set(body, prefix.length);
  return content;
}

function refused(reason: VerifyFailure): VerifyResult {
  return { ok: false, reason };
}

function decodeBase64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  // Node skips what is not base64; only the text that these bytes are written as is the key.
  if (bytes.length === 0 || bytes.toString('base64') !== text) {
    throw new SignatureError('what follows the prefix of a key must be padded, canonical base64');
  }
  return bytes;
}

function hmacKey(bytes: Buffer): HmacKey {
  if (bytes.length < SECRET_BYTES_MIN || bytes.length > SECRET_BYTES_MAX) {
    const bounds = `${SECRET_BYTES_MIN} to ${SECRET_BYTES_MAX}`;
    throw new SignatureError(
      `a whsec_ key must hold ${bounds} bytes; this one has ${bytes.length}`,
    );
  }
  return { kind: 'hmac', secret: createSecretKey(bytes) };
}

function ed25519Key(bytes: Buffer): Ed25519Key {
  if (bytes.length !== SEED_BYTES + PUBLIC_BYTES) {
    throw new SignatureError(`a whsk_ key must hold 64 bytes; this one has ${bytes.length}`);
  }
  const privateKey = privateKeyOf(bytes.subarray(0, SEED_BYTES));
  const publicKeyObject = createPublicKey(privateKey);
  if (!timingSafeEqual(rawPublicKey(publicKeyObject), bytes.subarray(SEED_BYTES))) {
    throw new SignatureError('the two halves of this whsk_ key do not belong together');
  }
  return { kind: 'ed25519', privateKey, publicKey: publicKeyObject };
}

function ed25519PublicKey(bytes: Buffer): Ed25519PublicKey {
  if (bytes.length !== PUBLIC_BYTES) {
    throw new SignatureError(`a whpk_ key must hold 32 bytes; this one has ${bytes.length}`);
  }
  const der = Buffer.concat([PUBLIC_DER, bytes]);
  return {
    kind: 'ed25519-public',
    publicKey: createPublicKey({ key: der, format: 'der', type: 'spki' }),
  };
}

function privateKeyOf(seed: Uint8Array): KeyObject {
  const der = Buffer.concat([PRIVATE_DER, seed]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

function rawPublicKey(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' }).subarray(PUBLIC_DER.length);
}
