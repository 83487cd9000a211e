import type { EventDraft } from './event.ts';
import type { Header } from './header.ts';
import type { SigningKey } from './signature.ts';

/**
 * From a stored event to the request that one endpoint receives. A dialect decides body and
 * headers; the server adds the method, the URL and the headers that the endpoint and the event
 * bring along.
 */

/** What a producer said about an event beside type, time and data. */
export interface EventMeta {
  /** The id of what the event is about. */
  readonly subject?: string | undefined;
  readonly actor?: Readonly<Record<string, unknown>> | undefined;
  /** Fields that one dialect or another shows: client IP, request URI, module, session. */
  readonly context?: Readonly<Record<string, unknown>> | undefined;
  readonly headers?: readonly Header[] | undefined;
  readonly orderingKey?: string | undefined;
  readonly channels?: readonly string[] | undefined;
}

/** An event as dialects read it; the server's stored event is one as it stands. */
export interface WireEvent {
  readonly id: string;
  readonly type: string;
  readonly tenant: string;
  /** Milliseconds since the Unix epoch. */
  readonly occurredAt: number;
  /**
   * JSON of `EventMeta`; `''` = nothing. Kept as text: most messages never need it (`decodeMeta`).
   */
  readonly meta: string;
  /** JSON exactly as posted. */
  readonly data: Uint8Array;
}

/** The endpoint as dialects read it: some formats name the receiver in the body. */
export interface WireEndpoint {
  readonly id: string;
}

export type DialectName = 'standard';

export interface HeadersInput {
  readonly event: WireEvent;
  readonly endpoint: WireEndpoint;
  /** What `body` returned, or the stored copy of it. */
  readonly body: Uint8Array;
  /** The same for every attempt of a delivery: 1–64 of `[A-Za-z0-9_-]`. */
  readonly webhookId: string;
  /** Whole seconds since the Unix epoch, of this attempt. */
  readonly timestampS: number;
  /** The current key first, then those that a rotation still keeps. */
  readonly keys: readonly SigningKey[];
}

/** One format that receivers expect. Both functions are pure. */
export interface Dialect {
  readonly name: DialectName;
  /**
   * The request's body. Called once per delivery: what it returns is frozen at the first attempt.
   */
  body(event: WireEvent, endpoint: WireEndpoint): Uint8Array;
  /** The headers of one attempt, in the order and case they are sent in. */
  headers(input: HeadersInput): Header[];
}

/** The text that `WireEvent.meta` keeps; `''` when the producer said nothing more. */
export function encodeMeta(draft: EventDraft): string {
  const { subject, actor, context, headers, orderingKey, channels } = draft;
  const meta: EventMeta = { subject, actor, context, headers, orderingKey, channels };
  const text = JSON.stringify(meta);
  return text === '{}' ? '' : text;
}

/** The inverse of `encodeMeta`. */
export function decodeMeta(text: string): EventMeta {
  return text === '' ? {} : (JSON.parse(text) as EventMeta);
}
