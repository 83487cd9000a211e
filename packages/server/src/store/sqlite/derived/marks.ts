import type { Fault } from '../../../core/exchange.ts';
import type { Ms } from '../../../core/model.ts';
import type { Database } from '../database.ts';

/**
 * Which stretches of the log hold what, so that a list of rare things need not read what lies between
 * them. Rows are grouped into blocks by their key; a mark says that a block has rows of a tenant (or an
 * endpoint) with a type, a status, a fault or a state. A block without the mark has none. Blocks are
 * grouped into eras, which old marks leave the store by.
 */

export const ATTEMPTS_PER_BLOCK = 1024;
/** Keys of events are times: about a second. */
export const EVENT_KEYS_PER_BLOCK = 2 ** 22;
export const BLOCKS_PER_ERA = 4096;

export type MarkTable = 'attempt_mark' | 'event_mark';

/** Whose rows a mark is about. */
export const scopeOf = {
  tenant: (word: number): number => word * 2,
  endpoint: (number: number): number => number * 2 + 1,
};

/** What a mark says of its rows. */
export const whatOf = {
  type: (word: number): string => `y${word}`,
  status: (status: number): string => `s${status}`,
  statusClass: (status: number): string => `c${Math.floor(status / 100)}`,
  fault: (fault: Fault): string => `f${fault}`,
  state: (state: number): string => `e${state}`,
};

export interface MarkedAttempt {
  readonly seq: number;
  readonly tenant: number;
  readonly type: number;
  /** Of the endpoint. */
  readonly number: number;
  readonly started_at: Ms;
  readonly state: number;
  readonly status: number | null;
  readonly fault: Fault | null;
}

export interface MarkedEvent {
  readonly seq: number;
  readonly tenant: number;
  readonly type: number;
}

const SUCCEEDED = 1;

type Mark = readonly [table: MarkTable, scope: number, what: string, block: number];

export class Marks {
  readonly #marks = new Map<string, Mark>();
  readonly #types = new Map<string, [number, number]>();
  readonly #bounds = new Map<number, { low: Ms; high: Ms }>();

  attempt(row: MarkedAttempt): void {
    const block = Math.floor(row.seq / ATTEMPTS_PER_BLOCK);
    const tenant = scopeOf.tenant(row.tenant);
    this.#type(row);
    this.#mark('attempt_mark', tenant, whatOf.type(row.type), block);
    const scopes = [tenant];
    // Of endpoints only what people look for: nearly all succeeds, and would mark every block.
    if (row.state !== SUCCEEDED) scopes.push(scopeOf.endpoint(row.number));
    for (const scope of scopes) {
      this.#mark('attempt_mark', scope, whatOf.state(row.state), block);
      if (row.status !== null) {
        this.#mark('attempt_mark', scope, whatOf.status(row.status), block);
        this.#mark('attempt_mark', scope, whatOf.statusClass(row.status), block);
      }
      if (row.fault !== null) this.#mark('attempt_mark', scope, whatOf.fault(row.fault), block);
    }
    const at = row.started_at;
    const bounds = this.#bounds.get(block);
    if (!bounds) this.#bounds.set(block, { low: at, high: at });
    else {
      bounds.low = Math.min(bounds.low, at);
      bounds.high = Math.max(bounds.high, at);
    }
  }

  event(row: MarkedEvent): void {
    const block = Math.floor(row.seq / EVENT_KEYS_PER_BLOCK);
    this.#type(row);
    this.#mark('event_mark', scopeOf.tenant(row.tenant), whatOf.type(row.type), block);
  }

  #type({ tenant, type }: MarkedEvent): void {
    this.#types.set(`${tenant} ${type}`, [tenant, type]);
  }

  #mark(...mark: Mark): void {
    const key = mark.join(' ');
    if (!this.#marks.has(key)) this.#marks.set(key, mark);
  }

  write(db: Database): void {
    for (const [table, scope, what, block] of this.#marks.values()) {
      const era = Math.floor(block / BLOCKS_PER_ERA);
      db.run(
        `insert or ignore into ${table} (era, scope, what, block) values (?, ?, ?, ?)`,
        era,
        scope,
        what,
        block,
      );
    }
    for (const pair of this.#types.values()) {
      db.run('insert or ignore into tenant_type (tenant, type) values (?, ?)', ...pair);
    }
    const blocks = [...this.#bounds].sort(([a], [b]) => a - b);
    for (const [block, bounds] of blocks) writeBounds(db, block, bounds);
  }
}

/**
 * Attempts are logged when they end, so their starts are only almost in order. `floor_at`: none in this
 * block or a later one began before it; `ceil_at`: none in this block or an earlier one began after it.
 * Both only grow with the block, so a range of time is a range of blocks.
 */
function writeBounds(db: Database, block: number, { low, high }: { low: Ms; high: Ms }): void {
  const before = db.get<{ ceil_at: Ms }>(
    'select ceil_at from attempt_block where block <= ? order by block desc limit 1',
    block,
  );
  db.run(
    `insert into attempt_block (block, floor_at, ceil_at) values (?, ?, ?)
     on conflict (block) do update set
       floor_at = min(floor_at, excluded.floor_at), ceil_at = excluded.ceil_at`,
    block,
    low,
    Math.max(before?.ceil_at ?? high, high),
  );
  db.run('update attempt_block set floor_at = ? where floor_at > ? and block < ?', low, low, block);
}

const PRUNED_ROWS_MAX = 1000;

/** Removes some of the marks of what is no longer in the log; true = there may be more. */
export function pruneMarks(
  db: Database,
  oldest: { readonly attempt: number; readonly event: number },
): boolean {
  const attempts = Math.floor(oldest.attempt / ATTEMPTS_PER_BLOCK);
  const events = Math.floor(oldest.event / EVENT_KEYS_PER_BLOCK);
  const removed = [
    pruneEras(db, 'attempt_mark', Math.floor(attempts / BLOCKS_PER_ERA)),
    pruneEras(db, 'event_mark', Math.floor(events / BLOCKS_PER_ERA)),
    db.run(
      `delete from attempt_block where block in (
         select block from attempt_block where block < ? limit ?)`,
      attempts,
      PRUNED_ROWS_MAX,
    ),
  ];
  return removed.includes(PRUNED_ROWS_MAX);
}

function pruneEras(db: Database, table: MarkTable, before: number): number {
  return db.run(
    `delete from ${table} where (era, scope, what, block) in (
       select era, scope, what, block from ${table} where era < ? limit ?)`,
    before,
    PRUNED_ROWS_MAX,
  );
}
