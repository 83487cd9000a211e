import type { EventId, Ms, Slot } from '../core/model.ts';
import type { LaneKey, LaneStore, NewEvent } from '../store/store.ts';
import { Worker } from './worker.ts';
import type { WorkerOptions } from './worker-options.ts';

export interface WorkersOptions extends Omit<WorkerOptions, 'store'> {
  /** The lanes of each part of the store, and which slots are where. */
  readonly stores: readonly LaneStore[];
  readonly shardOf: (slot: Slot) => number;
}

/**
 * A worker for each part of the store, with a lease and lanes of its own there: one that is away, or
 * slow, stops the sending of what lies in it and of nothing else. Sockets are divided evenly.
 */
export class Workers {
  readonly #workers: readonly Worker[];
  readonly #shardOf: (slot: Slot) => number;

  constructor({ stores, shardOf, concurrency, ...options }: WorkersOptions) {
    const share = Math.ceil(concurrency / stores.length);
    this.#workers = stores.map((store) => new Worker({ ...options, store, concurrency: share }));
    this.#shardOf = shardOf;
  }

  /** Resolves when all that can be are at work; of a shared store, what is away joins when it is back. */
  async start(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.start()));
  }

  get stats(): { inFlight: number; held: number; unsettled: number } {
    const sum = { inFlight: 0, held: 0, unsettled: 0 };
    for (const { stats } of this.#workers) {
      sum.inFlight += stats.inFlight;
      sum.held += stats.held;
      sum.unsettled += stats.unsettled;
    }
    return sum;
  }

  poke(): void {
    for (const worker of this.#workers) worker.poke();
  }

  coming(events: readonly NewEvent[]): void {
    this.#toEach(events, (worker, mine) => worker.coming(mine));
  }

  offer(events: readonly NewEvent[]): void {
    this.#toEach(events, (worker, mine) => worker.offer(mine));
  }

  asked(lanes: readonly LaneKey[]): void {
    this.#toEach(lanes, (worker, mine) => worker.asked(mine));
  }

  erased(event: EventId): void {
    for (const worker of this.#workers) worker.erased(event);
  }

  async stop(drainMs: Ms): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.stop(drainMs)));
  }

  #toEach<T extends { readonly slot: Slot }>(
    items: readonly T[],
    tell: (worker: Worker, mine: readonly T[]) => void,
  ): void {
    for (const [shard, worker] of this.#workers.entries()) {
      const mine = items.filter(({ slot }) => this.#shardOf(slot) === shard);
      if (mine.length > 0) tell(worker, mine);
    }
  }
}
