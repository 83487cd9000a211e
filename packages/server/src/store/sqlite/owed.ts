import {
  type DeliveryState,
  LANE_PARTS,
  type LaneId,
  type Ms,
  type Slot,
} from '../../core/model.ts';
import { numberOfLane } from '../../core/routing.ts';
import { FLAG_LATE, STATES } from '../log-format.ts';
import type { RunKey } from './attempts.ts';
import type { Database } from './database.ts';
import type { Engine } from './engine.ts';

/**
 * Open rows have no index by event: the hot path would pay for it. What is asked of one event is
 * answered from its log instead, so that no lane, which may owe a million rows, is searched for it.
 */

/**
 * The last run of an event at an endpoint, over all lanes it has had; undefined = there was none. A
 * run as routed that has no end in the log is owed. `lanes`: those of the event.
 */
export function lastRun(
  db: Database,
  at: { readonly seq: number; readonly lanes: readonly number[]; readonly number: number },
): { run: number; state: DeliveryState } | undefined {
  const again = db.get<{ run: number | null }>(
    `select max(run) as run from delivery where event = ? and run > 0 and lane / ${LANE_PARTS} = ?`,
    at.seq,
    at.number,
  );
  const ended = db.get<{ run: number; state: number }>(
    `select run, state from attempt where event = ? and +lane / ${LANE_PARTS} = ?
     and state <> 0 and flags & ${FLAG_LATE} = 0 order by run desc limit 1`,
    at.seq,
    at.number,
  );
  const routed = at.lanes.some((lane) => numberOfLane(lane) === at.number) ? 0 : -1;
  const open = Math.max(again?.run ?? -1, routed);
  if (open > (ended?.run ?? -1)) return { run: open, state: 'pending' };
  return ended && { run: ended.run, state: STATES[ended.state] as DeliveryState };
}

/** When the open row of a run is due; undefined = it is not owed. */
export function dueOf(engine: Engine, run: RunKey): Ms | undefined {
  const { db } = engine;
  const of = [run.slot, run.lane, run.seq, run.run] as const;
  if (run.run > 0) {
    return db.get<{ due_at: Ms }>(
      `select due_at from delivery
       where slot = ? and lane = ? and event = ? and run = ? and run > 0`,
      ...of,
    )?.due_at;
  }
  const likely = db.all<{ due_at: Ms | null }>(
    `select next_at as due_at from attempt
     where event = ? and slot = ? and lane = ? and run = 0 and state = 0 and next_at is not null
     union select created_at from event where seq = ?`,
    run.seq,
    run.slot,
    run.lane,
    run.seq,
  );
  for (const { due_at } of likely) {
    const found = db.get<object>(
      'select 1 from delivery where slot = ? and lane = ? and due_at = ? and event = ? and run = 0',
      run.slot,
      run.lane,
      due_at,
      run.seq,
    );
    if (found) return due_at ?? undefined;
  }
  // Moved by hand, or in an ordered lane: those are few, or short.
  return db.get<{ due_at: Ms }>(
    'select due_at from delivery where slot = ? and lane = ? and event = ? and run = ?',
    ...of,
  )?.due_at;
}

/** What is owed of an event in these lanes: as routed without an end in the log, and repeated. */
export function pendingRuns(
  db: Database,
  {
    seq,
    slot,
    lanes,
  }: { readonly seq: number; readonly slot: Slot; readonly lanes: readonly LaneId[] },
): { slot: Slot; lane: LaneId; run: number }[] {
  const list = JSON.stringify(lanes);
  return db
    .all<{ lane: LaneId; run: number }>(
      `select value as lane, 0 as run from json_each(?) where value not in (
         select lane from attempt where event = ? and run = 0 and state <> 0
           and flags & ${FLAG_LATE} = 0)
       union all
       select lane, run from delivery where event = ? and run > 0
         and lane in (select value from json_each(?))`,
      list,
      seq,
      seq,
      list,
    )
    .map(({ lane, run }) => ({ slot, lane, run }));
}
