import type { Clock } from '../core/clock.ts';
import type { Ms } from '../core/model.ts';
import type { LogStore, RetentionPolicy } from '../store/store.ts';

export interface HousekeeperOptions {
  readonly log: Pick<LogStore, 'maintain'>;
  readonly clock: Clock;
  readonly logger: { warn(fields: object, message: string): void };
  readonly retention: Omit<RetentionPolicy, 'chunk'>;
  /** Expansion made deliveries due. */
  readonly poke: () => void;
}

const EVERY_MS = 1000;
/** Between steps while there is more to do, so that ingestion gets its turns. */
const PAUSE_MS = 5;
/** Rows in one step: it holds up whoever wants to store something for a few milliseconds. */
const CHUNK = 200;

/** Expands wide fan-outs, cancels what deleted endpoints were owed, removes what is too old or too much. */
export class Housekeeper {
  readonly #options: HousekeeperOptions;
  #cancel: () => void = () => {};
  #running: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  constructor(options: HousekeeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#next(EVERY_MS);
  }

  /** There is work now. */
  poke(): void {
    if (this.#running) this.#again = true;
    else this.#next(0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#running;
  }

  #next(delayMs: Ms): void {
    this.#cancel();
    if (this.#stopped) return;
    this.#cancel = this.#options.clock.after(delayMs, () => {
      this.#running = this.#step().finally(() => {
        this.#running = undefined;
      });
    });
  }

  async #step(): Promise<void> {
    const { log, clock, logger, retention, poke } = this.#options;
    this.#again = false;
    let delay = EVERY_MS;
    try {
      const done = await log.maintain({ ...retention, chunk: CHUNK }, clock.now());
      if (done.expanded > 0) poke();
      if (done.more) delay = PAUSE_MS;
    } catch (err) {
      logger.warn({ err }, 'housekeeping failed; it is tried again');
    }
    this.#next(this.#again ? 0 : delay);
  }
}
