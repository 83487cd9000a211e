import type { EventId, Ms } from '../../core/model.ts';
import { int2s, int4s, uuidAt, uuids } from './arrays.ts';
import type { Context } from './context.ts';
import { erase } from './erasure.ts';
import { type Day, dayOf, type Partitioned, placeOfName, startOf } from './partitions.ts';
import { dropVolumes } from './search-index.ts';

/** Events whose log is younger than they are, moved in one step. */
const MOVED_MAX = 1000;
/** Above, rows of a partition that goes are not counted: the server's own estimate is told. */
const COUNTED_BYTES = 8 * 1024 * 1024;

/**
 * Drops whole days: one partition of each table, in a moment, whatever it holds. An event stays as
 * long as the youngest of its log, so what must stay moves to the day of that first, without its
 * payload and its words: in that day they would be as young as its log.
 */
export async function dropDays(
  ctx: Context,
  before: Day,
  now: Ms,
): Promise<{ removed: number; erased: number; more: boolean }> {
  const open = await ctx.db.reads.get<object>('select 1 from expansion where day < $1', before);
  if (open) return { removed: 0, erased: 0, more: false };
  const { moved, erased } = await moveKept(ctx, before, now);
  if (moved === MOVED_MAX) return { removed: 0, erased, more: true };
  await ctx.db.writes.run('delete from idem where day < $1', before);
  let removed = 0;
  for (const { name, parent, day, state } of await oldTables(ctx, before)) {
    if (parent !== 'doc') removed += await rowsOf(ctx, name);
    if (parent === 'attempt') await tellRemoved(ctx, name);
    ctx.partitions.forget(day);
    if (state === 'attached') {
      await ctx.db.reads.script(`alter table ${parent} detach partition ${name} concurrently`);
    } else if (state === 'pending') {
      await ctx.db.reads.script(`alter table ${parent} detach partition ${name} finalize`);
    }
    await ctx.db.reads.script(`drop table ${name}`);
  }
  await dropVolumes(ctx, before);
  return { removed, erased, more: false };
}

/** Old events with attempts in days that stay. */
async function moveKept(
  ctx: Context,
  before: Day,
  now: Ms,
): Promise<{ moved: number; erased: number }> {
  return ctx.db.writes.transaction(async (tx) => {
    const kept = await tx.all<{ slot: number; event: EventId; at: Ms }>(
      `select s.slot, a.event, max(a.started_at) as at
       from (select generate_series(0, 255)::smallint as slot) s
       join attempt a on a.slot = s.slot and a.day >= $1 and a.event < $2
       where exists (select 1 from event e where e.slot = s.slot and e.id = a.event and e.day < $1)
       group by s.slot, a.event limit ${MOVED_MAX}`,
      before,
      uuidAt(startOf(before)),
    );
    if (kept.length === 0) return { moved: 0, erased: 0 };
    const arrays = [
      int2s(kept.map(({ slot }) => slot)),
      uuids(kept.map(({ event }) => event)),
      int4s(kept.map(({ at }) => dayOf(at))),
    ];
    const from = 'from unnest($1::smallint[], $2::uuid[], $3::int[]) u(slot, event, day)';
    await tx.run(
      `update attempt t set day = u.day ${from}
       where t.slot = u.slot and t.event = u.event and t.day < $4`,
      ...arrays,
      before,
    );
    await tx.run(
      `update event t set day = u.day ${from}
       where t.slot = u.slot and t.id = u.event and t.day < $4`,
      ...arrays,
      before,
    );
    await tx.run(
      `update idem t set day = u.day ${from}
       where t.slot = u.slot and t.event = u.event and t.day < $4`,
      ...arrays,
      before,
    );
    let erased = 0;
    for (const day of new Set(kept.map(({ at }) => dayOf(at)))) {
      const rows = kept.filter(({ at }) => dayOf(at) === day);
      const keys = rows.map(({ slot, event }) => ({ slot, id: event }));
      erased += await erase(tx, { rows: keys, day, now });
    }
    return { moved: kept.length, erased };
  });
}

interface OldTable {
  readonly name: string;
  readonly parent: Partitioned;
  readonly day: Day;
  /** `pending`, `orphan`: a process died between detaching it and dropping it. */
  readonly state: 'attached' | 'pending' | 'orphan';
}

async function oldTables(ctx: Context, before: Day): Promise<OldTable[]> {
  const rows = await ctx.db.reads.all<{ name: string; pending: boolean | null }>(
    `select c.relname as name, i.inhdetachpending as pending
     from pg_class c left join pg_inherits i on i.inhrelid = c.oid
     where c.relkind = 'r' and c.relnamespace = 'posthorn'::regnamespace
       and c.relname ~ '_[0-9]{8}$' order by c.relname desc`,
  );
  return rows.flatMap(({ name, pending }): OldTable[] => {
    const place = placeOfName(name);
    if (!place || place.day >= before) return [];
    const state = pending === null ? 'orphan' : pending ? 'pending' : 'attached';
    return [{ name, parent: place.table, day: place.day, state }];
  });
}

/** Who follows the log from before there has missed something. */
async function tellRemoved(ctx: Context, name: string): Promise<void> {
  await ctx.db.reads.run(
    `insert into meta as m (key, value)
     select 'log_removed_to', max(seq)::text from ${name} having max(seq) is not null
     on conflict (key) do update
       set value = greatest(m.value::bigint, excluded.value::bigint)::text`,
  );
}

async function rowsOf(ctx: Context, name: string): Promise<number> {
  const known = await ctx.db.reads.get<{ bytes: number; rows: number }>(
    `select pg_relation_size(oid) as bytes, reltuples::bigint as rows from pg_class
     where oid = to_regclass($1)`,
    `posthorn.${name}`,
  );
  if (!known || known.bytes === 0) return 0;
  if (known.bytes > COUNTED_BYTES && known.rows >= 0) return known.rows;
  const counted = await ctx.db.reads.get<{ n: number }>(`select count(*) as n from ${name}`);
  return counted?.n ?? 0;
}
