import type { Encoding } from '../encoding.ts';

/**
 * What `#crypto` offers: `node.ts` where the runtime has node:crypto (Node, Bun, Deno), `web.ts`
 * where it has WebCrypto only (Workers, browsers). package.json chooses between them. Verifying works
 * with both. The functions that end in `Sync` exist for the sending side, which runs on Node; with
 * WebCrypto they throw.
 */

export type Hash = 'sha1' | 'sha256' | 'sha512';

/** A key as the runtime holds it. Printing one shows no bytes of it. */
export type KeyHandle = object;

/** What is signed: a prefix in ASCII, then the body's bytes. */
export interface HmacInput {
  readonly hash: Hash;
  readonly prefix: string;
  readonly body: Uint8Array;
  readonly encoding: Encoding;
}

/** A feature that this runtime's crypto lacks. */
export class CryptoError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CryptoError';
  }
}

export const SIGNATURE_BYTES = 64;
/** What stands before 32 bytes of key in the DER of RFC 8410: PKCS #8 (private), SPKI (public). */
export const PRIVATE_DER = Uint8Array.from([
  0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
]);
export const PUBLIC_DER = Uint8Array.from([
  0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
]);
