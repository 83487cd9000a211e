import type { Client } from '@posthorn/api/browser';
import type { LiveState } from './live.ts';
import type { CaptureRow, InboxRow } from './types.ts';

export interface CaptureFeedOptions {
  readonly api: Client;
  readonly tenant: string;
  readonly inbox: InboxRow['id'];
  readonly q: string | undefined;
}

const WAIT_S = 25;
const AGAIN_MS = { first: 250, most: 5000 };

/** Captures as they come: each request waits at the server until there is one. */
export class CaptureFeed {
  readonly #options: CaptureFeedOptions;
  readonly #abort = new AbortController();
  readonly #listeners = new Set<() => void>();
  #state: LiveState = 'connecting';

  constructor(options: CaptureFeedOptions) {
    this.#options = options;
  }

  getState = (): LiveState => this.#state;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** From behind the capture with this number on, oldest first. */
  async open(after: number, hear: (captures: readonly CaptureRow[]) => void): Promise<void> {
    const { api, tenant, inbox, q } = this.#options;
    const { signal } = this.#abort;
    let at = after;
    let waitMs = AGAIN_MS.first;
    while (!signal.aborted) {
      try {
        const query = { tenant, inbox, q, after: at, wait: WAIT_S, limit: 200 };
        const pending = api.listCaptures(query, { signal });
        // The request waits; that it could be sent at all is what "live" says.
        this.#set('live');
        const { items, next } = await pending;
        at = next === null ? (items.at(-1)?.seq ?? at) : Number(next);
        if (items.length > 0) hear(items);
        waitMs = AGAIN_MS.first;
      } catch {
        if (signal.aborted) return;
        this.#set('offline');
        await new Promise((resolve) => setTimeout(resolve, waitMs));
        waitMs = Math.min(waitMs * 2, AGAIN_MS.most);
      }
    }
  }

  close(): void {
    this.#abort.abort();
  }

  #set(state: LiveState): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}
