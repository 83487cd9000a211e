import { decodeId, timeOfId } from '../../core/ids.ts';
import type { EventId, Ms } from '../../core/model.ts';
import type { Database } from './database.ts';
import { codeOf } from './database.ts';

/** Days since 1970, UTC: the partitions of `event`, `attempt` and `doc`. */
export type Day = number;

const DAY_MS = 86_400_000;
/** Partitions are there before they are needed; readiness says so when tomorrow's is not. */
const DAYS_AHEAD = 7;
const TABLES = ['event', 'attempt', 'doc'] as const;
export type Partitioned = (typeof TABLES)[number];
/** One maker at a time, over all nodes. */
const LOCK = 7_067_846;

export function dayOf(at: Ms): Day {
  return Math.floor(at / DAY_MS);
}

export function startOf(day: Day): Ms {
  return day * DAY_MS;
}

export function dayOfEvent(id: EventId): Day {
  const bytes = decodeId(id);
  return bytes ? dayOf(timeOfId(bytes)) : 0;
}

export function partitionOf(table: Partitioned, day: Day): string {
  const date = new Date(startOf(day)).toISOString().slice(0, 10).replaceAll('-', '');
  return `${table}_${date}`;
}

/** Which days have partitions, as far as this process knows. */
export class Partitions {
  readonly #db: Database;
  readonly #daysAhead: number;
  #known = new Set<Day>();

  constructor(db: Database, daysAhead = DAYS_AHEAD) {
    this.#db = db;
    this.#daysAhead = daysAhead;
  }

  /** Yesterday's, today's and those of the next days, whatever is believed of them. */
  async ahead(now: Ms): Promise<void> {
    const today = dayOf(now);
    const days = Array.from({ length: this.#daysAhead + 2 }, (_, i) => today - 1 + i);
    for (const day of days) this.forget(day);
    await this.ensure(days);
  }

  /** End of the days without a gap, from that of `now` on. */
  async until(now: Ms): Promise<Ms> {
    const there = await this.list();
    let day = dayOf(now);
    while (there.has(day)) day += 1;
    return startOf(day);
  }

  has(day: Day): boolean {
    return this.#known.has(day);
  }

  /** Resolves at once if they are known to be there. */
  async ensure(days: Iterable<Day>): Promise<void> {
    const missing = [...new Set(days)].filter((day) => !this.#known.has(day));
    if (missing.length === 0) return;
    const there = await this.list();
    for (const day of missing) if (!there.has(day)) await this.#make(day);
    for (const day of missing) this.#known.add(day);
  }

  /** Days that have all partitions. */
  async list(): Promise<Set<Day>> {
    const rows = await this.#db.reads.all<{ name: string }>(
      `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
       where i.inhparent in (${TABLES.map((table) => `'${table}'::regclass`)}) and not i.inhdetachpending`,
    );
    const names = new Set(rows.map(({ name }) => name));
    const days = [...names].flatMap((name) => placeOfName(name)?.day ?? []);
    return new Set(days.filter((day) => TABLES.every((t) => names.has(partitionOf(t, day)))));
  }

  forget(day: Day): void {
    this.#known.delete(day);
  }

  /**
   * Made apart and then attached: that holds up nobody who reads or writes other days, which
   * `create table … partition of` would.
   */
  async #make(day: Day): Promise<void> {
    for (const table of TABLES) {
      const name = partitionOf(table, day);
      await this.#db.writes
        .transaction(async (tx) => {
          await tx.get(`select pg_advisory_xact_lock(${LOCK})`);
          const found = await tx.get<{ attached: boolean }>(
            `select exists (select 1 from pg_inherits where inhrelid = c.oid) as attached
             from pg_class c where c.oid = to_regclass('posthorn.${name}')`,
          );
          if (found?.attached) return;
          if (!found) await tx.run(`create table ${name} (like ${table} including all)`);
          await tx.run(
            `alter table ${table} attach partition ${name} for values from (${day}) to (${day + 1})`,
          );
        })
        .catch((error: unknown) => {
          // Another node was quicker.
          if (codeOf(error) !== '42P07') throw error;
        });
    }
  }
}

const NAME = new RegExp(`^(${TABLES.join('|')})_(\\d{4})(\\d\\d)(\\d\\d)$`);

/** The inverse of `partitionOf`; undefined = it is no partition. */
export function placeOfName(name: string): { table: Partitioned; day: Day } | undefined {
  const [, table, year, month, date] = NAME.exec(name) ?? [];
  if (table === undefined) return undefined;
  const day = dayOf(Date.parse(`${year}-${month}-${date}T00:00:00Z`));
  return { table: table as Partitioned, day };
}
