import * as nodeCrypto from 'node:crypto';
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type KeyObject,
  randomBytes as nodeRandomBytes,
  sign as signBytes,
  timingSafeEqual,
  verify as verifyBytes,
} from 'node:crypto';
import { concat, type Encoding } from '../encoding.ts';
import type { MaybePromise } from '../maybe-promise.ts';
import { type Hash, type HmacInput, type KeyHandle, PRIVATE_DER, PUBLIC_DER } from './port.ts';

/** `#crypto` over node:crypto. */

/** Node has it since 20.12; what else offers node:crypto may not. */
const oneShot: typeof nodeCrypto.hash | undefined = nodeCrypto.hash;

export function randomBytes(bytes: number): Uint8Array {
  return nodeRandomBytes(bytes);
}

export function importHmac(secret: Uint8Array): KeyHandle {
  return new HmacHandle(secret);
}

export function hmac(key: KeyHandle, input: HmacInput): MaybePromise<string> {
  return (key as HmacHandle).sign(input);
}

export function hmacSync(key: KeyHandle, input: HmacInput): string {
  return (key as HmacHandle).sign(input);
}

/** Above it hashing takes longer than what `createHmac` costs beside it. */
const ONE_SHOT_BYTES_MAX = 16_384;
const BLOCK_BYTES = { sha1: 64, sha256: 64, sha512: 128 } as const;
/** Where messages are put together; used and done with inside one call. */
const SCRATCH = Buffer.alloc(BLOCK_BYTES.sha512 + ONE_SHOT_BYTES_MAX);

/** A key as RFC 2104 pads it. `outer` has room for the inner digest behind it. */
interface Pads {
  readonly inner: Buffer;
  readonly outer: Buffer;
}

/**
 * HMAC of small messages as two one-shot hashes, which is a third less CPU than `createHmac`: that
 * makes a stream object for each message (`npm run bench -- verify`). Private fields, because dumps
 * print them not.
 */
class HmacHandle {
  readonly #key: KeyObject;
  readonly #secret: Uint8Array;
  readonly #pads = new Map<Hash, Pads>();

  constructor(secret: Uint8Array) {
    this.#key = createSecretKey(secret);
    this.#secret = Uint8Array.from(secret);
  }

  sign({ hash, prefix, body, encoding }: HmacInput): string {
    const bytes = prefix.length + body.length;
    if (oneShot === undefined || bytes > ONE_SHOT_BYTES_MAX) {
      return createHmac(hash, this.#key).update(prefix, 'latin1').update(body).digest(encoding);
    }
    const { inner, outer } = this.#pads.get(hash) ?? this.#pad(hash);
    const block = inner.length;
    SCRATCH.set(inner);
    SCRATCH.write(prefix, block, 'latin1');
    SCRATCH.set(body, block + prefix.length);
    outer.write(oneShot(hash, SCRATCH.subarray(0, block + bytes), 'binary'), block, 'latin1');
    return oneShot(hash, outer, encoding);
  }

  #pad(hash: Hash): Pads {
    const block = BLOCK_BYTES[hash];
    const key = this.#secret.length > block ? digestSync(hash, this.#secret) : this.#secret;
    const inner = Buffer.alloc(block);
    const outer = Buffer.alloc(block + digestSync(hash, key).length);
    for (let i = 0; i < block; i += 1) {
      const byte = key[i] ?? 0;
      inner[i] = byte ^ 0x36;
      outer[i] = byte ^ 0x5c;
    }
    const pads = { inner, outer };
    this.#pads.set(hash, pads);
    return pads;
  }
}

export function digest(hash: Hash, bytes: Uint8Array, encoding: Encoding): MaybePromise<string> {
  return createHash(hash).update(bytes).digest(encoding);
}

export function digestSync(hash: Hash, bytes: Uint8Array): Uint8Array {
  return createHash(hash).update(bytes).digest();
}

/** Pairs of buffers by length: signatures have few lengths, and a new buffer costs more than a copy. */
const COMPARED: [Buffer, Buffer][] = [];
const COMPARED_CHARS_MAX = 128;

export function equalText(a: string, b: string): boolean {
  const { length } = a;
  // No signature is longer: sha512 in hex has 128 digits.
  if (length !== b.length || length > COMPARED_CHARS_MAX) return false;
  let pair = COMPARED[length];
  if (pair === undefined) {
    pair = [Buffer.alloc(length), Buffer.alloc(length)];
    COMPARED[length] = pair;
  }
  // What is not ASCII does not fit, and is no signature.
  if (pair[0].write(a) !== length || pair[1].write(b) !== length) return false;
  return timingSafeEqual(pair[0], pair[1]);
}

export function importEd25519Private(seed: Uint8Array, publicKey: Uint8Array): KeyHandle {
  const key = privateKeyOf(seed);
  const expected = createPublicKey(key).export({ format: 'der', type: 'spki' });
  if (!expected.subarray(PUBLIC_DER.length).equals(publicKey)) {
    throw new RangeError('the halves of an ed25519 key do not belong together');
  }
  return key;
}

export function importEd25519Public(bytes: Uint8Array): KeyHandle {
  const der = Buffer.from(concat([PUBLIC_DER, bytes]));
  return createPublicKey({ key: der, format: 'der', type: 'spki' });
}

/** The public half of a seed. */
export function ed25519PublicSync(seed: Uint8Array): Uint8Array {
  const der = createPublicKey(privateKeyOf(seed)).export({ format: 'der', type: 'spki' });
  return der.subarray(PUBLIC_DER.length);
}

export function ed25519Sign(key: KeyHandle, content: Uint8Array): MaybePromise<Uint8Array> {
  return ed25519SignSync(key, content);
}

export function ed25519SignSync(key: KeyHandle, content: Uint8Array): Uint8Array {
  return signBytes(null, content, key as KeyObject);
}

export function ed25519Verify(
  key: KeyHandle,
  content: Uint8Array,
  signature: Uint8Array,
): MaybePromise<boolean> {
  return verifyBytes(null, content, key as KeyObject, signature);
}

function privateKeyOf(seed: Uint8Array): KeyObject {
  const der = Buffer.from(concat([PRIVATE_DER, seed]));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}
