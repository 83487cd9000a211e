import type { EventId, LaneId } from '../core/model.ts';
import type { AttemptRecord } from './store.ts';

/** How SQL engines spell the log. */

/** States as stored; the order is that of the column. */
export const STATES = ['pending', 'succeeded', 'failed', 'cancelled'] as const;

/** Bits of `attempt.flags`. */
export const FLAG_AFTER_CRASH = 1;
export const FLAG_TRUNCATED = 2;
/** Heads are sealed: they hold a secret. */
export const FLAG_SEALED = 4;
/** The body is `body_before` + the event's data + `body_after`; else `body_before` alone. */
export const FLAG_SPLICED = 8;
/** `body_before` stands with the run's first attempt. */
export const FLAG_SAME_BODY = 16;
export const FLAG_TLS = 32;
/** Its delivery had ended before: the outcome of a sender that had lost the lane, or was cancelled. */
export const FLAG_LATE = 64;
/** Its bytes were taken, by retention or on request. */
export const FLAG_ERASED = 128;

/** Why what was owed of an erased event is cancelled. */
export const ERASED = 'The payload of the event was erased.';

/** What is logged of an exchange whose event was erased while it went on; with FLAG_ERASED. */
export function withoutBytes(record: AttemptRecord): AttemptRecord {
  return { ...record, ...NO_BYTES };
}

const EMPTY = new Uint8Array();
const NO_BYTES = {
  url: '',
  requestHead: EMPTY,
  body: { kind: 'same' },
  responseHead: EMPTY,
  responseBody: EMPTY,
} as const;

/** The place that an attempt's sealed heads are bound to. */
export function headsPlace(of: {
  readonly event: EventId;
  readonly lane: LaneId;
  readonly run: number;
  readonly n: number;
}): string {
  return `attempt/${of.event}/${of.lane}/${of.run}/${of.n}`;
}

/** `dns connect tls firstByte total` in tenths of a millisecond, `-` = that step did not happen. */
export function timingsText(timings: AttemptRecord['timings']): string {
  const { dnsMs, connectMs, tlsMs, firstByteMs, totalMs } = timings;
  return `${tenths(dnsMs)} ${tenths(connectMs)} ${tenths(tlsMs)} ${tenths(firstByteMs)} ${tenths(totalMs)}`;
}

function tenths(ms: number | undefined): number | '-' {
  return ms === undefined ? '-' : Math.round(ms * 10);
}

export function parseTimings(text: string): AttemptRecord['timings'] {
  const [dnsMs, connectMs, tlsMs, firstByteMs, totalMs] = text
    .split(' ')
    .map((part) => (part === '-' ? undefined : Number(part) / 10));
  return { dnsMs, connectMs, tlsMs, firstByteMs, totalMs: totalMs ?? 0 };
}

/** Method and URL as they were sent; from the head, or `url` if nothing was sent. */
export function requestLine(
  head: Uint8Array,
  { flags, url }: { readonly flags: number; readonly url: string | null },
): { method: string; url: string } {
  const text = Buffer.from(head).toString('latin1');
  const [method = '', target = ''] = text.slice(0, text.indexOf('\r\n')).split(' ');
  if (!target) return { method: '', url: url ?? '' };
  const host = /\r\nhost: *([^\r]*)/i.exec(text)?.[1] ?? '';
  return { method, url: `${flags & FLAG_TLS ? 'https' : 'http'}://${host}${target}` };
}
