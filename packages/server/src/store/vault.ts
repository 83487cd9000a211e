import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { StoreError } from './store.ts';

/**
 * Seals what must not be readable in a copy of the store: endpoints (secrets, header values) and
 * logged heads that carry them. AES-256-GCM, a random 96-bit nonce before the text and the tag after
 * it; `place` (table and row) is authenticated, so a sealed value cannot be moved to another row.
 */
export interface Vault {
  seal(plain: Uint8Array, place: string): Uint8Array;
  open(sealed: Uint8Array, place: string): Uint8Array;
}

export function createVault(masterKey: string): Vault {
  const key = Buffer.from(hkdfSync('sha256', masterKey, 'posthorn', 'store v1', 32));
  return {
    seal(plain, place) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      cipher.setAAD(Buffer.from(place));
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open(sealed, place) {
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12));
        decipher.setAAD(Buffer.from(place));
        decipher.setAuthTag(sealed.subarray(sealed.length - 16));
        const plain = decipher.update(sealed.subarray(12, sealed.length - 16));
        return Buffer.concat([plain, decipher.final()]);
      } catch (cause) {
        throw new StoreError(
          'fatal',
          `A sealed value (${place}) does not open: the master key is another one than it was written with, or the store is damaged.`,
          cause,
        );
      }
    },
  };
}
