import type { At } from '../../core/crash-sites.ts';
import { StoreError } from '../store.ts';
import type { Database } from './database.ts';

/** A write. `execute` touches only the database; `applied` runs once that is durable. */
export interface Job<T> {
  execute(): T;
  applied?(result: T): void;
}

interface Waiting {
  readonly job: Job<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Jobs in one transaction at most; what is above waits for the next. */
const BATCH_MAX = 256;

export interface CommitterOptions {
  readonly db: Database;
  readonly at: At;
  /** Memory that mirrors the database must be read again. */
  readonly rolledBack: () => void;
  /** The process must end: what the disk holds is unknown until the next start reads it. */
  readonly fatal: (error: Error) => void;
}

/**
 * Group commit without timers: whatever was asked while the last transaction was being flushed goes
 * into the next one. A job that fails takes only itself down: the others are run again without it.
 */
export class Committer {
  readonly #options: CommitterOptions;
  #waiting: Waiting[] = [];
  #scheduled = false;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  run<T>(job: Job<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ job, resolve: resolve as (value: unknown) => void, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const batch = this.#waiting.splice(0, BATCH_MAX);
      if (this.#waiting.length > 0) this.#schedule();
      this.#commit(batch);
    });
  }

  #commit(batch: readonly Waiting[]): void {
    const { db, at } = this.#options;
    let results: unknown[];
    try {
      results = db.transaction(() => {
        at('store:begun');
        const made = batch.map(({ job }) => job.execute());
        at('store:written');
        return made;
      });
    } catch (error) {
      this.#options.rolledBack();
      this.#failed(batch, error);
      return;
    }
    at('store:committed');
    for (const [i, { job }] of batch.entries()) job.applied?.(results[i]);
    for (const [i, { resolve }] of batch.entries()) resolve(results[i]);
  }

  #failed(batch: readonly Waiting[], error: unknown): void {
    const fatal = error instanceof StoreError && error.kind === 'fatal';
    if (fatal) this.#options.fatal(error);
    const shared = error instanceof StoreError && error.kind !== 'conflict';
    if (batch.length === 1 || shared) {
      for (const { reject } of batch) reject(error);
    } else {
      for (const one of batch) this.#commit([one]);
    }
  }
}
