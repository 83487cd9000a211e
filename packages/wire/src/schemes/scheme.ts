import type { HeaderBag } from '../header-bag.ts';
import type { MaybePromise } from '../maybe-promise.ts';
import type { Secret } from '../secret.ts';
import type { Tolerance } from '../signature.ts';
import { WebhookError, type WebhookErrorCode, type WebhookErrorOptions } from '../webhook-error.ts';

/**
 * One way in which senders prove who they are, together with how their requests name the event. The
 * same object signs, so tests and senders share it.
 */
export interface Scheme {
  readonly name: string;
  /** false = it verifies nothing, so it is used without secrets. */
  readonly needsSecret?: false;
  /** true = a retry may differ from the first attempt in its bytes. */
  readonly bodyVaries?: true;
  /** A secret made ready for many requests. Throws `WebhookError`; it never repeats the secret. */
  importSecret(secret: Secret): SchemeKey;
  /** A refusal is a value: it throws for our own faults only. */
  verify(request: SignedRequest, trust: Trust): MaybePromise<Verification>;
  /** The headers that make `body` a request of this scheme. */
  sign(input: SchemeSignInput): MaybePromise<Record<string, string>>;
  /** What a verified request says. Throws `WebhookError` if its body cannot be read. */
  describe(request: SignedRequest, verified: Verified): Described;
  /** The body this scheme's sender makes of an event, as bytes or a JSON value; else the payload. */
  compose?(event: ComposedEvent): unknown;
  /** The answer to a sender's proof-of-ownership question, if the request is one. */
  challenge?(request: SignedRequest, described: Described): Challenge | undefined;
}

/** What `importSecret` made; only the scheme that made it looks inside. */
export type SchemeKey = object;

export interface SignedRequest {
  /** The body exactly as received. */
  readonly raw: Uint8Array;
  readonly headers: HeaderBag;
  /** Path and query, or the whole URL, that it arrived at. */
  readonly url: string | undefined;
  readonly method: string | undefined;
}

/** The receiver's side of a verification; nothing of it comes out of a request. */
export interface Trust {
  readonly keys: readonly SchemeKey[];
  readonly nowS: number;
  readonly tolerance: Tolerance;
}

export interface Verified {
  /** The scheme that accepted it; with `anyOf` one of several. */
  readonly scheme: string;
  /** The sender's id of the message, if the scheme has one. */
  readonly id: string | undefined;
  /** When this attempt was sent, if it says so. */
  readonly sentAt: Date | undefined;
  /** Which of the secrets it was: above 0 an old one is still in use. */
  readonly keyIndex: number;
}

export type Verification =
  | { readonly ok: true; readonly value: Verified }
  | { readonly ok: false; readonly error: WebhookError };

export interface SchemeSignInput {
  readonly raw: Uint8Array;
  readonly id: string;
  readonly at: Date;
  readonly secret: Secret;
  /** The event type, for schemes that tell it in a header. */
  readonly type?: string | undefined;
}

/** What a request says about its event; undefined = nothing. */
export interface Described {
  readonly type: string | undefined;
  readonly id: string | undefined;
  /** When the event happened. */
  readonly at: Date | undefined;
  readonly attempt: number | undefined;
  readonly subject: string | undefined;
  readonly actor: Readonly<Record<string, unknown>> | undefined;
  readonly context: Readonly<Record<string, unknown>> | undefined;
  /** What the handler is called for: the part of the body that is about the event. */
  readonly payload: unknown;
}

export interface ComposedEvent {
  readonly type: string;
  readonly payload: unknown;
  readonly at: Date;
  readonly id: string;
}

export interface Challenge {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function accepted(value: Verified): Verification {
  return { ok: true, value };
}

export function refused(
  code: WebhookErrorCode,
  message: string,
  options?: WebhookErrorOptions,
): Verification {
  return { ok: false, error: new WebhookError(code, message, options) };
}

export function missing(header: string): Verification {
  return refused('missing_header', `the header ${header} is missing`, {
    hint: 'does the request really come from the sender, and does a proxy pass its headers on?',
    detail: { header },
  });
}

export const MISMATCH_HINT =
  'either the secret is another one than the sender uses, or the body is not byte for byte what ' +
  'was sent: verify the raw bytes, before anything parses, decodes or prints them';
