import { unreachable } from '../../core/errors.ts';
import { LANE_PARTS, type Ms } from '../../core/model.ts';
import { numberOfLane } from '../../core/routing.ts';
import { parted } from '../crossing.ts';
import type { Due, NewEvent, Notice, Result } from '../store.ts';
import { int2s, int4s, int8s, uuid, uuids } from './arrays.ts';
import {
  blankRow,
  endedAs,
  fromLog,
  INSERT_LOG,
  insertLog,
  LOG_COLUMNS,
  logArrays,
  logRow,
  type Settled,
} from './attempts.ts';
import { readHead } from './commands.ts';
import { disableEndpoint, sendAcross } from './config.ts';
import type { Context } from './context.ts';
import type { Querying } from './database.ts';
import { insertEvents } from './insertion.ts';
import { dayOf } from './partitions.ts';

export interface Applied {
  /** The node's lease still holds. */
  readonly alive: boolean;
  /** Commands wait for somebody's lanes. */
  readonly commanded: boolean;
  /** Versions of the configuration changed: endpoints were disabled. */
  readonly disabled: boolean;
}

const RETRY = 0;
const KEEP = 1;
const SUCCEEDED = 2;
const ENDED = 3;

/**
 * Applies outcomes and logs them. What the node does not hold (any more) is logged and changes
 * nothing, except that delivered is delivered. Everything of one result is one statement's work, so
 * the common case is one round trip and one commit that waits for no disk.
 */
export async function applyResults(
  ctx: Context,
  results: readonly Result[],
  by: { readonly node: number; readonly now: Ms },
): Promise<Applied> {
  await ctx.partitions.ensure(results.map(({ attempt }) => dayOf(attempt.startedAt)));
  const tells = results.some(({ notices, disable }) => notices !== undefined || disable);
  if (tells) {
    await ctx.endpoints.refresh();
    return ctx.db.writes.transaction(async (tx) => {
      const { done, ...state } = await apply(ctx, tx, { results, node: by.node });
      const applied = await settleRest(ctx, tx, { results, done, node: by.node });
      return { ...state, disabled: await tell(ctx, tx, { results, applied, ...by }) };
    });
  }
  const { done, ...state } = await apply(ctx, ctx.db.outcomes, { results, node: by.node });
  if (done.size < results.length) {
    await ctx.db.outcomes.transaction((tx) =>
      settleRest(ctx, tx, { results, done, node: by.node }),
    );
  }
  return { ...state, disabled: false };
}

interface AppliedRows {
  /** Results (counted from 0) that changed their delivery. */
  readonly done: Set<number>;
  readonly alive: boolean;
  readonly commanded: boolean;
}

const HELD = `exists (select 1 from alive) and exists (
  select 1 from lane l where l.slot = w.slot and l.id = w.lane and l.owner = $28)`;
const SAME_ROW = `d.slot = w.slot and d.lane = w.lane and d.due_at = w.due_at and d.event = w.event
  and d.run = w.run`;

async function apply(
  ctx: Context,
  tx: Querying,
  { results, node }: { readonly results: readonly Result[]; readonly node: number },
): Promise<AppliedRows> {
  const rows = results.map((result) =>
    logRow(ctx, result, { next: result.next, late: false, node }),
  );
  const row = await tx.get<{ ords: number[]; alive: boolean; commanded: boolean }>(
    `with alive as materialized (select id from node where id = $28 for key share),
     w as materialized (
       select * ${fromLog('$25::bigint[], $26::smallint[], $27::smallint[]', 'due_at, tried, kind')}),
     -- Row by row: a planner that has seen the table empty believes it so, and would walk all of it.
     here as materialized (
       select w.*, d.ctid as place, d.attempt as at, ${HELD} as held
       from w cross join lateral (
         select ctid, attempt from delivery d where ${SAME_ROW} limit 1) d),
     gone as (
       delete from delivery d using here h where d.ctid = h.place and h.kind >= ${SUCCEEDED}
         and (h.kind = ${SUCCEEDED} or h.held)
       returning h.*),
     moved as (
       update delivery d set attempt = d.attempt + 1, starts = 0,
         due_at = case when h.kind = ${RETRY} then h.next_at else d.due_at end
       from here h where d.ctid = h.place and h.kind <= ${KEEP} and h.at = h.tried and h.held
       returning h.*),
     done as (select * from gone union all select * from moved),
     told as (
       delete from alert a using gone where gone.kind = ${SUCCEEDED}
         and a.endpoint = gone.lane / ${LANE_PARTS}),
     logged as (${INSERT_LOG} select ${LOG_COLUMNS} from done order by ord)
     select coalesce((select array_agg(ord) from done), '{}') as ords,
       exists (select 1 from alive) as alive, exists (select 1 from command) as commanded`,
    ...logArrays(rows),
    int8s(results.map(({ key }) => key.dueAt)),
    int2s(results.map(({ key }) => key.attempt)),
    int2s(results.map(({ next }) => kindOf(next.kind))),
    node,
  );
  const { ords = [], alive = false, commanded = false } = row ?? {};
  return { done: new Set(ords.map((ord) => ord - 1)), alive, commanded };
}

function kindOf(kind: Result['next']['kind']): number {
  if (kind === 'retry') return RETRY;
  if (kind === 'keep') return KEEP;
  return kind === 'succeeded' ? SUCCEEDED : ENDED;
}

/** Logs what `apply` found nothing for; returns all results that changed their delivery. */
async function settleRest(
  ctx: Context,
  tx: Querying,
  of: { readonly results: readonly Result[]; readonly done: Set<number>; readonly node: number },
): Promise<Set<Result>> {
  const { results, done, node } = of;
  const applied = new Set<Result>();
  // A transaction is known as running (horizon.ts) before it takes a number of the log.
  if (done.size < results.length) await tx.get('select pg_current_xact_id()');
  for (const [i, result] of results.entries()) {
    if (done.has(i)) {
      applied.add(result);
      continue;
    }
    const { key, next } = result;
    // Delivered is delivered, also if the next holder of the lane has re-dated the row since.
    const removed = next.kind === 'succeeded' && (await deleteRun(tx, key)) > 0;
    if (removed) applied.add(result);
    const settled = removed ? { next, late: false, erased: false } : await settledBefore(tx, key);
    if (!settled) continue;
    const row = logRow(ctx, result, { ...settled, node });
    await insertLog(tx, [settled.erased ? blankRow(row) : row]);
  }
  return applied;
}

function deleteRun(tx: Querying, { slot, lane, event, run }: Due): Promise<number> {
  return tx.run(
    'delete from delivery where slot = $1 and lane = $2 and event = $3 and run = $4',
    slot,
    lane,
    uuid(event),
    run,
  );
}

/**
 * What an outcome that changed nothing means for its delivery: it had ended, or is another's.
 * undefined = its event has been removed, and the log with it.
 */
async function settledBefore(
  tx: Querying,
  key: Due,
): Promise<(Settled & { readonly erased: boolean }) | undefined> {
  const head = await readHead(tx, key);
  if (!head) return undefined;
  const { erased } = head;
  const state = await endedAs(tx, key);
  if (state === undefined || state === 'pending') {
    return { next: { kind: 'retry', at: key.dueAt }, late: false, erased };
  }
  return { next: { kind: state }, late: true, erased };
}

/** Which of the results are in the log: an answer was lost, and they are reported once more. */
export async function findLogged(
  ctx: Context,
  results: readonly Result[],
  node: number,
): Promise<Set<Result>> {
  const rows = await ctx.db.lanes.all<{ ord: number }>(
    `select u.ord from unnest($1::smallint[], $2::uuid[], $3::bigint[], $4::int[], $5::int[],
       $6::bigint[]) with ordinality u(slot, event, lane, run, n, started_at, ord)
     where exists (select 1 from attempt a where a.slot = u.slot and a.event = u.event
       and a.lane = u.lane and a.run = u.run and a.n = u.n and a.started_at = u.started_at
       and a.node = $7)`,
    int2s(results.map(({ key }) => key.slot)),
    uuids(results.map(({ key }) => key.event)),
    int8s(results.map(({ key }) => key.lane)),
    int4s(results.map(({ key }) => key.run)),
    int4s(results.map(({ attempt }) => attempt.n)),
    int8s(results.map(({ attempt }) => attempt.startedAt)),
    node,
  );
  return new Set(rows.flatMap(({ ord }) => results[ord - 1] ?? []));
}

// ---- what they tell ------------------------------------------------------------------------------

interface Telling {
  readonly results: readonly Result[];
  readonly applied: ReadonlySet<Result>;
  readonly node: number;
  readonly now: Ms;
}

/** Stores the events that came true; true = an endpoint was disabled. */
async function tell(ctx: Context, tx: Querying, of: Telling): Promise<boolean> {
  const { results, applied, node, now } = of;
  const told: NewEvent[] = [];
  for (const result of results) {
    if (!applied.has(result)) continue;
    for (const notice of result.notices ?? []) {
      if (await cameTrue(tx, result.key, notice)) told.push(notice.event);
    }
    if (result.next.kind === 'succeeded') {
      const number = numberOfLane(result.key.lane);
      await tx.run('delete from alert where endpoint = $1', number);
    }
  }
  let disabled = false;
  for (const { key, attempt, disable, notices = [] } of results) {
    if (!disable || !(await holds(tx, key, node))) continue;
    const events = notices.flatMap(({ event, when }) => (when.kind === 'disabled' ? event : []));
    const about = { key, id: attempt.endpoint, ...disable, events, now };
    const decided = await disableEndpoint(ctx, tx, about);
    if (decided === 'here') told.push(...events);
    disabled ||= decided !== false;
  }
  await ctx.partitions.ensure([dayOf(now)]);
  const { here, crossing } = parted(ctx.part, told);
  await sendAcross(ctx, tx, crossing);
  await insertEvents(ctx, tx, { events: here, now });
  return disabled;
}

async function holds(tx: Querying, { slot, lane }: Due, node: number): Promise<boolean> {
  const row = await tx.get<object>(
    `select 1 from lane where slot = $1 and id = $2 and owner = $3
     and exists (select 1 from node where id = $3)`,
    slot,
    lane,
    node,
  );
  return row !== undefined;
}

/** Of a result that changed its delivery; whether it disabled the endpoint is known later. */
async function cameTrue(tx: Querying, key: Due, { when }: Notice): Promise<boolean> {
  switch (when.kind) {
    case 'applied':
      return true;
    case 'recovered':
      return (await endedAs(tx, { ...key, run: key.run - 1 })) === 'failed';
    case 'failing': {
      const raised = await tx.run(
        `insert into alert as a (endpoint, level) values ($1, $2)
         on conflict (endpoint) do update set level = excluded.level where a.level < excluded.level`,
        numberOfLane(key.lane),
        when.level,
      );
      return raised > 0;
    }
    case 'disabled':
      return false;
    default:
      return unreachable(when);
  }
}
