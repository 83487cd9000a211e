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

export function randomBytes(bytes: number): Uint8Array {
  return nodeRandomBytes(bytes);
}

export function importHmac(secret: Uint8Array): KeyHandle {
  return createSecretKey(secret);
}

export function hmac(key: KeyHandle, input: HmacInput): MaybePromise<string> {
  return hmacSync(key, input);
}

export function hmacSync(key: KeyHandle, input: HmacInput): string {
  return createHmac(input.hash, key as KeyObject)
    .update(input.prefix, 'latin1')
    .update(input.body)
    .digest(input.encoding);
}

export function digest(hash: Hash, bytes: Uint8Array, encoding: Encoding): MaybePromise<string> {
  return createHash(hash).update(bytes).digest(encoding);
}

export function digestSync(hash: Hash, bytes: Uint8Array): Uint8Array {
  return createHash(hash).update(bytes).digest();
}

export function equalText(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  const x = Buffer.from(a, 'utf8');
  const y = Buffer.from(b, 'utf8');
  return x.length === y.length && timingSafeEqual(x, y);
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
