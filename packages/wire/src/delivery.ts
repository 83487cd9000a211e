import type { EventName } from './catalogue-types.ts';
import type { HeaderBag } from './header-bag.ts';
import type { Verified } from './schemes/scheme.ts';

/** What handlers get, apart from type and payload. */
export interface DeliveryFields {
  /**
   * The sender's id of the message, the same for each of its attempts. A sender that gives none
   * (Logto, canD) gets `sha256:` and the digest of the body, which two equal events share.
   */
  readonly id: string;
  /** true = `id` is the sender's own. */
  readonly hasId: boolean;
  /** When the event happened; if it does not say, when it was sent; if unknown too, received. */
  readonly at: Date;
  /** Which attempt this is, if the sender says so. */
  readonly attempt: number | undefined;
  /** The receiver's name for the sender. */
  readonly source: string;
  readonly subject: string | undefined;
  readonly actor: Readonly<Record<string, unknown>> | undefined;
  readonly context: Readonly<Record<string, unknown>> | undefined;
  /** The body exactly as received: 20-digit integers and `1.0` are whole here. */
  readonly raw: Uint8Array;
  readonly headers: HeaderBag;
  readonly verified: Verified;
  /** Aborted when the time to answer is over: the sender will be told to come again. */
  readonly signal: AbortSignal;
  /** Lets work go on after the answer, where the platform ends it otherwise (Workers). */
  waitUntil(promise: Promise<unknown>): void;
}

/** One received event. `type` narrows `payload`, as in `switch (delivery.type)`. */
export type Delivery<
  M extends object = Record<string, unknown>,
  K extends EventName<M> = EventName<M>,
> = K extends unknown ? DeliveryFields & { readonly type: K; readonly payload: M[K] } : never;
