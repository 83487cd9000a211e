import type { Client, LiveEvent } from '@posthorn/api/browser';
import type { AttemptRow } from './types.ts';

export type LiveState = 'connecting' | 'live' | 'offline';
export type Change = Extract<LiveEvent, { kind: 'change' }>;

export interface LiveOptions {
  readonly api: Client;
  readonly tenant: string;
}

/** Handed out together, so that a burst is one change of the page. */
const GATHER_MS = 50;
const AGAIN_MS = { first: 250, most: 5000 };

/**
 * What happens in a tenant, as it happens. The connection resumes by itself; what cannot be told any
 * more is a gap, and whoever shows a list reads it anew.
 *
 *     connecting ──ready──▶ live ──lost──▶ offline ──ready──▶ live
 */
export class LiveFeed {
  readonly #options: LiveOptions;
  readonly #abort = new AbortController();
  readonly #listeners = new Set<() => void>();
  readonly #hearers = new Set<(attempts: readonly AttemptRow[]) => void>();
  readonly #changes = new Set<(change: Change) => void>();
  readonly #gaps = new Set<() => void>();
  #state: LiveState = 'connecting';
  #gathered: AttemptRow[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Where to go on. */
  #after: string | undefined;

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  getState = (): LiveState => this.#state;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Attempts as they end, oldest first. */
  onAttempts(hear: (attempts: readonly AttemptRow[]) => void): () => void {
    this.#hearers.add(hear);
    return () => this.#hearers.delete(hear);
  }

  /** Configuration that changed. */
  onChange(hear: (change: Change) => void): () => void {
    this.#changes.add(hear);
    return () => this.#changes.delete(hear);
  }

  /** Something was missed. */
  onGap(hear: () => void): () => void {
    this.#gaps.add(hear);
    return () => this.#gaps.delete(hear);
  }

  async open(): Promise<void> {
    const { signal } = this.#abort;
    let waitMs = AGAIN_MS.first;
    while (!signal.aborted) {
      const before = this.#after;
      try {
        await this.#follow(signal);
      } catch {
        // Said by the state; the session hears of a bearer that is no good from every call.
      }
      if (signal.aborted) return;
      this.#set('offline');
      const heard = before !== this.#after;
      waitMs = heard ? AGAIN_MS.first : Math.min(waitMs * 2, AGAIN_MS.most);
      await pause(waitMs, signal);
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { api, tenant } = this.#options;
    const after = this.#after === undefined ? {} : { after: this.#after };
    // Without its own reconnecting, which does not tell when it has lost the connection.
    const options = { signal, reconnect: false };
    for await (const message of api.followLive({ tenant, ...after }, options)) {
      this.#after = message.cursor;
      if (message.kind === 'bye') return;
      this.#set('live');
      if (message.kind === 'attempt') this.#gather(message.attempt);
      if (message.kind === 'change') for (const hear of this.#changes) hear(message);
      if (message.kind === 'gap') for (const hear of this.#gaps) hear();
    }
  }

  #gather(attempt: AttemptRow): void {
    this.#gathered.push(attempt);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const attempts = this.#gathered;
      this.#gathered = [];
      for (const hear of this.#hearers) hear(attempts);
    }, GATHER_MS);
  }

  close(): void {
    this.#abort.abort();
    clearTimeout(this.#timer);
  }

  #set(state: LiveState): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
