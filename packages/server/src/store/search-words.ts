import { isUtf8 } from 'node:buffer';
import { decodeMeta } from '@posthorn/wire';
import type { Fault } from '../core/exchange.ts';
import { addJsonWords, addWords, type SearchText } from '../core/words.ts';
import type { AttemptRow } from './store.ts';

/** What of an event and of an attempt can be searched for; both are bounded. */

/** Of an event's data. */
export const DATA_BYTES_MAX = 16_384;
/** Of the body of a response. */
export const RESPONSE_BYTES_MAX = 4096;
const BYTES_PER_STEP = 256 * 1024;

export interface EventSaid {
  readonly type: string;
  readonly idempotencyKey: string | undefined;
  /** As it is stored. */
  readonly meta: string;
  readonly data: Uint8Array;
}

export function eventWords({ type, idempotencyKey, meta, data }: EventSaid): Set<string> {
  const words = new Set<string>();
  addWords(words, type);
  if (idempotencyKey !== undefined) addWords(words, idempotencyKey);
  // Headers can hold secrets, which no search may spell out.
  const { headers: _, ...said } = decodeMeta(meta);
  if (meta !== '') addJsonWords(words, JSON.stringify(said));
  addJsonWords(words, text(data.subarray(0, DATA_BYTES_MAX)));
  return words;
}

/** The first ones, as many as one step reads the words of: about 10 ms. One at least. */
export function upToBytes<E extends Pick<EventSaid, 'data'>>(events: readonly E[]): readonly E[] {
  let bytes = 0;
  const end = events.findIndex(({ data }, i) => {
    bytes += data.length;
    return i > 0 && bytes > BYTES_PER_STEP;
  });
  return end < 0 ? events : events.slice(0, end);
}

/** What succeeded says nothing that people look for, and what was not sent says nothing new. */
export function isTold({ state, n }: Pick<AttemptRow, 'state' | 'n'>): boolean {
  return state !== 'succeeded' && n > 0;
}

export interface AttemptSaid {
  readonly detail: string;
  readonly fault: string | undefined;
  readonly status: number | undefined;
  readonly responseBody: Uint8Array;
}

/** Of one that is told. */
export function attemptWords({ detail, fault, status, responseBody }: AttemptSaid): Set<string> {
  const words = new Set<string>();
  addWords(words, detail);
  if (fault !== undefined) addWords(words, fault);
  if (status !== undefined) addWords(words, String(status));
  const body = responseBody.subarray(0, RESPONSE_BYTES_MAX);
  if (isUtf8(whole(body))) addWords(words, text(body));
  return words;
}

/** One that did not succeed, as columns have it. */
export interface LoggedAttempt {
  readonly n: number;
  readonly state: number;
  readonly status: number | null;
  readonly fault: Fault | null;
  readonly detail: string;
  readonly body: Uint8Array | null;
}

/** None of one that was not sent (`isTold`). */
export function loggedWords({ n, status, fault, detail, body }: LoggedAttempt): Set<string> {
  if (n === 0) return new Set();
  const said = { detail, fault: fault ?? undefined, status: status ?? undefined };
  return attemptWords({ ...said, responseBody: body ?? NOTHING });
}

const NOTHING = new Uint8Array();

export function hasWords(
  words: ReadonlySet<string>,
  { words: all, prefixes }: SearchText,
): boolean {
  const begins = (prefix: string) => [...words].some((word) => word.startsWith(prefix));
  return all.every((word) => words.has(word)) && prefixes.every(begins);
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}

/** Without a character that was cut in two at the end. */
function whole(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && bytes.length - end < 3 && (bytes[end - 1] as number) >= 0x80) end -= 1;
  return bytes.subarray(0, end);
}
