import {
  ed25519PublicSync,
  ed25519Sign,
  ed25519SignSync,
  ed25519Verify,
  equalText,
  hmac,
  hmacSync,
  importEd25519Private,
  importEd25519Public,
  importHmac,
  randomBytes,
} from '#crypto';
import { type KeyHandle, SIGNATURE_BYTES } from './crypto/port.ts';
import { concat, decode, encode, utf8 } from './encoding.ts';
import { firstIndex, isPromise, type MaybePromise, whenReady } from './maybe-promise.ts';

/**
 * Standard Webhooks 1.0.0: `v1` (HMAC-SHA256) and `v1a` (ed25519) over `<id>.<timestamp>.<body>`.
 * Only bytes are signed, never text, and the kind of the key decides the algorithm: nothing in a
 * request can.
 */

/** Signs and verifies `v1`. Made of `whsec_…`. */
export interface HmacKey {
  readonly kind: 'hmac';
  readonly secret: KeyHandle;
}

/** Signs and verifies `v1a`. Made of `whsk_…`. */
export interface Ed25519Key {
  readonly kind: 'ed25519';
  readonly privateKey: KeyHandle;
  readonly publicKey: KeyHandle;
  /** The public half, which is no secret. */
  readonly publicBytes: Uint8Array;
}

/** Verifies `v1a` and cannot sign. Made of `whpk_…`. */
export interface Ed25519PublicKey {
  readonly kind: 'ed25519-public';
  readonly publicKey: KeyHandle;
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
/** How many entries of a signature header are looked at; a rotation needs two (A27). */
const SIGNATURES_MAX = 16;

/** An id with a `.` could move the border between id and timestamp (A22). */
const ID = /^[A-Za-z0-9_-]{1,64}$/;
const TIMESTAMP = /^[0-9]{1,11}$/;
const TIMESTAMP_MAX = 99_999_999_999;

/**
 * A new key as text: `whsec_` and 32 random bytes, or `whsk_` and an ed25519 seed with its public
 * key (as Svix writes it). `random` must be cryptographic; the runtime's own unless told.
 */
export function generateSecret(
  kind: 'whsec' | 'whsk',
  random: (bytes: number) => Uint8Array = randomBytes,
): string {
  const bytes = random(kind === 'whsec' ? SECRET_BYTES : SEED_BYTES);
  if (bytes.length !== 32) throw new SignatureError('the source of randomness gave too few bytes');
  if (kind === 'whsec') return `whsec_${encode(bytes, 'base64')}`;
  return `whsk_${encode(concat([bytes, ed25519PublicSync(bytes)]), 'base64')}`;
}

/** The `whpk_…` that receivers of a `whsk_…` verify with. Throws `SignatureError`. */
export function publicKey(whsk: string): string {
  const key = importKey(whsk);
  if (key.kind !== 'ed25519') throw new SignatureError('only a whsk_ key has a public key');
  return `whpk_${encode(key.publicBytes, 'base64')}`;
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
  if (text.startsWith('whsec_')) return hmacKey(decodeKey(encoded));
  if (text.startsWith('whsk_')) return ed25519Key(decodeKey(encoded));
  if (text.startsWith('whpk_')) return ed25519PublicKey(decodeKey(encoded));
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
  const prefix = signedPrefix(input);
  const { body } = input;
  if (key.kind === 'hmac') return `v1,${hmacSync(key.secret, hmacInput(prefix, body))}`;
  const signature = ed25519SignSync(key.privateKey, signedContent(prefix, body));
  return `v1a,${encode(signature, 'base64')}`;
}

/** `sign` for any runtime. */
export function signAnywhere(key: SigningKey, input: SignInput): MaybePromise<string> {
  const prefix = signedPrefix(input);
  if (key.kind === 'hmac') {
    return whenReady(hmac(key.secret, hmacInput(prefix, input.body)), (text) => `v1,${text}`);
  }
  const signature = ed25519Sign(key.privateKey, signedContent(prefix, input.body));
  return whenReady(signature, (bytes) => `v1a,${encode(bytes, 'base64')}`);
}

/** What stands before the body in the signed content. Throws `SignatureError`. */
function signedPrefix({ id, timestampS }: SignInput): string {
  if (!ID.test(id)) throw new SignatureError('a webhook-id is 1 to 64 letters, digits, "_" or "-"');
  if (!Number.isInteger(timestampS) || timestampS < 0 || timestampS > TIMESTAMP_MAX) {
    throw new SignatureError('a webhook-timestamp is whole seconds since 1970, at most 11 digits');
  }
  return `${id}.${timestampS}.`;
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
  readonly toleranceS?: number | Tolerance | undefined;
}

/** Seconds that a timestamp may lie behind and ahead of the clock. */
export interface Tolerance {
  readonly pastS: number;
  readonly futureS: number;
}

/**
 * Checks a received request. A refusal is a value, never an exception. At most 16 signatures are
 * looked at, each compared in constant time; base64 that is not canonical is refused, so no bit
 * can be changed. Needs node:crypto; `createVerifier` does the same everywhere.
 */
export function verify(input: VerifyInput): VerifyResult {
  const result = check(input);
  if (isPromise(result)) {
    throw new SignatureError('this runtime has only WebCrypto: use createVerifier and await it');
  }
  return result;
}

/** `verify` for any runtime: at once where its crypto is, a promise otherwise. */
export function check(input: VerifyInput): MaybePromise<VerifyResult> {
  const { id, timestamp, signature, body, keys, nowS, toleranceS = 300 } = input;
  const { pastS, futureS } =
    typeof toleranceS === 'number' ? { pastS: toleranceS, futureS: toleranceS } : toleranceS;
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
  if (!(nowS - timestampS <= pastS)) return refused('too_old');
  if (!(timestampS - nowS <= futureS)) return refused('too_new');

  const offered = { v1: valuesOf(signature, 'v1,'), v1a: valuesOf(signature, 'v1a,') };
  if (!keys.some((key) => offered[versionOf(key)].length > 0)) return refused('no_signature');
  // The timestamp's own digits are signed, so `007` is not `7`.
  const content = { prefix: `${id}.${timestamp}.`, body };
  const found = firstIndex(keys, (key) => matches(key, content, offered[versionOf(key)]));
  return whenReady(found, (keyIndex) =>
    keyIndex === -1 ? refused('mismatch') : { ok: true, keyIndex, timestampS },
  );
}

function versionOf(key: VerifyKey): 'v1' | 'v1a' {
  return key.kind === 'hmac' ? 'v1' : 'v1a';
}

function matches(
  key: VerifyKey,
  { prefix, body }: { readonly prefix: string; readonly body: Uint8Array },
  values: readonly string[],
): MaybePromise<boolean> {
  if (values.length === 0) return false;
  if (key.kind !== 'hmac') {
    const content = signedContent(prefix, body);
    const index = firstIndex(values, (value) => {
      const bytes = decode(value, 'base64');
      return bytes?.length === SIGNATURE_BYTES && ed25519Verify(key.publicKey, content, bytes);
    });
    return whenReady(index, (at) => at !== -1);
  }
  // Compared as text: two texts that decode to the same bytes are not the same signature.
  return whenReady(hmac(key.secret, hmacInput(prefix, body)), (expected) =>
    values.some((value) => equalText(value, expected)),
  );
}

/**
 * What stands behind `version` in the first 16 entries of the header, empty ones counted; it is never
 * split as a whole.
 */
function valuesOf(header: string, version: string): string[] {
  const values: string[] = [];
  let start = 0;
  for (let seen = 0; seen < SIGNATURES_MAX && start <= header.length; seen += 1) {
    const space = header.indexOf(' ', start);
    const end = space === -1 ? header.length : space;
    if (header.startsWith(version, start)) values.push(header.slice(start + version.length, end));
    start = end + 1;
  }
  return values;
}

function hmacInput(prefix: string, body: Uint8Array) {
  return { hash: 'sha256', prefix, body, encoding: 'base64' } as const;
}

/** ed25519 reads its message twice, so there is no streaming form: all of it must lie together. */
function signedContent(prefix: string, body: Uint8Array): Uint8Array {
  return concat([utf8(prefix), body]);
}

function refused(reason: VerifyFailure): VerifyResult {
  return { ok: false, reason };
}

function decodeKey(text: string): Uint8Array {
  const bytes = decode(text, 'base64');
  // Only the text that these bytes are written as is the key.
  if (bytes === undefined || bytes.length === 0) {
    throw new SignatureError('what follows the prefix of a key must be padded, canonical base64');
  }
  return bytes;
}

/** Signs and verifies `v1` with bytes that are already decoded: 24 to 64 of them. */
export function hmacKey(bytes: Uint8Array): HmacKey {
  if (bytes.length < SECRET_BYTES_MIN || bytes.length > SECRET_BYTES_MAX) {
    const bounds = `${SECRET_BYTES_MIN} to ${SECRET_BYTES_MAX}`;
    throw new SignatureError(
      `a whsec_ key must hold ${bounds} bytes; this one has ${bytes.length}`,
    );
  }
  return { kind: 'hmac', secret: importHmac(bytes) };
}

function ed25519Key(bytes: Uint8Array): Ed25519Key {
  if (bytes.length !== SEED_BYTES + PUBLIC_BYTES) {
    throw new SignatureError(`a whsk_ key must hold 64 bytes; this one has ${bytes.length}`);
  }
  const publicBytes = bytes.slice(SEED_BYTES);
  return {
    kind: 'ed25519',
    privateKey: importPrivate(bytes.subarray(0, SEED_BYTES), publicBytes),
    publicKey: importEd25519Public(publicBytes),
    publicBytes,
  };
}

function importPrivate(seed: Uint8Array, publicBytes: Uint8Array): KeyHandle {
  try {
    return importEd25519Private(seed, publicBytes);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new SignatureError('the two halves of this whsk_ key do not belong together');
  }
}

function ed25519PublicKey(bytes: Uint8Array): Ed25519PublicKey {
  if (bytes.length !== PUBLIC_BYTES) {
    throw new SignatureError(`a whpk_ key must hold 32 bytes; this one has ${bytes.length}`);
  }
  return { kind: 'ed25519-public', publicKey: importEd25519Public(bytes) };
}
