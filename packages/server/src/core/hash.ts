import { createHash, timingSafeEqual } from 'node:crypto';

/** How keys, tokens and secrets that are only compared are kept: lower-case hex SHA-256 of their text. */
export function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Compares what is secret, or its hash, in a time that tells nothing of where the two differ. */
export function sameText(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
