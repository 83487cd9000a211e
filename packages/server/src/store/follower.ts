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

/** Keeps what is derived from the log behind it, in steps of a few milliseconds. */
export class Follower {
  readonly #options: FollowerOptions;
  #cancel: () => void = () => {};
  #running: Promise<void> | undefined;
  #stopped = false;
  /** What was last said to be wrong, so that it is said once. */
  #fault: string | undefined;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#next(0);
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
    try {
      const { more } = await stats.follow({ rows: ROWS }, clock.now());
      this.#fault = undefined;
      this.#next(more ? PAUSE_MS : EVERY_MS);
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
