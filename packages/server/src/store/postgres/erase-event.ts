import type { EventId, LaneId, Ms, Slot } from '../../core/model.ts';
import { slotOf } from '../../core/routing.ts';
import { FLAG_LATE } from '../log-format.ts';
import type { Erased, Erasure, LaneCommand } from '../store.ts';
import { int8s, uuid } from './arrays.ts';
import { blankEvent, blankSome } from './blank.ts';
import { carryOutAll } from './commands.ts';
import type { Context } from './context.ts';
import type { Querying } from './database.ts';

/** Of one call. */
const LANES_MAX = 1000;

/** One step of an erasure. The first one takes the event's own payload: nothing more of it is sent. */
export function eraseEvent(ctx: Context, what: Erasure, now: Ms): Promise<Erased | undefined> {
  const slot = slotOf(what.tenant);
  return ctx.db.writes.transaction(async (tx) => {
    // Locked as by who owes it again: whoever is first, the other sees it.
    const row = await tx.get<{ lanes: LaneId[]; erased_at: Ms | null }>(
      `select lanes, erased_at from event where slot = $1 and id = $2 and tenant = $3
       for no key update`,
      slot,
      uuid(what.event),
      what.tenant,
    );
    if (!row) return undefined;
    if (row.erased_at === null) await blankEvent(tx, { slot, event: what.event, now });
    const to = Math.min(what.from + LANES_MAX, row.lanes.length);
    const lanes = row.lanes.slice(what.from, to);
    const commands = await cancelsOf(tx, { slot, event: what.event, lanes });
    const answers = await carryOutAll(ctx, tx, { commands, now });
    const left = await blankSome(tx, { slot, event: what.event });
    return {
      erasedAt: row.erased_at ?? now,
      cancelled: answers.filter((answer) => answer === 'applied').length,
      asked: answers.filter((answer) => answer === 'queued').length,
      next: to < row.lanes.length || left ? to : undefined,
    };
  });
}

interface EventKey {
  readonly slot: Slot;
  readonly event: EventId;
}

/** What would cancel all that is owed in these lanes: as routed without an end in the log, and repeated. */
export async function cancelsOf(
  tx: Querying,
  { slot, event, lanes }: EventKey & { readonly lanes: readonly LaneId[] },
): Promise<LaneCommand[]> {
  const runs = await tx.all<{ lane: LaneId; run: number }>(
    `select u.lane, 0 as run from unnest($3::bigint[]) u(lane)
     where not exists (
       select 1 from attempt a where a.slot = $1 and a.event = $2 and a.lane = u.lane and a.run = 0
         and a.state <> 0 and a.flags & ${FLAG_LATE} = 0)
     union all
     select d.lane, d.run from delivery d
     where d.slot = $1 and d.event = $2 and d.run > 0 and d.lane = any($3::bigint[])`,
    slot,
    uuid(event),
    int8s(lanes),
  );
  return runs.map(({ lane, run }) => ({ slot, lane, event, run, do: 'cancel' }));
}
