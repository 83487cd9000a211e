/**
 * Remembers which messages were worked on, as claim -> work -> complete | release. A claim is a lease:
 * a process that dies in the middle of the work keeps nobody out for longer than that.
 */
export interface IdempotencyStore {
  /** Takes the key for `leaseMs` unless it is done or taken; `force` takes a done one too. */
  claim(key: string, options: ClaimOptions): Promise<Claim>;
  /** The work is done. Does nothing if `token` no longer holds the key. */
  complete(key: string, token: string, options: CompleteOptions): Promise<void>;
  /** The work failed: the next claim gets the key. Does nothing if `token` no longer holds it. */
  release(key: string, token: string): Promise<void>;
}

export interface ClaimOptions {
  readonly leaseMs: number;
  readonly force?: boolean | undefined;
}

export interface CompleteOptions {
  /** Tells a retry from another message under the same id: a digest of its bytes. */
  readonly fingerprint: string;
  /** How long it is remembered. */
  readonly ttlMs: number;
}

export type Claim =
  | { readonly state: 'new'; readonly token: string }
  | { readonly state: 'done'; readonly fingerprint: string }
  | { readonly state: 'in_progress'; readonly retryAfterMs: number };

/** Keys come from strangers' headers; a store may refuse longer ones. */
export const KEY_CHARS_MAX = 512;
