import { importHmac, randomBytes } from '#crypto';
import { encode, utf8 } from './encoding.ts';
import type { SecretKind } from './message.ts';
import {
  generateSecret,
  hmacKey,
  importKey,
  SignatureError,
  type SigningKey,
} from './signature.ts';

/** Secrets of every dialect: as text they are kept and shown, as keys they sign. */

/** The key that a secret is to a dialect. Throws `SignatureError`, which never repeats the secret. */
export function importSecret(kind: SecretKind, text: string): SigningKey {
  if (kind === 'key') return importKey(text);
  if (kind === 'ed25519') {
    const key = importKey(text);
    if (key.kind === 'ed25519') return key;
    throw new SignatureError('this format signs with ed25519, whose secrets begin with whsk_');
  }
  if (text === '') throw new SignatureError('the secret is empty');
  return { kind: 'hmac', secret: importHmac(utf8(text)) };
}

/** A new secret as the system behind the dialect makes them. `random` must be cryptographic. */
export function makeSecret(
  kind: SecretKind,
  random: (bytes: number) => Uint8Array = randomBytes,
): string {
  if (kind === 'hex') return encode(random(32), 'hex');
  if (kind === 'alphanumeric') return alphanumeric(32, random);
  return generateSecret(kind === 'ed25519' ? 'whsk' : 'whsec', random);
}

/**
 * The `whsec_…` that receivers verify Standard Webhooks headers with, where a dialect's own secret is
 * any text: the same bytes. Throws `SignatureError` if they are too few or too many for it.
 */
export function standardSecret(kind: SecretKind, text: string): string {
  if (kind === 'key' || kind === 'ed25519') return text;
  const bytes = utf8(text);
  hmacKey(bytes);
  return `whsec_${encode(bytes, 'base64')}`;
}

const ALPHANUMERIC = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

function alphanumeric(chars: number, random: (bytes: number) => Uint8Array): string {
  // The bytes above the last whole multiple of 62 would make its first characters likelier.
  const bound = 256 - (256 % ALPHANUMERIC.length);
  let text = '';
  while (text.length < chars) {
    for (const byte of random(chars)) {
      if (byte < bound && text.length < chars) text += ALPHANUMERIC[byte % ALPHANUMERIC.length];
    }
  }
  return text;
}
