import { randomBytes } from '#crypto';
import { encode } from '../encoding.ts';

/** Tells one holder of a key from the next: a late one must not settle what is no longer its own. */
export function newToken(): string {
  return encode(randomBytes(16), 'hex');
}
