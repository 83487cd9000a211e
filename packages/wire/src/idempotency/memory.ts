import type { Claim, ClaimOptions, CompleteOptions, IdempotencyStore } from './store.ts';
import { newToken } from './token.ts';

export interface MemoryOptions {
  /** When there are more, the oldest that is not in progress is forgotten; 10,000 unless told. */
  readonly keysMax?: number | undefined;
  readonly now?: (() => number) | undefined;
}

interface Entry {
  readonly token: string;
  /** undefined = in progress. */
  readonly fingerprint: string | undefined;
  /** End of the lease, or of the memory of it. */
  readonly until: number;
}

/** For one process: what it remembers ends with it. */
export function memory(options: MemoryOptions = {}): IdempotencyStore {
  return new MemoryStore(options);
}

class MemoryStore implements IdempotencyStore {
  readonly #keysMax: number;
  readonly #now: () => number;
  /** In the order of their last change, so the first ones are the oldest. */
  readonly #entries = new Map<string, Entry>();

  constructor({ keysMax = 10_000, now = Date.now }: MemoryOptions) {
    this.#keysMax = keysMax;
    this.#now = now;
  }

  async claim(key: string, { leaseMs, force = false }: ClaimOptions): Promise<Claim> {
    const now = this.#now();
    const entry = this.#entries.get(key);
    if (entry !== undefined && entry.until > now) {
      const { fingerprint, until } = entry;
      if (fingerprint === undefined) return { state: 'in_progress', retryAfterMs: until - now };
      if (!force) return { state: 'done', fingerprint };
    }
    const token = newToken();
    this.#put(key, { token, fingerprint: undefined, until: now + leaseMs });
    return { state: 'new', token };
  }

  async complete(key: string, token: string, options: CompleteOptions): Promise<void> {
    if (this.#entries.get(key)?.token !== token) return;
    const { fingerprint, ttlMs } = options;
    this.#put(key, { token, fingerprint, until: this.#now() + ttlMs });
  }

  async release(key: string, token: string): Promise<void> {
    if (this.#entries.get(key)?.token === token) this.#entries.delete(key);
  }

  #put(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#entries.size <= this.#keysMax) return;
    // What is in progress stays, so a flood of keys cannot let a message run twice at once.
    for (const [oldKey, { fingerprint, until }] of this.#entries) {
      if (fingerprint === undefined && until > this.#now()) continue;
      this.#entries.delete(oldKey);
      return;
    }
  }
}
