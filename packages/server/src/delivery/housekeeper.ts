import type { Clock } from '../core/clock.ts';
import type { Ms } from '../core/model.ts';
import type { LogStore, RetentionPolicy } from '../store/store.ts';
import { Rounds } from './rounds.ts';

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
  readonly #rounds: Rounds;

  constructor(options: HousekeeperOptions) {
    this.#options = options;
    this.#rounds = new Rounds(options.clock, () => this.#step());
  }

  start(): void {
    this.#rounds.start(EVERY_MS);
  }

  /** There is work now. */
  poke(): void {
    this.#rounds.poke();
  }

  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  async #step(): Promise<Ms> {
    const { log, clock, logger, retention, poke } = this.#options;
    try {
      const done = await log.maintain({ ...retention, chunk: CHUNK }, clock.now());
      if (done.expanded > 0) poke();
      return done.more ? PAUSE_MS : EVERY_MS;
    } catch (err) {
      logger.warn({ err }, 'housekeeping failed; it is tried again');
      return EVERY_MS;
    }
  }
}
