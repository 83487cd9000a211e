import type { DeliveryState, EventId, LaneId, Ms, Slot } from '../../core/model.ts';
import { LANE_PARTS } from '../../core/model.ts';
import { numberOfLane } from '../../core/routing.ts';
import { laneNumber } from '../lane-book.ts';
import { FLAG_LATE, STATES } from '../log-format.ts';
import type { LaneKey, Requeue, Requeued } from '../store.ts';
import { uuid } from './arrays.ts';
import { type Context, inOrder } from './context.ts';
import type { Querying } from './database.ts';
import { type LockedLane, lockLanes, takeDueTimes, wake } from './insertion.ts';
import { dayOfEvent } from './partitions.ts';

export async function requeue(
  ctx: Context,
  what: readonly Requeue[],
  now: Ms,
): Promise<Requeued[]> {
  await ctx.endpoints.refresh();
  return ctx.db.writes.transaction(async (tx) => {
    const runs = await NewRuns.begin(ctx, tx, { what, now });
    const answers: Requeued[] = [];
    // One after the other: what was just owed counts for the next.
    for (const one of what) answers.push(await runs.add(one));
    return answers;
  });
}

interface EventState {
  readonly lanes: LaneId[];
  /** There is nothing to send any more. */
  readonly erased: boolean;
}

/** Runs owed by one transaction, whose events and lanes it has locked. */
export class NewRuns {
  readonly #ctx: Context;
  readonly #tx: Querying;
  readonly #now: Ms;
  readonly #events: ReadonlyMap<EventId, EventState>;
  readonly #lanes: ReadonlyMap<number, LockedLane>;

  private constructor(
    ctx: Context,
    tx: Querying,
    of: {
      readonly now: Ms;
      readonly events: ReadonlyMap<EventId, EventState>;
      readonly lanes: ReadonlyMap<number, LockedLane>;
    },
  ) {
    this.#ctx = ctx;
    this.#tx = tx;
    this.#now = of.now;
    this.#events = of.events;
    this.#lanes = of.lanes;
  }

  static async begin(
    ctx: Context,
    tx: Querying,
    { what, now }: { readonly what: readonly Requeue[]; readonly now: Ms },
  ): Promise<NewRuns> {
    const events = await lockEvents(tx, what);
    const keys = new Map<number, LaneKey>();
    for (const { slot, lane } of what) keys.set(laneNumber({ slot, lane }), { slot, lane });
    const lanes = await lockLanes(ctx, tx, inOrder(keys.values()));
    return new NewRuns(ctx, tx, { now, events, lanes });
  }

  async add(what: Requeue): Promise<Requeued> {
    const event = this.#events.get(what.event);
    const lane = this.#lanes.get(laneNumber(what));
    if (!event || !lane) return { kind: 'unknown' };
    if (event.erased) return { kind: 'erased' };
    if (lane.closed) return { kind: 'closed' };
    const { slot, after } = what;
    const { lanes } = event;
    const { run = -1, state } =
      (await lastRun(this.#tx, { ...what, slot, lanes, number: numberOfLane(what.lane) })) ?? {};
    if (after !== undefined && after > run) return { kind: 'unknown' };
    if (state === 'pending') return { kind: 'pending', run };
    if (after !== undefined && after < run) return { kind: 'superseded', run };
    const wanted = [{ key: what, rows: 1, empty: false }];
    const [room] = await this.#ctx.room.take(this.#tx, wanted, this.#now);
    if (!room) return { kind: 'full' };
    if (!lanes.includes(what.lane)) {
      lanes.push(what.lane);
      await extend(this.#tx, what);
    }
    await this.#owe(what, run + 1, lane);
    return { kind: 'owed', run: run + 1 };
  }

  async #owe({ slot, lane, event, ownId }: Requeue, run: number, locked: LockedLane) {
    const key = { slot, lane };
    const owing = [{ ...key, rows: [event] }];
    const dues = await takeDueTimes(this.#ctx, this.#tx, { owing, now: this.#now });
    const dueAt = dues.get(laneNumber(key)) ?? this.#now;
    await this.#tx.run(
      `insert into delivery (slot, lane, due_at, event, run, own_id)
       values ($1, $2, $3, $4, $5, $6)`,
      slot,
      lane,
      dueAt,
      uuid(event),
      run,
      ownId,
    );
    await wake(this.#tx, [{ ...key, dueAt }], new Map([[laneNumber(key), locked]]));
  }
}

/** By event: so of many who ask for the same at once, each sees what the one before did. */
async function lockEvents(
  tx: Querying,
  what: readonly Requeue[],
): Promise<Map<EventId, EventState>> {
  const found = new Map<EventId, EventState>();
  // Older ones are being removed.
  const kept = await tx.get<{ value: string }>("select value from meta where key = 'kept_from'");
  const keptFrom = Number(kept?.value ?? 0);
  const slots = new Map(what.map(({ event, slot }) => [event, slot]));
  for (const event of [...slots.keys()].sort()) {
    const row = await tx.get<EventState>(
      'select lanes, erased_at is not null as erased from event where slot = $1 and id = $2 for no key update',
      slots.get(event) as Slot,
      uuid(event),
    );
    if (row && dayOfEvent(event) >= keptFrom) found.set(event, row);
  }
  return found;
}

function extend(tx: Querying, { slot, event, lane }: Requeue): Promise<number> {
  return tx.run(
    'update event set lanes = lanes || $3::bigint where slot = $1 and id = $2',
    slot,
    uuid(event),
    lane,
  );
}

/**
 * The last run of an event at an endpoint, over all lanes it has had; undefined = there was none. A
 * run as routed that has no end in the log is owed. One statement, so that no outcome comes between.
 * `lanes`: those of the event.
 */
export async function lastRun(
  tx: Querying,
  of: {
    readonly slot: Slot;
    readonly event: EventId;
    readonly lanes: readonly LaneId[];
    readonly number: number;
  },
): Promise<{ run: number; state: DeliveryState } | undefined> {
  const { number } = of;
  const row = await tx.get<{ again: number | null; ended: number | null; state: number | null }>(
    `select
       (select max(run) from delivery
        where slot = $1 and event = $2 and run > 0 and lane / ${LANE_PARTS} = $3) as again,
       e.run as ended, e.state
     from (select 1) one left join (
       select run, state from attempt
       where slot = $1 and event = $2 and lane / ${LANE_PARTS} = $3
         and state <> 0 and flags & ${FLAG_LATE} = 0 order by run desc limit 1) e on true`,
    of.slot,
    uuid(of.event),
    number,
  );
  const { again, ended, state } = row ?? {};
  const routed = of.lanes.some((one) => numberOfLane(one) === number) ? 0 : -1;
  const open = Math.max(again ?? -1, routed);
  if (open > (ended ?? -1)) return { run: open, state: 'pending' };
  if (ended === null || ended === undefined) return undefined;
  return { run: ended, state: STATES[state ?? 0] as DeliveryState };
}
