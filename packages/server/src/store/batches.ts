import type { Ms } from '../core/model.ts';

export interface BatchesOptions<T, R> {
  /** Stores a batch; resolves with one result for each of its items. */
  readonly store: (batch: readonly T[]) => Promise<readonly R[]>;
  readonly bytesOf: (item: T) => number;
  readonly batchCountMax: number;
  readonly batchBytesMax: number;
  readonly now: () => Ms;
}

const SLOW_COMMIT_MS = 30;
const BATCHES_ON_SLOW_DISK = 64;

interface Waiting<T, R> {
  readonly item: T;
  readonly bytes: number;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Calls on the store that are made together: a batch is what queued while the last one was committing.
 * Alone an item waits for nobody, and under load batches grow by themselves. No timers.
 */
export class Batches<T, R> {
  readonly #options: BatchesOptions<T, R>;
  readonly #queue: Waiting<T, R>[] = [];
  #head = 0;
  #count = 0;
  #bytes = 0;
  #storing = 0;
  /** How long a batch takes to be durable; believed slow until it has proved quick. */
  #commitMs = 100;
  #scheduled = false;
  readonly #emptied: (() => void)[] = [];

  constructor(options: BatchesOptions<T, R>) {
    this.#options = options;
  }

  /** Items that wait or are being stored, and their bytes. */
  get count(): number {
    return this.#count;
  }
  get bytes(): number {
    return this.#bytes;
  }

  add(item: T): Promise<R> {
    const bytes = this.#options.bytesOf(item);
    this.#count += 1;
    this.#bytes += bytes;
    return new Promise((resolve, reject) => {
      this.#queue.push({ item, bytes, resolve, reject });
      this.#schedule();
    });
  }

  /** Resolves once nothing waits. */
  async empty(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => this.#emptied.push(resolve));
  }

  /**
   * On a quick disk one: a second would only halve both. On a slow one several, or whoever comes while
   * one is flushed would wait for two flushes more.
   */
  get #batchesMax(): number {
    return this.#commitMs > SLOW_COMMIT_MS ? BATCHES_ON_SLOW_DISK : 1;
  }

  /** The loop's turn lets items that came together be stored together. */
  #schedule(): void {
    if (this.#scheduled || this.#storing >= this.#batchesMax) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const batch = this.#take();
      if (batch.length === 0) return;
      this.#storing += 1;
      void this.#store(batch).finally(() => {
        this.#storing -= 1;
        this.#schedule();
      });
    });
  }

  #take(): Waiting<T, R>[] {
    const { batchCountMax, batchBytesMax } = this.#options;
    const batch: Waiting<T, R>[] = [];
    let bytes = 0;
    while (this.#head < this.#queue.length && batch.length < batchCountMax) {
      const next = this.#queue[this.#head] as Waiting<T, R>;
      if (batch.length > 0 && bytes + next.bytes > batchBytesMax) break;
      this.#head += 1;
      bytes += next.bytes;
      batch.push(next);
    }
    if (this.#head === this.#queue.length) {
      this.#queue.length = 0;
      this.#head = 0;
    }
    return batch;
  }

  async #store(batch: readonly Waiting<T, R>[]): Promise<void> {
    const { store, now } = this.#options;
    const started = now();
    try {
      const results = await store(batch.map(({ item }) => item));
      // Known at once that it is slow, believed slowly that it is quick again.
      const took = now() - started;
      this.#commitMs = Math.max(took, this.#commitMs + (took - this.#commitMs) / 8);
      for (const [i, waiting] of batch.entries()) this.#finish(waiting).resolve(results[i] as R);
    } catch (error) {
      for (const waiting of batch) this.#finish(waiting).reject(error);
    }
  }

  #finish(waiting: Waiting<T, R>): Waiting<T, R> {
    this.#count -= 1;
    this.#bytes -= waiting.bytes;
    if (this.#count === 0) for (const emptied of this.#emptied.splice(0)) emptied();
    return waiting;
  }
}
