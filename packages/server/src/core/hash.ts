import { createHash } from 'node:crypto';

/** How keys, tokens and secrets that are only compared are kept: lower-case hex SHA-256 of their text. */
export function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
