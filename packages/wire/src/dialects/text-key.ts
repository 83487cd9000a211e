import { hmacSync } from '#crypto';
import { SignatureError, type SigningKey } from '../signature.ts';

/**
 * The signature of formats with a single one: made with the current key. Two signatures have no place
 * there, so a rotation has no overlap.
 */
export function hmacHex(keys: readonly SigningKey[], prefix: string, body: Uint8Array): string {
  const [key] = keys;
  if (key === undefined) throw new SignatureError('the endpoint has no key to sign with');
  if (key.kind !== 'hmac') throw new SignatureError('this format signs with HMAC: rotate the key');
  return hmacSync(key.secret, { hash: 'sha256', prefix, body, encoding: 'hex' });
}
