import { type EventId, LANE_PARTS, type Ms } from '../../core/model.ts';
import { FLAG_ERASED, FLAG_LATE } from '../log-format.ts';
import { int2s, uuid, uuidAt, uuids } from './arrays.ts';
import type { Context } from './context.ts';
import type { Querying } from './database.ts';
import type { Day } from './partitions.ts';
import { forgetWords } from './search-index.ts';

export interface ErasureOf {
  /** Payloads of events from before then go. */
  readonly before: Ms;
  /** That have such events, oldest first. */
  readonly days: readonly Day[];
}

/** Days without anything to look at. */
const SKIP_MAX = 100;

export interface Key {
  readonly slot: number;
  readonly id: EventId;
}

/** One walk over old events, day by day, that takes the payloads of those that owe nothing. */
export class Erasure {
  readonly #of: ErasureOf;
  #day = 0;
  #after: Key = FIRST;

  constructor(of: ErasureOf) {
    this.#of = of;
  }

  get over(): boolean {
    return this.#day >= this.#of.days.length;
  }

  /** Returns how many lost their payload. */
  async step(ctx: Context, chunk: number, now: Ms): Promise<number> {
    await this.#skipEmpty(ctx);
    const day = this.#of.days[this.#day];
    if (day === undefined) return 0;
    const { looked, erased } = await ctx.db.writes.transaction(async (tx) => {
      // Locked: what is owed again meanwhile waits, and then finds them erased.
      const rows = await tx.all<Key>(
        `select slot, id from event where day = $1 and (slot, id) > ($2, $3) and id < $4
           and erased_at is null order by slot, id limit $5 for update`,
        day,
        this.#after.slot,
        uuid(this.#after.id),
        uuidAt(this.#of.before),
        chunk,
      );
      return { looked: rows, erased: await erase(tx, { rows, day, now }) };
    });
    this.#after = looked.at(-1) ?? this.#after;
    if (looked.length < chunk) {
      this.#day += 1;
      this.#after = FIRST;
    }
    return erased;
  }

  async #skipEmpty(ctx: Context): Promise<void> {
    for (let skipped = 0; skipped < SKIP_MAX; skipped++) {
      const day = this.#of.days[this.#day];
      if (day === undefined) return;
      const any = await ctx.db.reads.get<object>(
        'select 1 from event where day = $1 and id < $2 and erased_at is null limit 1',
        day,
        uuidAt(this.#of.before),
      );
      if (any) return;
      this.#day += 1;
      this.#after = FIRST;
    }
  }
}

const FIRST: Key = { slot: -1, id: '' as EventId };

/** An event owes nothing when each endpoint's run as routed has ended, and no later one is open. */
const FREE = `not exists (
    select 1 from delivery d where d.slot = e.slot and d.event = e.id and d.run > 0)
  and not exists (select 1 from expansion x where x.slot = e.slot and x.event = e.id)
  and (select count(distinct lane / ${LANE_PARTS}) from unnest(e.lanes) l(lane)) <= (
    select count(distinct a.lane / ${LANE_PARTS}) from attempt a
    where a.slot = e.slot and a.event = e.id and a.run = 0 and a.state <> 0
      and a.flags & ${FLAG_LATE} = 0)`;

/** Takes the payloads of those of `rows`, in one day, that owe nothing; how many had one. */
export async function erase(
  tx: Querying,
  { rows, day, now }: { readonly rows: readonly Key[]; readonly day: Day; readonly now: Ms },
): Promise<number> {
  if (rows.length === 0) return 0;
  const free = await tx.all<Key>(
    `update event e set data = '', meta = '', subject = null, erased_at = $4
     from unnest($1::smallint[], $2::uuid[]) u(slot, id)
     where e.slot = u.slot and e.id = u.id and e.day = $3 and e.erased_at is null and ${FREE}
     returning e.slot, e.id`,
    int2s(rows.map(({ slot }) => slot)),
    uuids(rows.map(({ id }) => id)),
    day,
    now,
  );
  await forgetWords(tx, free);
  await tx.run(
    `update attempt a set req_head = null, body_before = null, body_after = null, res_head = null,
       res_body = null, flags = flags | ${FLAG_ERASED}
     from unnest($1::smallint[], $2::uuid[]) u(slot, id)
     where a.slot = u.slot and a.event = u.id and a.n > 0`,
    int2s(free.map(({ slot }) => slot)),
    uuids(free.map(({ id }) => id)),
  );
  return free.length;
}
