import type { Clock } from '../core/clock.ts';
import type { Ms } from '../core/model.ts';
import type { StatsStore } from './stats.ts';

export interface FollowerOptions {
  readonly stats: Pick<StatsStore, 'follow'>;
  readonly clock: Clock;
  readonly logger: { warn(fields: object, message: string): void };
}

const EVERY_MS = 500;
/** Between steps while there is more, so that lists get their turns. */
const PAUSE_MS = 2;
/** After a fault, such as a full disk, which does not end within a second. */
const FAULT_MS = 30_000;
/** Of one step; it takes some milliseconds. */
const ROWS = 500;
const DOCS = 100;
/** From this share of its time on, the thread that sends is under pressure. */
const BUSY = 0.75;
/**
 * Reading into the text index costs more than all else here. It has half of the thread's time, and a
 * tenth while there is pressure; then it falls behind, and catches up later.
 */
const REST = { calm: 1, busy: 9 };

/** Logged when what is derived from the log is thrown away. */
export const REPLACED = 'statistics and search are made anew from the log';

/** Keeps what is derived from the log behind it, in steps of a few milliseconds. */
export class Follower {
  readonly #options: FollowerOptions;
  #cancel: () => void = () => {};
  #running: Promise<void> | undefined;
  #stopped = false;
  #busy = 0;
  /** Nothing is read into the text index before. */
  #restUntil = 0;
  /** What was last said to be wrong, so that it is said once. */
  #fault: string | undefined;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#next(0);
  }

  /** `busy`: share (0…1) of its time that the busiest of the other threads works. */
  pressure(busy: number): void {
    this.#busy = busy;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#running;
  }

  #next(delayMs: Ms): void {
    if (this.#stopped) return;
    this.#cancel = this.#options.clock.after(delayMs, () => {
      this.#running = this.#step();
    });
  }

  async #step(): Promise<void> {
    const { stats, clock, logger } = this.#options;
    const began = performance.now();
    try {
      const docs = began >= this.#restUntil ? DOCS : 0;
      const { more, moreDocs, indexed } = await stats.follow({ rows: ROWS, docs }, clock.now());
      this.#fault = undefined;
      const ended = performance.now();
      const factor = this.#busy > BUSY ? REST.busy : REST.calm;
      if (indexed > 0) this.#restUntil = ended + (ended - began) * factor;
      const rest = Math.max(PAUSE_MS, Math.ceil(this.#restUntil - ended));
      const waits = docs === 0 || moreDocs ? rest : EVERY_MS;
      this.#next(more ? PAUSE_MS : Math.min(waits, EVERY_MS));
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.#fault) {
        logger.warn({ err: error }, 'statistics and search stand still; it is tried again');
      }
      this.#fault = message;
      this.#next(FAULT_MS);
    }
  }
}
