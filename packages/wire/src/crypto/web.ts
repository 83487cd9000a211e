import { concat, type Encoding, encode, equalInConstantTime, utf8 } from '../encoding.ts';
import { CryptoError, type Hash, type HmacInput, type KeyHandle, PRIVATE_DER } from './port.ts';

/** `#crypto` over WebCrypto, for runtimes without node:crypto. */

type CryptoKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

const HASHES = { sha1: 'SHA-1', sha256: 'SHA-256', sha512: 'SHA-512' } as const;

/** WebCrypto binds a key to a hash and imports it asynchronously; both are put off to its use. */
class HmacHandle {
  readonly #secret: Uint8Array<ArrayBuffer>;
  readonly #keys = new Map<Hash, Promise<CryptoKey>>();

  constructor(secret: Uint8Array) {
    this.#secret = Uint8Array.from(secret);
  }

  key(hash: Hash): Promise<CryptoKey> {
    let key = this.#keys.get(hash);
    if (key === undefined) {
      const algorithm = { name: 'HMAC', hash: HASHES[hash] };
      key = crypto.subtle.importKey('raw', this.#secret, algorithm, false, ['sign']);
      this.#keys.set(hash, key);
    }
    return key;
  }
}

class Ed25519Handle {
  readonly #import: () => Promise<CryptoKey>;
  #key: Promise<CryptoKey> | undefined;

  constructor(importKey: () => Promise<CryptoKey>) {
    this.#import = importKey;
  }

  key(): Promise<CryptoKey> {
    this.#key ??= this.#import();
    return this.#key;
  }
}

export function randomBytes(bytes: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(bytes));
}

export function importHmac(secret: Uint8Array): KeyHandle {
  return new HmacHandle(secret);
}

export async function hmac(key: KeyHandle, input: HmacInput): Promise<string> {
  const imported = await (key as HmacHandle).key(input.hash);
  const content = concat([utf8(input.prefix), input.body]);
  return encode(
    new Uint8Array(await crypto.subtle.sign('HMAC', imported, content)),
    input.encoding,
  );
}

export function hmacSync(_key: KeyHandle, _input: HmacInput): string {
  throw notHere();
}

export async function digest(hash: Hash, bytes: Uint8Array, encoding: Encoding): Promise<string> {
  const result = await crypto.subtle.digest(HASHES[hash], Uint8Array.from(bytes));
  return encode(new Uint8Array(result), encoding);
}

export function digestSync(_hash: Hash, _bytes: Uint8Array): Uint8Array {
  throw notHere();
}

export function equalText(a: string, b: string): boolean {
  return equalInConstantTime(a, b);
}

export function importEd25519Private(seed: Uint8Array, publicKey: Uint8Array): KeyHandle {
  const der = concat([PRIVATE_DER, seed]);
  return new Ed25519Handle(async () => {
    const key = await crypto.subtle.importKey('pkcs8', der, 'Ed25519', false, ['sign']);
    // WebCrypto gives no public half of a private key: what it signs must verify with the given one.
    const signature = await crypto.subtle.sign('Ed25519', key, publicKey.slice());
    const other = await publicHandle(publicKey).key();
    if (await crypto.subtle.verify('Ed25519', other, signature, publicKey.slice())) return key;
    throw new RangeError('the halves of an ed25519 key do not belong together');
  });
}

export function importEd25519Public(bytes: Uint8Array): KeyHandle {
  return publicHandle(bytes);
}

function publicHandle(bytes: Uint8Array): Ed25519Handle {
  const raw = Uint8Array.from(bytes);
  return new Ed25519Handle(() => crypto.subtle.importKey('raw', raw, 'Ed25519', false, ['verify']));
}

export function ed25519PublicSync(_seed: Uint8Array): Uint8Array {
  throw notHere();
}

export async function ed25519Sign(key: KeyHandle, content: Uint8Array): Promise<Uint8Array> {
  const imported = await (key as Ed25519Handle).key();
  return new Uint8Array(await crypto.subtle.sign('Ed25519', imported, content.slice()));
}

export function ed25519SignSync(_key: KeyHandle, _content: Uint8Array): Uint8Array {
  throw notHere();
}

export async function ed25519Verify(
  key: KeyHandle,
  content: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const imported = await (key as Ed25519Handle).key();
  return crypto.subtle.verify('Ed25519', imported, signature.slice(), content.slice());
}

function notHere(): CryptoError {
  return new CryptoError(
    'this runtime has only WebCrypto, which is asynchronous: use verify() or scheme.sign() and await it',
  );
}
