import type { At } from '../../core/crash-sites.ts';
import { StoreError } from '../store.ts';
import type { Database } from './database.ts';

/** A write. `execute` touches only the database; `applied` carries it into memory once committed. */
export interface Job<T> {
  /**
   * true = resolves once it is on the disk. false = resolves once it is committed, and reaches the
   * disk with the next one that waits: a power cut may take it, a dead process does not.
   */
  readonly durable: boolean;
  /** Nobody waits for it: rides with the next job that somebody waits for, or goes after a moment. */
  readonly lazy?: boolean;
  /** Runs before the others of its transaction: what was asked at the same time counts as later. */
  readonly first?: boolean;
  execute(): T;
  applied?(result: T): void;
  /** Of a durable job: it is on the disk, and its promise is about to resolve. */
  flushed?(): void;
}

interface Waiting {
  readonly job: Job<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Committed {
  readonly waiting: Waiting;
  readonly result: unknown;
}

/** Jobs in one transaction at most; what is above waits for the next. */
const BATCH_MAX = 256;
/** What a commit saves when it need not be made is more than what an outcome gains by being early. */
const LAZY_MS = 5;

export interface CommitterOptions {
  readonly db: Database;
  readonly at: At;
  /** Brings all that is committed to the disk, without holding up the thread. */
  readonly flush: () => Promise<void>;
  /** Memory that mirrors the database must be read again. */
  readonly rolledBack: () => void;
  /** The process must end: what the disk holds is unknown until the next start reads it. */
  readonly fatal: (error: Error) => void;
}

/**
 * Group commit without timers: whatever was asked while the thread was busy goes into one
 * transaction, and all that was committed during one flush of the disk is made durable by the next.
 * The thread never waits for the disk. A job that fails takes only itself down: the others are run
 * again without it.
 */
export class Committer {
  readonly #options: CommitterOptions;
  #waiting: Waiting[] = [];
  #scheduled = false;
  #lazily: NodeJS.Timeout | undefined;
  /** Committed, not yet known to be on the disk. */
  #unflushed: Committed[] = [];
  #flushing: Promise<void> | undefined;
  /** Set = nothing is written any more. */
  #ended: StoreError | undefined;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  run<T>(job: Job<T>): Promise<T> {
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ job, resolve: resolve as (value: unknown) => void, reject });
      if (job.lazy && this.#waiting.length < BATCH_MAX) this.#scheduleLazily();
      else this.#schedule();
    });
  }

  /** Commits and flushes what was asked; whatever comes later is refused. */
  async close(): Promise<void> {
    while (this.#waiting.length > 0) this.#next();
    await this.#flushing;
    this.#ended ??= new StoreError('unavailable', 'The store has been closed.');
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#next();
    });
  }

  #scheduleLazily(): void {
    if (this.#scheduled || this.#lazily) return;
    this.#lazily = setTimeout(() => {
      this.#lazily = undefined;
      if (!this.#scheduled) this.#next();
    }, LAZY_MS);
  }

  #next(): void {
    clearTimeout(this.#lazily);
    this.#lazily = undefined;
    let batch: readonly Waiting[] = firstFirst(this.#waiting.splice(0, BATCH_MAX));
    if (this.#waiting.length > 0) this.#schedule();
    while (batch.length > 0) batch = this.#commit(batch);
  }

  /** Resolves all of `batch`; or rejects the one that failed and gives back the others to repeat. */
  #commit(batch: readonly Waiting[]): readonly Waiting[] {
    const { db, at } = this.#options;
    let running: Waiting | undefined;
    let results: unknown[];
    try {
      results = db.transaction(() => {
        at('store:begun');
        const made = batch.map((waiting) => {
          running = waiting;
          return waiting.job.execute();
        });
        running = undefined;
        at('store:written');
        return made;
      });
    } catch (error) {
      return this.#failed(batch, running, error as Error);
    }
    at('store:committed');
    for (const [i, { job }] of batch.entries()) job.applied?.(results[i]);
    for (const [i, waiting] of batch.entries()) {
      if (waiting.job.durable) this.#unflushed.push({ waiting, result: results[i] });
      else waiting.resolve(results[i]);
    }
    if (this.#unflushed.length > 0) this.#flushing ??= this.#flush();
    return [];
  }

  /** One flush at a time; each covers all that was committed before it began. */
  async #flush(): Promise<void> {
    while (this.#unflushed.length > 0) {
      const covered = this.#unflushed;
      this.#unflushed = [];
      try {
        await this.#options.flush();
      } catch (cause) {
        // What the kernel could not write it may have dropped: only the next start, which reads the
        // log again, knows what is there.
        const error = new StoreError('fatal', 'The disk failed to flush.', cause);
        for (const { waiting } of covered) waiting.reject(error);
        this.#end(error);
        break;
      }
      this.#options.at('store:flushed');
      for (const { waiting, result } of covered) {
        waiting.job.flushed?.();
        waiting.resolve(result);
      }
    }
    this.#flushing = undefined;
  }

  #end(error: StoreError): void {
    this.#ended = error;
    const open = [...this.#waiting.splice(0), ...this.#unflushed.splice(0).map((c) => c.waiting)];
    for (const { reject } of open) reject(error);
    this.#options.fatal(error);
  }

  /** A full disk or a failed begin or commit is everybody's fault; the rest is that of one job. */
  #failed(
    batch: readonly Waiting[],
    running: Waiting | undefined,
    error: Error,
  ): readonly Waiting[] {
    const fatal = this.#recover(error);
    if (fatal) {
      for (const { reject } of batch) reject(fatal);
      this.#end(fatal);
      return [];
    }
    const full = error instanceof StoreError && error.kind === 'full';
    if (!running || full) {
      for (const { reject } of batch) reject(error);
      return [];
    }
    running.reject(error);
    return batch.filter((waiting) => waiting !== running);
  }

  /** What must end the process, if anything: also that memory could not be read again. */
  #recover(error: Error): StoreError | undefined {
    if (error instanceof StoreError && error.kind === 'fatal') return error;
    try {
      this.#options.rolledBack();
      return undefined;
    } catch (cause) {
      return new StoreError('fatal', 'The store can not be read after a failed write.', cause);
    }
  }
}

function firstFirst(batch: readonly Waiting[]): readonly Waiting[] {
  if (!batch.some(({ job }) => job.first)) return batch;
  return [...batch.filter(({ job }) => job.first), ...batch.filter(({ job }) => !job.first)];
}
