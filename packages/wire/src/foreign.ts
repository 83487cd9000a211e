import { digestSync } from '#crypto';
import { encode, utf8 } from './encoding.ts';

/**
 * Ids for formats whose ids look otherwise than ours. They are made of SHA-256 of a kind and our own
 * id, so they need no storage, never change, and tell nothing to who does not know the id.
 */

export type ForeignKind = 'tenant' | 'endpoint' | 'subscriber' | 'event' | 'subject' | 'delivery';

/** What has an id, and perhaps another one that foreign formats should show. */
export interface Named {
  readonly id: string;
  readonly alias: string | null;
}

/** The alias if there is one, else a UUIDv8 (RFC 9562). */
export function foreign(kind: ForeignKind, { id, alias }: Named): string {
  return alias ?? foreignUuid(kind, id);
}

/** @example foreignUuid('tenant', 'default') // '18f4f1a6-…-8…-…' */
export function foreignUuid(kind: ForeignKind, id: string): string {
  return uuid(hash(kind, id).slice(0, 16), 8);
}

/** A UUIDv7 of that time; the rest of it is made of the id. */
export function foreignUuidV7(kind: ForeignKind, id: string, ms: number): string {
  const bytes = hash(kind, id).slice(0, 16);
  let rest = Math.min(Math.max(Math.trunc(ms), 0), 2 ** 48 - 1);
  for (let at = 5; at >= 0; at -= 1) {
    bytes[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return uuid(bytes, 7);
}

/** 21 characters of `[0-9a-z]`, as Logto makes them. */
export function foreignShortId(kind: ForeignKind, id: string): string {
  const number = BigInt(`0x${encode(hash(kind, id), 'hex')}`) % 36n ** 21n;
  return number.toString(36).padStart(21, '0');
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** No kind holds a line break, so kind and id cannot be cut at another place. */
function hash(kind: ForeignKind, id: string): Uint8Array {
  return digestSync('sha256', utf8(`${kind}\n${id}`));
}

function uuid(bytes: Uint8Array, version: 7 | 8): string {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | (version << 4);
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = encode(bytes, 'hex');
  const ends = [8, 12, 16, 20, 32];
  return ends.map((end, i) => hex.slice(ends[i - 1] ?? 0, end)).join('-');
}
