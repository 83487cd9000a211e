import {
  ASLEEP,
  type EventMeta,
  LANE_PARTS,
  type LaneId,
  type Ms,
  type Slot,
} from '../../core/model.ts';
import { numberOfLane } from '../../core/routing.ts';
import { laneNumber } from '../lane-book.ts';
import type { LaneKey, NewEvent } from '../store.ts';
import { byteas, int2s, int4s, int8s, texts, uuid, uuids } from './arrays.ts';
import { type Decision, logDecisions } from './attempts.ts';
import { type Context, inOrder, laneArrays } from './context.ts';
import type { Querying, Value } from './database.ts';
import { dayOfEvent } from './partitions.ts';

/** Rows to be owed in one lane, by one transaction. */
interface Owing extends LaneKey {
  readonly rows: Fanned[];
}

export interface LockedLane extends LaneKey {
  readonly next_at: Ms;
  readonly not_before: Ms;
  readonly owned: boolean;
  readonly held: boolean;
  readonly closed: boolean;
}

/** What of an event decides where its deliveries go. */
export type Fanned = Pick<NewEvent, 'id' | 'slot' | 'tenant' | 'type' | 'lanes'>;

/**
 * Stores events with what they owe. Returns those whose deliveries are not simply due at `now` in
 * each of their lanes.
 */
export async function insertEvents(
  ctx: Context,
  tx: Querying,
  { events, now }: { readonly events: readonly NewEvent[]; readonly now: Ms },
): Promise<ReadonlySet<Fanned>> {
  if (events.length === 0) return new Set();
  const plain = plainBatch(ctx, { events, now });
  if (plain && (await insertPlain(tx, plain)).kind === 'stored') return new Set();
  const wide = events.filter(({ lanes }) => lanes.length > ctx.limits.inlineFanoutMax);
  const narrow = events.filter(({ lanes }) => lanes.length <= ctx.limits.inlineFanoutMax);
  const placed = await placeDeliveries(ctx, tx, { events: narrow, now });
  await writeEvents(tx, events, placed.rows);
  await expandLater(tx, wide);
  await finishPlacing(ctx, tx, placed);
  return new Set([...placed.irregular, ...wide]);
}

/** The same for a part of the fan-out of an event that is stored already. */
export async function insertDeliveries(
  ctx: Context,
  tx: Querying,
  { event, now }: { readonly event: Fanned; readonly now: Ms },
): Promise<void> {
  const placed = await placeDeliveries(ctx, tx, { events: [event], now });
  await tx.run(
    `insert into delivery (slot, lane, due_at, event, run)
     select slot, lane, due_at, event, 0
     from unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::uuid[]) u(slot, lane, due_at, event)`,
    ...deliveryArrays(placed.rows),
  );
  await finishPlacing(ctx, tx, placed);
}

/**
 * What `insertPlain` is told of a batch. undefined = some lane is new, full, or in order, or a fan-out is
 * wide: it takes more than one statement.
 */
export function plainBatch(
  ctx: Context,
  { events, now }: { readonly events: readonly NewEvent[]; readonly now: Ms },
): readonly Value[] | undefined {
  if (events.some(({ lanes }) => lanes.length > ctx.limits.inlineFanoutMax)) return undefined;
  const owing = byLane(events);
  const known = ({ lane }: LaneKey) => ctx.endpoints.get(numberOfLane(lane))?.fifo === false;
  const wanted = owing.map((key) => ({ key, rows: key.rows.length }));
  if (!owing.every(known) || !ctx.room.takeKnown(wanted)) return undefined;
  const rows = owing.flatMap(({ slot, lane, rows }) =>
    rows.map((event) => ({ slot, lane, event, dueAt: now })),
  );
  return [...eventArrays(events), ...deliveryArrays(rows), ...laneArrays(owing), now];
}

export type Plain =
  | { readonly kind: 'stored' }
  /** Routed by a configuration that has changed since: nothing was stored. */
  | { readonly kind: 'stale'; readonly routing: number }
  /** A lane is not there (yet): whoever makes it has not committed, or its endpoint is gone. */
  | { readonly kind: 'special' };

/**
 * What nearly all batches are, in one statement: each lane is there and has room. The main query is
 * carried out first, so lanes are locked before anything is written, and what is known of them is as of
 * that lock, not of the snapshot.
 */
export async function insertPlain(
  tx: Querying,
  plain: readonly Value[],
  configVersion = Number.MAX_SAFE_INTEGER,
): Promise<Plain> {
  const row = await tx.get<{ routing: number; stored: boolean }>(PLAIN, ...plain, configVersion);
  const { routing = 0, stored = false } = row ?? {};
  if (routing > configVersion) return { kind: 'stale', routing };
  return { kind: stored ? 'stored' : 'special' };
}

interface Placed {
  readonly rows: readonly OwedRow[];
  readonly locked: ReadonlyMap<number, LockedLane>;
  readonly skipped: readonly Decision[];
  readonly irregular: ReadonlySet<Fanned>;
}

/**
 * The lanes are locked against going to sleep from before the rows are written until they are
 * committed: a release waits, and then sees them.
 */
async function placeDeliveries(
  ctx: Context,
  tx: Querying,
  { events, now }: { readonly events: readonly Fanned[]; readonly now: Ms },
): Promise<Placed> {
  const irregular = new Set<Fanned>();
  const full = new Map<Fanned, Set<LaneId>>();
  const owing = byLane(events);
  const dues = await takeDueTimes(ctx, tx, { owing, now });
  const locked = await lockLanes(ctx, tx, owing);
  const rows = await fitting(ctx, tx, { owing, locked, dues, now, irregular, full });
  // Logged in the order of events, as every engine does, not in that of the locks.
  const skipped = events.flatMap((event) =>
    event.lanes
      .filter((lane) => full.get(event)?.has(lane))
      .map((lane) => skip(event, { lane, max: ctx.room.max, now })),
  );
  return { rows, locked, skipped, irregular };
}

async function finishPlacing(ctx: Context, tx: Querying, placed: Placed): Promise<void> {
  await logDecisions(ctx, tx, placed.skipped);
  await wake(tx, placed.rows, placed.locked);
}

function byLane(events: readonly Fanned[]): Owing[] {
  const lanes = new Map<number, Owing>();
  for (const event of events) {
    for (const lane of event.lanes) {
      const key = { slot: event.slot, lane };
      const owing = lanes.get(laneNumber(key)) ?? { ...key, rows: [] };
      lanes.set(laneNumber(key), owing);
      owing.rows.push(event);
    }
  }
  return inOrder(lanes.values());
}

/** First due time of each ordered lane's rows; the others follow it by a millisecond each. */
export async function takeDueTimes(
  ctx: Context,
  tx: Querying,
  of: { readonly owing: readonly (LaneKey & { readonly rows: readonly unknown[] })[]; now: Ms },
): Promise<Map<number, Ms>> {
  const { owing, now } = of;
  const ordered = owing.filter(({ lane }) => ctx.endpoints.get(numberOfLane(lane))?.fifo);
  if (ordered.length === 0) return new Map();
  const counts = ordered.map(({ rows }) => rows.length);
  const rows = await tx.all<{ slot: Slot; lane: LaneId; last_due: Ms; n: number }>(
    `insert into fifo as f (slot, lane, last_due)
     select slot, lane, $4::bigint + n - 1
     from unnest($1::smallint[], $2::bigint[], $3::int[]) u(slot, lane, n) order by slot, lane
     on conflict (slot, lane) do update
       set last_due = greatest(excluded.last_due, f.last_due + excluded.last_due - $4::bigint + 1)
     returning slot, lane, last_due`,
    ...laneArrays(ordered),
    int4s(counts),
    now,
  );
  const sizes = new Map(ordered.map((one, i) => [laneNumber(one), counts[i] as number]));
  return new Map(
    rows.map((row) => [laneNumber(row), row.last_due - (sizes.get(laneNumber(row)) ?? 1) + 1]),
  );
}

/** Locks what is there, makes what is missing; a lane of an unknown endpoint is not in the answer. */
export async function lockLanes(
  ctx: Context,
  tx: Querying,
  keys: readonly LaneKey[],
): Promise<Map<number, LockedLane>> {
  const locked = new Map<number, LockedLane>();
  if (keys.length === 0) return locked;
  const lock = async (some: readonly LaneKey[]) => {
    const rows = await tx.all<LockedLane>(
      `select l.slot, l.id as lane, l.next_at, l.not_before, l.owner is not null as owned,
         l.held, l.closed
       from unnest($1::smallint[], $2::bigint[]) u(slot, id) join lane l using (slot, id)
       order by l.slot, l.id for key share of l`,
      ...laneArrays(some),
    );
    for (const row of rows) locked.set(laneNumber(row), row);
  };
  await lock(keys);
  const missing = keys.filter(
    (key) => !locked.has(laneNumber(key)) && ctx.endpoints.get(numberOfLane(key.lane)),
  );
  if (missing.length === 0) return locked;
  await makeLanes(tx, missing);
  await lock(missing);
  return locked;
}

/** Under a lock of its endpoint, so that a pause never misses a lane that is being made. */
async function makeLanes(tx: Querying, keys: readonly LaneKey[]): Promise<void> {
  await tx.all(
    'select 1 from endpoint where number = any ($1::bigint[]) order by number for share',
    int8s([...new Set(keys.map(({ lane }) => numberOfLane(lane)))]),
  );
  await tx.run(
    `insert into lane (slot, id, held, closed)
     select u.slot, u.id, e.held, e.closed
     from unnest($1::smallint[], $2::bigint[]) u(slot, id)
     join endpoint e on e.number = u.id / ${LANE_PARTS} order by u.slot, u.id
     on conflict do nothing`,
    ...laneArrays(keys),
  );
}

interface OwedRow extends LaneKey {
  readonly event: Fanned;
  readonly dueAt: Ms;
}

/** What the lanes have room for; of the rest it says which lanes were full. */
async function fitting(
  ctx: Context,
  tx: Querying,
  of: {
    readonly owing: readonly Owing[];
    readonly locked: ReadonlyMap<number, LockedLane>;
    readonly dues: ReadonlyMap<number, Ms>;
    readonly now: Ms;
    readonly irregular: Set<Fanned>;
    /** Lanes without room, by event. */
    readonly full: Map<Fanned, Set<LaneId>>;
  },
): Promise<OwedRow[]> {
  const { now, irregular } = of;
  const known = of.owing.filter((one) => of.locked.has(laneNumber(one)));
  const unknown = of.owing.filter((one) => !of.locked.has(laneNumber(one)));
  for (const { rows } of unknown) for (const event of rows) irregular.add(event);
  const wanted = known.map((one) => {
    const lane = of.locked.get(laneNumber(one)) as LockedLane;
    return { key: one, rows: one.rows.length, empty: !lane.owned && lane.next_at >= ASLEEP };
  });
  const taken = await ctx.room.take(tx, wanted, now);
  return known.flatMap(({ slot, lane, rows }, i) => {
    const first = of.dues.get(laneNumber({ slot, lane }));
    const room = taken[i] ?? 0;
    for (const event of rows.slice(room)) {
      irregular.add(event);
      of.full.set(event, (of.full.get(event) ?? new Set()).add(lane));
    }
    return rows.slice(0, room).map((event, n) => {
      if (first !== undefined) irregular.add(event);
      return { slot, lane, event, dueAt: first === undefined ? now : first + n };
    });
  });
}

function skip(event: Fanned, at: { lane: LaneId; max: number; now: Ms }): Decision {
  const { slot, tenant, type } = event;
  return {
    run: { slot, lane: at.lane, event: event.id, run: 0 },
    tenant,
    type,
    state: 'failed',
    fault: 'skipped',
    detail: `The webhook already owed ${at.max} deliveries; this one was not queued. Recover it once the backlog is gone.`,
    now: at.now,
  };
}

const EVENT_COLUMNS =
  'slot, day, id, tenant, type, occurred_at, created_at, idem, subject, meta, lanes, data';
/** Of events, from $1, and of what they owe, from $13. */
const EVENTS = `unnest($1::smallint[], $2::int[], $3::uuid[], $4::text[], $5::text[], $6::bigint[],
  $7::bigint[], $8::text[], $9::text[], $10::text[], $11::text[], $12::bytea[])
  e(${EVENT_COLUMNS})`;
const INSERT_EVENTS = `insert into event (${EVENT_COLUMNS})
  select slot, day, id, tenant, type, occurred_at, created_at, idem, subject, meta,
    lanes::bigint[], data
  from ${EVENTS}`;
const OWED = `unnest($13::smallint[], $14::bigint[], $15::bigint[], $16::uuid[])
  u(slot, lane, due_at, event)`;

async function writeEvents(
  tx: Querying,
  events: readonly NewEvent[],
  rows: readonly OwedRow[],
): Promise<void> {
  await tx.run(
    `with stored as (${INSERT_EVENTS})
     insert into delivery (slot, lane, due_at, event, run)
     select slot, lane, due_at, event, 0 from ${OWED}`,
    ...eventArrays(events),
    ...deliveryArrays(rows),
  );
}

function eventArrays(events: readonly NewEvent[]): Value[] {
  return [
    int2s(events.map(({ slot }) => slot)),
    int4s(events.map(({ id }) => dayOfEvent(id))),
    uuids(events.map(({ id }) => id)),
    texts(events.map(({ tenant }) => tenant)),
    texts(events.map(({ type }) => type)),
    int8s(events.map(({ occurredAt }) => occurredAt)),
    int8s(events.map(({ createdAt }) => createdAt)),
    texts(events.map(({ idempotencyKey }) => idempotencyKey ?? null)),
    texts(events.map(subjectOf)),
    texts(events.map(({ meta }) => meta)),
    texts(events.map(({ lanes }) => `{${lanes.join()}}`)),
    byteas(events.map(({ data }) => data)),
  ];
}

const PLAIN = `
  with locked as materialized (
    select l.slot, l.id, l.next_at, l.not_before, l.owner is null as free
    from unnest($17::smallint[], $18::bigint[]) u(slot, id) join lane l using (slot, id)
    order by l.slot, l.id for key share of l),
  found as materialized (
    select routing,
      routing <= $20 and (select count(*) from locked) = cardinality($17::smallint[]) as good
    from head),
  stored as (${INSERT_EVENTS}, found where good),
  owed as (
    insert into delivery (slot, lane, due_at, event, run)
    select slot, lane, due_at, event, 0 from ${OWED}, found where good),
  sleeping as materialized (
    select slot, id from locked, found
    where good and free and next_at > greatest($19, not_before) order by slot, id),
  woken as (
    update lane l set next_at = least(l.next_at, greatest($19, l.not_before)) from sleeping s
    where l.slot = s.slot and l.id = s.id)
  select routing, good as stored from found`;

function deliveryArrays(rows: readonly OwedRow[]): Value[] {
  return [
    ...laneArrays(rows),
    int8s(rows.map(({ dueAt }) => dueAt)),
    uuids(rows.map(({ event }) => event.id)),
  ];
}

/** What the event is about, to be found by it. */
export function subjectOf({ meta }: Pick<NewEvent, 'meta'>): string | null {
  if (!meta.includes('"subject"')) return null;
  const { subject } = JSON.parse(meta) as EventMeta;
  return subject ?? null;
}

async function expandLater(tx: Querying, wide: readonly NewEvent[]): Promise<void> {
  for (const { slot, id } of wide) {
    await tx.run(
      'insert into expansion (slot, day, event, done) values ($1, $2, $3, 0)',
      slot,
      dayOfEvent(id),
      uuid(id),
    );
  }
}

/**
 * Lanes that were seen asleep, or awake only later, have something to do by then. A held one needs no
 * waking: whoever lets go of it looks at its rows.
 */
export async function wake(
  tx: Querying,
  rows: readonly (LaneKey & { readonly dueAt: Ms })[],
  locked: ReadonlyMap<number, LockedLane>,
): Promise<void> {
  const earliest = new Map<number, LaneKey & { dueAt: Ms }>();
  for (const { slot, lane, dueAt } of rows) {
    const number = laneNumber({ slot, lane });
    const known = earliest.get(number);
    if (!known || dueAt < known.dueAt) earliest.set(number, { slot, lane, dueAt });
  }
  const sleeping = [...earliest].flatMap(([number, one]) => {
    const lane = locked.get(number);
    const later = lane && !lane.owned && lane.next_at > Math.max(one.dueAt, lane.not_before);
    return later ? [one] : [];
  });
  if (sleeping.length === 0) return;
  await tx.run(
    `with due as (
       select l.slot, l.id, greatest(u.due_at, l.not_before) as at
       from unnest($1::smallint[], $2::bigint[], $3::bigint[]) u(slot, id, due_at)
       join lane l using (slot, id)
       where l.owner is null and l.next_at > greatest(u.due_at, l.not_before)
       order by l.slot, l.id for no key update of l)
     update lane l set next_at = due.at from due
     where l.slot = due.slot and l.id = due.id and l.next_at > due.at`,
    ...laneArrays(inOrder(sleeping)),
    int8s(inOrder(sleeping).map(({ dueAt }) => dueAt)),
  );
}
