import { slewedTime } from '../../core/clock.ts';
import type { Ms } from '../../core/model.ts';
import type { Querying } from './database.ts';

/** An answer that took longer says too little about when it was given. */
const ROUND_TRIP_MAX_MS = 1000;

export const DATABASE_NOW = 'extract(epoch from clock_timestamp())::double precision * 1000';

/**
 * The time of the database's clock, as all nodes tell it: leases are judged by it, whatever the
 * machines' own clocks say. The machine's part is only to count on from the last measurement.
 */
export class DatabaseTime {
  readonly #monotonic: () => number;
  readonly #wall: () => Ms;
  readonly #time: () => Ms;
  /** Of the database's clock to the monotonic one. */
  #offset: number;

  constructor(wall: () => Ms = Date.now, monotonic: () => number = () => performance.now()) {
    this.#wall = wall;
    this.#monotonic = monotonic;
    this.#offset = wall() - monotonic();
    this.#time = slewedTime(() => monotonic() + this.#offset, monotonic);
  }

  now(): Ms {
    return this.#time();
  }

  /** How far this machine's clock is behind the database's; what people are shown. */
  get offsetMs(): number {
    return this.#monotonic() + this.#offset - this.#wall();
  }

  async measure(db: Querying): Promise<void> {
    await this.during(async () => {
      const row = await db.get<{ now: number }>(`select ${DATABASE_NOW} as now`);
      return row?.now;
    });
  }

  /** Takes the measure of a statement that tells the database's time, if it does. */
  async during(ask: () => Promise<number | undefined>): Promise<void> {
    const sent = this.#monotonic();
    const told = await ask();
    const received = this.#monotonic();
    if (told === undefined || received - sent > ROUND_TRIP_MAX_MS) return;
    this.#offset = told - (sent + received) / 2;
  }
}
