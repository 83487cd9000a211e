import type { InboxId } from './inbox.ts';
import type { EndpointId, EventId, JobId, KeyId, Ms, SessionId, Slot } from './model.ts';
import type { AppId, AuditId, GrantId, VisitId } from './oauth.ts';

/**
 * Ids are UUIDv7 (RFC 9562) in lower-case Crockford base32 behind a kind prefix. They sort by time,
 * so new rows go to the right edge of every index. Byte 9 carries the slot: who has an id knows the
 * part of the key space it lives in. They reveal when they were made; they are not secrets.
 *
 *     0      6   7     8        9      10         16
 *     | ms   |7|counter|10|rand | slot | random   |
 */

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const DECODE = new Int8Array(128).fill(-1);
for (let i = 0; i < ALPHABET.length; i++) DECODE[ALPHABET.charCodeAt(i)] = i;

const COUNTER_MAX = 4095;

/** 128 bits as 26 characters (the first holds 3 bits). */
export function encodeId(bytes: Uint8Array): string {
  let out = '';
  let bits = 2;
  let acc = 0;
  for (let i = 0; i < 16; i++) {
    acc = (acc << 8) | (bytes[i] as number);
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out += ALPHABET[(acc >> bits) & 31];
    }
    acc &= (1 << bits) - 1;
  }
  return out;
}

/** The 16 bytes behind the prefix; undefined if the text is not an id. */
export function decodeId(id: string): Uint8Array | undefined {
  const start = id.indexOf('_') + 1;
  if (start === 0 || id.length - start !== 26) return undefined;
  const bytes = new Uint8Array(16);
  let acc = 0;
  let bits = -2;
  let at = 0;
  for (let i = start; i < id.length; i++) {
    const code = id.charCodeAt(i);
    const value = code < 128 ? (DECODE[code] as number) : -1;
    if (value < 0) return undefined;
    acc = (acc << 5) | value;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (acc >> bits) & 255;
      acc &= (1 << bits) - 1;
    }
  }
  return id.charCodeAt(start) <= 55 /* '7' */ ? bytes : undefined;
}

export function isId<P extends 'evt' | 'ep' | 'att' | 'key' | 'ses' | 'inb' | 'cap'>(
  prefix: P,
  text: string,
): text is `${P}_${string}` {
  return text.startsWith(`${prefix}_`) && decodeId(text) !== undefined;
}

export function slotOfId(bytes: Uint8Array): Slot {
  return bytes[9] as number;
}

export function timeOfId(bytes: Uint8Array): Ms {
  let ms = 0;
  for (let i = 0; i < 6; i++) ms = ms * 256 + (bytes[i] as number);
  return ms;
}

export interface IdFactory {
  event(slot: Slot, now: Ms): EventId;
  endpoint(now: Ms): EndpointId;
  key(now: Ms): KeyId;
  job(now: Ms): JobId;
  session(now: Ms): SessionId;
  inbox(now: Ms): InboxId;
  app(now: Ms): AppId;
  grant(now: Ms): GrantId;
  visit(now: Ms): VisitId;
  audit(now: Ms): AuditId;
}

/**
 * The counters of one millisecond, shared out: stores key events by time and counter, so two
 * factories of a process must never give out the same two.
 */
export const COUNTERS = {
  /** What producers post. */
  publishing: { first: 0, last: 3071 },
  /** What delivery tells of itself, from its own thread. */
  delivering: { first: 3072, last: COUNTER_MAX },
} as const;

export interface IdFactoryOptions {
  /** All ids are later: with the time of the newest id of the process before, they are new. */
  readonly after?: Ms;
  readonly counters?: { readonly first: number; readonly last: number };
}

/** Ids of one factory grow strictly, also when the clock stands still or steps back. */
export function createIdFactory(
  random: (count: number) => Uint8Array,
  { after = 0, counters = COUNTERS.publishing }: IdFactoryOptions = {},
): IdFactory {
  const pool = { bytes: random(2048), at: 0 };
  const bytes = new Uint8Array(16);
  let lastMs = after;
  let counter = counters.last;

  function next(now: Ms, slot: Slot | undefined): string {
    if (now > lastMs) {
      lastMs = now;
      counter = counters.first;
    } else if (++counter > counters.last) {
      lastMs += 1;
      counter = counters.first;
    }
    if (pool.at + 8 > pool.bytes.length) {
      pool.bytes = random(2048);
      pool.at = 0;
    }
    let rest = lastMs;
    for (let i = 5; i >= 0; i--) {
      bytes[i] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    bytes[6] = 0x70 | (counter >> 8);
    bytes[7] = counter & 255;
    for (let i = 8; i < 16; i++) bytes[i] = pool.bytes[pool.at++] as number;
    bytes[8] = 0x80 | ((bytes[8] as number) & 0x3f);
    if (slot !== undefined) bytes[9] = slot;
    return encodeId(bytes);
  }

  return {
    event: (slot, now) => `evt_${next(now, slot)}`,
    endpoint: (now) => `ep_${next(now, undefined)}`,
    key: (now) => `key_${next(now, undefined)}`,
    job: (now) => `job_${next(now, undefined)}`,
    session: (now) => `ses_${next(now, undefined)}`,
    inbox: (now) => `inb_${next(now, undefined)}`,
    app: (now) => `app_${next(now, undefined)}`,
    grant: (now) => `grt_${next(now, undefined)}`,
    visit: (now) => `vis_${next(now, undefined)}`,
    audit: (now) => `aud_${next(now, undefined)}`,
  };
}
