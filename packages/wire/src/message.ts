import type { CustomFormat } from './custom-format.ts';
import type { EventDraft } from './event.ts';
import type { Header } from './header.ts';
import type { SigningKey } from './signature.ts';
import type { TraceContext } from './trace.ts';

/**
 * From a stored event to the request that one endpoint receives, and back. A dialect decides body
 * and headers, also where the endpoint's own headers stand; the server adds method and URL.
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
  /** Of the request that posted it. */
  readonly trace?: TraceContext | undefined;
  /** Ours, about ourselves; a producer cannot say so. */
  readonly operational?: true | undefined;
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

/** The endpoint as dialects read it: what of its settings shapes the message. */
export interface WireEndpoint {
  readonly id: string;
  /** The id that a foreign format shows; null = one made of `id` (`foreign.ts`). */
  readonly alias: string | null;
  /** null = the dialect's own. */
  readonly contentType: string | null;
  /** Members of `data` that are sent; empty = all of it. */
  readonly fields: readonly string[];
  /** Members of `actor` that are sent where the format has a place for them; null = none, empty = all. */
  readonly actorFields: readonly string[] | null;
  /** Set with the dialect `custom` alone. */
  readonly custom: CustomFormat | null;
  /** Sends `webhook-id`, `webhook-timestamp` and `webhook-signature` beside the dialect's own headers. */
  readonly standardHeaders: boolean;
}

/** The tenant the event belongs to: formats show it as organisation, realm, community, project. */
export interface WireTenant {
  readonly id: string;
  readonly alias: string | null;
  readonly parent: { readonly id: string; readonly alias: string | null } | null;
}

/** In the order in which they are offered. */
export const DIALECT_NAMES = [
  'standard',
  'casdoor',
  'casdoor-docs',
  'ferriskey',
  'cand',
  'logto',
  'caisy',
  'raw',
  'custom',
] as const;
export type DialectName = (typeof DIALECT_NAMES)[number];

/** All that a body depends on. */
export interface RenderInput {
  readonly event: WireEvent;
  readonly endpoint: WireEndpoint;
  readonly tenant: WireTenant;
}

export interface HeadersInput extends RenderInput {
  /** What `body` returned, or the stored copy of it. */
  readonly body: Uint8Array;
  /** The same for every attempt of a delivery: 1–64 of `[A-Za-z0-9_-]`. */
  readonly webhookId: string;
  /** Whole seconds since the Unix epoch, of this attempt. */
  readonly timestampS: number;
  /** The current key first, then those that a rotation still keeps. */
  readonly keys: readonly SigningKey[];
  /** What the endpoint and the event bring along; a later one replaces an earlier of its name. */
  readonly extra: readonly Header[];
}

/** A request as it arrived; header names in any case. */
export interface ReceivedRequest {
  readonly method: string;
  readonly headers: readonly Header[];
  readonly body: Uint8Array;
  /** Needed to read the dialect `custom`. */
  readonly custom?: CustomFormat | undefined;
}

/** What a request says about an event; undefined = the format, or this request, does not say. */
export interface ParsedEvent {
  readonly type: string | undefined;
  /** Milliseconds since the Unix epoch, as exactly as the format keeps them. */
  readonly occurredAt: number | undefined;
  /** The same again when the same event (or delivery) is sent again. */
  readonly id: string | undefined;
  /** As the format names them: aliases, or ids made of ours. */
  readonly tenant: string | undefined;
  readonly endpoint: string | undefined;
  readonly subject: string | undefined;
  readonly actor: Readonly<Record<string, unknown>> | undefined;
  readonly context: Readonly<Record<string, unknown>> | undefined;
  /** JSON, where possible exactly as it arrived; `null` = there is none. */
  readonly data: Uint8Array;
}

/**
 * A request that is not of the dialect, or an event that it has no form for. Whatever a stranger
 * sends, `parse` throws nothing else.
 */
export class DialectError extends Error {
  readonly code: 'invalid_json' | 'invalid_body' | 'not_renderable';

  constructor(code: DialectError['code'], message: string) {
    super(message);
    this.name = 'DialectError';
    this.code = code;
  }
}

/** One format that receivers expect. All functions are pure. */
export interface Dialect {
  readonly name: DialectName;
  /**
   * The request's body. Called once per delivery: what it returns is frozen at the first attempt.
   */
  body(input: RenderInput): Uint8Array;
  /** All headers of one attempt but those that frame it, in the order and case they are sent in. */
  headers(input: HeadersInput): Header[];
  /** The inverse of `body` and `headers`. Throws `DialectError`. */
  parse(request: ReceivedRequest): ParsedEvent;
  readonly traits: DialectTraits;
}

/** What settings of an endpoint mean to a dialect. */
export interface DialectTraits {
  /** The system it follows writes `host` and `content-length` in lower case. */
  readonly lowerCase: boolean;
  /** The endpoint may choose another content type. */
  readonly contentType: boolean;
  /** There is a place for the actor, so `actorFields` mean something. */
  actor(custom: CustomFormat | null): boolean;
  /** Header names, in lower case, that only the dialect sets. */
  reserved(custom: CustomFormat | null): readonly string[];
  /** How the text of a secret becomes a key. */
  secret(custom: CustomFormat | null): SecretKind;
}

/**
 * `key`: `whsec_…` or `whsk_…`. `ed25519`: `whsk_…` alone. The others take any text, whose UTF-8 bytes
 * are the key; they differ in what we make when none is given: `hex` 64 digits, `alphanumeric` 32
 * characters, `text` a `whsec_…`.
 */
export type SecretKind = 'key' | 'ed25519' | 'text' | 'hex' | 'alphanumeric';

/** The text that `WireEvent.meta` keeps; `''` when the producer said nothing more. */
export function encodeMeta(draft: EventDraft): string {
  const { subject, actor, context, headers, orderingKey, channels, trace } = draft;
  const meta: EventMeta = { subject, actor, context, headers, orderingKey, channels, trace };
  const text = JSON.stringify(meta);
  return text === '{}' ? '' : text;
}

/** The inverse of `encodeMeta`. */
export function decodeMeta(text: string): EventMeta {
  return text === '' ? {} : (JSON.parse(text) as EventMeta);
}
