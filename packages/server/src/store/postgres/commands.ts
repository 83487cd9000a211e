import type { EventId, Ms } from '../../core/model.ts';
import { laneNumber } from '../lane-book.ts';
import { ERASED } from '../log-format.ts';
import type { DeliveryKey, LaneCommand, LaneKey } from '../store.ts';
import { uuid } from './arrays.ts';
import { logDecisions } from './attempts.ts';
import { blankLogged } from './blank.ts';
import { type Context, inOrder, laneArrays } from './context.ts';
import type { Querying } from './database.ts';
import { dayOfEvent } from './partitions.ts';

interface Lane extends LaneKey {
  readonly owned: boolean;
  readonly fifo: boolean;
}

/**
 * On free lanes at once: the lock keeps them from being taken meanwhile. On a held one a row waits for
 * its holder; a release that is under way waits for that row, and then sees it.
 */
export function command(
  ctx: Context,
  commands: readonly LaneCommand[],
  now: Ms,
): Promise<('applied' | 'queued' | 'absent')[]> {
  return ctx.db.writes.transaction((tx) => carryOutAll(ctx, tx, { commands, now }));
}

/** The same in a transaction that does something else as well. */
export async function carryOutAll(
  ctx: Context,
  tx: Querying,
  { commands, now }: { readonly commands: readonly LaneCommand[]; readonly now: Ms },
): Promise<('applied' | 'queued' | 'absent')[]> {
  const lanes = await lock(tx, commands);
  const answers: ('applied' | 'queued' | 'absent')[] = [];
  for (const one of commands) {
    const lane = lanes.get(laneNumber(one));
    if (!lane) answers.push('absent');
    else if (lane.owned) {
      await keep(tx, one);
      answers.push('queued');
    } else answers.push((await carryOut(ctx, tx, { ...one, lane, now })) ? 'applied' : 'absent');
  }
  return answers;
}

async function lock(tx: Querying, keys: readonly LaneKey[]): Promise<Map<number, Lane>> {
  const distinct = new Map(keys.map((key) => [laneNumber(key), key]));
  const rows = await tx.all<{ slot: number; id: number; owned: boolean; fifo: boolean }>(
    `select l.slot, l.id, l.owner is not null as owned, e.fifo
     from unnest($1::smallint[], $2::bigint[]) u(slot, id) join lane l using (slot, id)
     join endpoint e on e.number = l.id / 16
     order by l.slot, l.id for no key update of l`,
    ...laneArrays(inOrder(distinct.values())),
  );
  return new Map(
    rows.map(({ slot, id, owned, fifo }) => [
      laneNumber({ slot, lane: id }),
      { slot, lane: id, owned, fifo },
    ]),
  );
}

async function keep(tx: Querying, one: LaneCommand): Promise<void> {
  await tx.run(
    `insert into command (slot, lane, event, run, kind) values ($1, $2, $3, $4, $5)
     on conflict do nothing`,
    one.slot,
    one.lane,
    uuid(one.event),
    one.run,
    one.do,
  );
}

/** Takes the commands that wait for these lanes, whose holder the caller is or was, and applies them. */
export async function applyKept(
  ctx: Context,
  tx: Querying,
  of: { readonly lanes: readonly LaneKey[]; readonly now: Ms },
): Promise<DeliveryKey[]> {
  const moved: DeliveryKey[] = [];
  if (of.lanes.length === 0) return moved;
  const rows = await tx.all<{
    slot: number;
    lane: number;
    event: EventId;
    run: number;
    kind: LaneCommand['do'];
  }>(
    `delete from command c using unnest($1::smallint[], $2::bigint[]) u(slot, lane)
     where c.slot = u.slot and c.lane = u.lane returning c.*`,
    ...laneArrays(of.lanes),
  );
  const lanes = rows.length > 0 ? await lock(tx, of.lanes) : new Map<number, Lane>();
  for (const { kind, ...row } of rows) {
    const lane = lanes.get(laneNumber(row));
    const key = lane && (await carryOut(ctx, tx, { ...row, do: kind, lane, now: of.now }));
    if (key) moved.push(key);
    // Its sender may have logged what it sent before it was told.
    if (kind === 'cancel' && (await readHead(tx, row))?.erased) await blankLogged(tx, row);
  }
  return moved;
}

interface CarryOut extends LaneKey {
  readonly event: EventId;
  readonly run: number;
  readonly do: LaneCommand['do'];
}

/** undefined = there was nothing to apply it to. */
async function carryOut(
  ctx: Context,
  tx: Querying,
  { lane: at, now, ...one }: Omit<CarryOut, 'lane'> & { readonly lane: Lane; readonly now: Ms },
): Promise<DeliveryKey | undefined> {
  const { slot, event, run } = one;
  const { lane, fifo } = at;
  const dueAt = await dueOf(tx, { slot, lane, event, run });
  if (dueAt === undefined) return undefined;
  const key = { slot, lane, dueAt, event, run };
  if (one.do === 'cancel') {
    await deleteRow(tx, key);
    await logCancelled(ctx, tx, { run: key, now });
    return key;
  }
  await tellHastened(tx, key, now);
  if (!fifo && dueAt > now) await redate(tx, key, now);
  // In an ordered lane no row moves: the wait that its head's failure began ends instead.
  await tx.run(
    `update lane set not_before = case when $3 then 0 else not_before end,
       next_at = least(next_at, greatest($4::bigint, case when $3 then 0 else not_before end))
     where slot = $1 and id = $2`,
    slot,
    lane,
    fifo,
    now,
  );
  return key;
}

async function redate(tx: Querying, key: DeliveryKey, now: Ms): Promise<void> {
  await tx.run(
    `update delivery set due_at = $6
     where slot = $1 and lane = $2 and due_at = $3 and event = $4 and run = $5`,
    key.slot,
    key.lane,
    key.dueAt,
    uuid(key.event),
    key.run,
    now,
  );
}

/** It is tried again at `now` and not when its last attempt said. */
async function tellHastened(tx: Querying, key: DeliveryKey, now: Ms): Promise<void> {
  await tx.run(
    `update attempt set next_at = $5 where next_at > $5 and (slot, seq) = (
       select slot, seq from attempt where slot = $1 and event = $2 and lane = $3 and run = $4
       order by seq desc limit 1) and event = $2`,
    key.slot,
    uuid(key.event),
    key.lane,
    key.run,
    now,
  );
}

export async function deleteRow(tx: Querying, key: DeliveryKey): Promise<number> {
  return tx.run(
    'delete from delivery where slot = $1 and lane = $2 and due_at = $3 and event = $4 and run = $5',
    key.slot,
    key.lane,
    key.dueAt,
    uuid(key.event),
    key.run,
  );
}

/** When the open row of a run is due; undefined = it is not owed. */
async function dueOf(
  tx: Querying,
  { slot, lane, event, run }: Omit<DeliveryKey, 'dueAt'>,
): Promise<Ms | undefined> {
  const of = [slot, lane, uuid(event), run] as const;
  const likely = await tx.get<{ due_at: Ms }>(
    run > 0
      ? `select due_at from delivery
         where slot = $1 and event = $3 and run > 0 and lane = $2 and run = $4`
      : `select d.due_at from (
           select next_at as at from attempt
           where slot = $1 and event = $3 and lane = $2 and run = $4 and next_at is not null
           union select created_at from event where slot = $1 and id = $3) t
         join delivery d on d.slot = $1 and d.lane = $2 and d.due_at = t.at and d.event = $3
           and d.run = $4`,
    ...of,
  );
  if (likely || run > 0) return likely?.due_at;
  // Moved by hand, or in an ordered lane: those are few, or short.
  const found = await tx.get<{ due_at: Ms }>(
    'select due_at from delivery where slot = $1 and lane = $2 and event = $3 and run = $4',
    ...of,
  );
  return found?.due_at;
}

interface EventHead {
  readonly tenant: string;
  readonly type: string;
  readonly erased: boolean;
}

const HEAD = 'tenant, type, erased_at is not null as erased';

/** `event` is where it was stored unless its log outlived that day. */
export async function readHead(
  tx: Querying,
  { slot, event }: { readonly slot: number; readonly event: EventId },
): Promise<EventHead | undefined> {
  return (
    (await tx.get<EventHead>(
      `select ${HEAD} from event where slot = $1 and id = $2 and day = $3`,
      slot,
      uuid(event),
      dayOfEvent(event),
    )) ??
    tx.get<EventHead>(`select ${HEAD} from event where slot = $1 and id = $2`, slot, uuid(event))
  );
}

async function logCancelled(
  ctx: Context,
  tx: Querying,
  { run, now }: { readonly run: DeliveryKey; readonly now: Ms },
): Promise<void> {
  const event = await readHead(tx, run);
  if (!event) return;
  const detail = event.erased ? ERASED : 'Cancelled on request.';
  const as = { state: 'cancelled', fault: undefined, detail } as const;
  await logDecisions(ctx, tx, [{ run, ...event, ...as, now }]);
}
