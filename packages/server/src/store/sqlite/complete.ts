import { unreachable } from '../../core/errors.ts';
import type { EndpointId, Ms } from '../../core/model.ts';
import { ASLEEP } from '../../core/model.ts';
import { numberOfLane } from '../../core/routing.ts';
import type { LaneEntry } from '../lane-book.ts';
import { ERASED } from '../log-format.ts';
import type {
  Completed,
  Completion,
  DeliveryKey,
  Due,
  LaneCommand,
  LaneKey,
  Notice,
  Release,
  Result,
} from '../store.ts';
import { endedAs, logAttempt, logDecision, type RunKey, type Settled } from './attempts.ts';
import type { Job } from './committer.ts';
import { putEndpoint } from './config.ts';
import { type Engine, forgetAlert, readEventHead } from './engine.ts';
import { Insertion } from './ingest.ts';
import { eventKey, eventSeq } from './keys.ts';
import { dueOf } from './owed.ts';
import type { RowPlace } from './retention-state.ts';

const KEY = 'slot = ? and lane = ? and due_at = ? and event = ? and run = ?';
const DELETE = `delete from delivery where ${KEY}`;

export function completeJob(
  engine: Engine,
  work: Completion,
  by: { node: number; now: Ms },
): Job<Completed> {
  const ended = new Map<LaneEntry, number>();
  const commanded: CommandEffect[] = [];
  const telling = work.results.some(({ notices }) => notices !== undefined);
  const insertion = telling ? new Insertion(engine, by.now, ended) : undefined;
  let releases: PreparedRelease[] = [];
  let disabled: (() => void)[] = [];
  return {
    // Losing the last outcomes in a power cut only repeats their deliveries. An event is sent only
    // once it is on the disk.
    durable: telling,
    lazy: work.release.length === 0,
    execute() {
      ended.clear();
      insertion?.begin();
      commanded.length = 0;
      const fenced = !engine.book.alive(by.node);
      disabled = applyResults(engine, work.results, { ...by, ended, insertion });
      for (const entry of fenced ? [] : engine.book.commanded(by.node)) {
        for (const command of engine.book.takeCommands(entry)) {
          commanded.push(applyCommand(engine, command, by.now));
          forgetCommand(engine, command);
        }
      }
      releases = fenced ? [] : prepareReleases(engine, work.release, { node: by.node, ended });
      const moved = commanded.flatMap(({ moved }) => (moved ? [moved] : []));
      return { fenced, moved };
    },
    applied() {
      for (const [entry, count] of ended) entry.open -= count;
      insertion?.applied();
      for (const effect of commanded) {
        carryOut(engine, effect);
      }
      for (const apply of disabled) apply();
      for (const { entry, release, dueAt } of releases) {
        entry.saved = isSaved(release);
        // Rows that other jobs of this transaction owed it are looked for by whoever takes it next.
        const unread = entry.open === 0 ? ASLEEP : by.now;
        engine.book.release(entry, release, { dueAt: dueAt ?? unread, now: by.now });
      }
    },
    flushed: () => insertion?.flushed(),
  };
}

interface Completing {
  readonly node: number;
  readonly now: Ms;
  readonly ended: Map<LaneEntry, number>;
  /** undefined = no result has notices. */
  readonly insertion: Insertion | undefined;
}

/** Returns what is left to do for the endpoints that were disabled, once that is committed. */
function applyResults(
  engine: Engine,
  results: readonly Result[],
  completing: Completing,
): (() => void)[] {
  const { node, ended, insertion } = completing;
  const told = new Set<Notice>();
  for (const result of results) {
    const done = applyResult(engine, result, node);
    const { slot, lane } = result.key;
    const entry = done === 'removed' ? engine.lane(slot, lane) : undefined;
    if (entry) ended.set(entry, (ended.get(entry) ?? 0) + 1);
    if (done === 'nothing') continue;
    for (const notice of result.notices ?? []) {
      if (cameTrue(engine, result.key, notice)) told.add(notice);
    }
    if (result.next.kind === 'succeeded') forgetAlert(engine, numberOfLane(lane));
  }
  const disabled: (() => void)[] = [];
  for (const result of results) {
    const apply = result.disable && disable(engine, result, completing);
    if (!apply) continue;
    disabled.push(apply);
    for (const notice of result.notices ?? []) {
      if (notice.when.kind === 'disabled') told.add(notice);
    }
  }
  if (insertion) for (const notice of told) insertion.insert(notice.event);
  return disabled;
}

/** Of a result that changed its delivery; whether it disabled the endpoint is known later. */
function cameTrue(engine: Engine, key: Due, { when }: Notice): boolean {
  switch (when.kind) {
    case 'applied':
      return true;
    case 'recovered': {
      const before = { ...key, run: key.run - 1, seq: eventSeq(key.event) };
      return endedAs(engine, before) === 'failed';
    }
    case 'failing':
      return raiseAlert(engine, numberOfLane(key.lane), when.level);
    case 'disabled':
      return false;
    default:
      return unreachable(when);
  }
}

/** false = as much was told before. */
function raiseAlert(engine: Engine, endpoint: number, level: number): boolean {
  if ((engine.alerts.get(endpoint) ?? 0) >= level) return false;
  engine.alerts.set(endpoint, level);
  engine.db.run('insert or replace into alert (endpoint, level) values (?, ?)', endpoint, level);
  return true;
}

/** What `applyNext` did to the row. */
function applyResult(
  engine: Engine,
  result: Result,
  node: number,
): 'removed' | 'moved' | 'nothing' {
  const { key, attempt, next } = result;
  const seq = eventSeq(key.event);
  // The lane may be someone else's by now: what happened is logged, what follows is theirs.
  const ours = engine.book.holds(node, engine.lane(key.slot, key.lane));
  const done = ours || next.kind === 'succeeded' ? applyNext(engine, result, seq) : 'nothing';
  const settled =
    done === 'nothing' ? settledBefore(engine, key, seq) : { next, late: false, erased: false };
  if (settled) logAttempt(engine, { key, attempt, seq }, settled);
  return done;
}

/** Statements are run without a wrapper here, for speed: the transaction names their errors. */
function applyNext(
  engine: Engine,
  { key, next }: Result,
  seq: number,
): 'removed' | 'moved' | 'nothing' {
  if (next.kind === 'retry' || next.kind === 'keep') {
    const moved = engine.db
      .prepare(
        `update delivery set due_at = ?, attempt = attempt + 1, starts = 0
         where ${KEY} and attempt = ?`,
      )
      .run(
        next.kind === 'retry' ? next.at : key.dueAt,
        key.slot,
        key.lane,
        key.dueAt,
        seq,
        key.run,
        key.attempt,
      );
    return moved.changes > 0 ? 'moved' : 'nothing';
  }
  const deleted = engine.db.prepare(DELETE).run(key.slot, key.lane, key.dueAt, seq, key.run);
  if (deleted.changes > 0) return 'removed';
  // Delivered is delivered, also if the next holder of the lane has re-dated the row since.
  const removed =
    next.kind === 'succeeded' &&
    engine.db.run(
      'delete from delivery where slot = ? and lane = ? and event = ? and run = ?',
      key.slot,
      key.lane,
      seq,
      key.run,
    ) > 0;
  return removed ? 'removed' : 'nothing';
}

/**
 * What an outcome that changed nothing means for its delivery: it had ended, or is another's.
 * undefined = its event has been removed, and the log with it.
 */
function settledBefore(engine: Engine, key: Due, seq: number): Settled | undefined {
  const head = readEventHead(engine, seq);
  if (!head) return undefined;
  const { erased } = head;
  const state = endedAs(engine, { ...key, seq });
  if (state === undefined || state === 'pending') {
    return { next: { kind: 'retry', at: key.dueAt }, late: false, erased };
  }
  return { next: { kind: state }, late: true, erased };
}

function disable(
  engine: Engine,
  result: Result,
  { node, now }: Pick<Completing, 'node' | 'now'>,
): (() => void) | undefined {
  if (!result.disable) return undefined;
  if (!engine.book.holds(node, engine.lane(result.key.slot, result.key.lane))) return undefined;
  const id: EndpointId = result.attempt.endpoint;
  const item = engine.db.get<{ value: Uint8Array | null }>(
    "select value from item where kind = 'endpoint' and id = ?",
    id,
  );
  if (!item?.value) return undefined;
  const endpoint = engine.unsealEndpoint(id, item.value);
  if (endpoint.disabled) return undefined;
  const disabled = { at: now, reason: result.disable.reason };
  return putEndpoint(engine, { ...endpoint, disabled, updatedAt: now });
}

interface PreparedRelease {
  readonly entry: LaneEntry;
  readonly release: Release;
  /** undefined = not read, because it owes nothing more. */
  readonly dueAt: Ms | undefined;
}

function prepareReleases(
  engine: Engine,
  releases: readonly Release[],
  { node, ended }: Pick<Completing, 'node' | 'ended'>,
): PreparedRelease[] {
  return releases.flatMap((release) => {
    const entry = engine.lane(release.slot, release.lane);
    if (!entry || entry.owner !== node) return [];
    saveLane(engine, entry, release);
    // A webhook that seldom gets something has owed its only row: spares it a read for each event.
    const open = entry.open - (ended.get(entry) ?? 0);
    return [{ entry, release, dueAt: open > 0 ? earliestDue(engine, release) : undefined }];
  });
}

function earliestDue(engine: Engine, { slot, lane }: LaneKey): Ms {
  const row = engine.db.get<{ due: Ms }>(
    'select due_at as due from delivery where slot = ? and lane = ? order by due_at limit 1',
    slot,
    lane,
  );
  return row?.due ?? ASLEEP;
}

function isSaved({ notBefore, failures }: Release): boolean {
  return notBefore > 0 || failures > 0;
}

/** Healthy lanes have no row: the common release writes nothing. */
function saveLane(engine: Engine, entry: LaneEntry, state: Release): void {
  const { slot, lane, notBefore, failingSince, failures } = state;
  if (isSaved(state)) {
    engine.db.run(
      'insert or replace into lane (slot, id, not_before, failing_since, failures) values (?, ?, ?, ?, ?)',
      slot,
      lane,
      notBefore,
      failingSince,
      failures,
    );
  } else if (entry.saved) {
    engine.db.run('delete from lane where slot = ? and id = ?', slot, lane);
  }
}

export interface CommandEffect {
  readonly command: LaneCommand;
  /** The row as it stood before; undefined = there was none. */
  readonly moved: DeliveryKey | undefined;
  readonly now: Ms;
}

/** On the rows only; `carryOut` tells the book once that is durable. */
export function applyCommand(engine: Engine, command: LaneCommand, now: Ms): CommandEffect {
  const { slot, lane, run } = command;
  const event = eventKey(command.event);
  if (!event) return { command, moved: undefined, now };
  const { seq, rest } = event;
  const known = engine.db.get<{ erased_at: Ms | null }>(
    'select erased_at from event where seq = ? and rest = ?',
    seq,
    rest,
  );
  const dueAt = known ? dueOf(engine, { slot, lane, seq, run }) : undefined;
  if (dueAt === undefined) return { command, moved: undefined, now };
  const place = [slot, lane, dueAt, seq, run] as const;
  if (command.do === 'retryNow') {
    hasten(engine, { slot, lane, place }, now);
    tellHastened(engine, { slot, lane, seq, run }, now);
  } else {
    engine.db.run(DELETE, ...place);
    const detail = known?.erased_at === null ? 'Cancelled on request.' : ERASED;
    logCancelled(engine, { slot, lane, seq, run }, { now, detail });
  }
  const moved = { slot, lane, dueAt, event: command.event, run };
  return { command, moved, now };
}

/**
 * A row that is due stays where it is, so one that is being sent is never moved. In an ordered lane
 * none is: there the wait that its head's failure began ends instead.
 */
function hasten(
  engine: Engine,
  { slot, lane, place }: { slot: number; lane: number; place: RowPlace },
  now: Ms,
): void {
  const entry = engine.lane(slot, lane);
  if (entry?.fifo) {
    if (!entry.saved) return;
    engine.db.run('update lane set not_before = 0 where slot = ? and id = ?', slot, lane);
  } else if (place[2] > now) {
    engine.db.run(`update delivery set due_at = ? where ${KEY}`, now, ...place);
    engine.retention.owes(place[3]);
  }
}

/** The log says when a delivery is tried again, and lists read it there. */
function tellHastened(engine: Engine, of: RunKey, now: Ms): void {
  engine.db.run(
    `update attempt set next_at = ? where next_at > ? and seq = (
       select max(seq) from attempt where event = ? and slot = ? and lane = ? and run = ?)`,
    now,
    now,
    of.seq,
    of.slot,
    of.lane,
    of.run,
  );
}

/** Tells the book what a command changed, once that is durable. */
export function carryOut(engine: Engine, { command, moved, now }: CommandEffect): void {
  const entry = engine.lane(command.slot, command.lane);
  if (!moved || !entry) return;
  if (command.do === 'cancel') entry.open -= 1;
  else if (entry.fifo) engine.book.endWait(entry, now);
  else engine.book.wake(entry, now);
}

export function keepCommand(engine: Engine, command: LaneCommand): void {
  const event = eventKey(command.event);
  if (!event) return;
  engine.db.run(
    `insert or ignore into command (slot, lane, event, run, kind)
     select ?, ?, seq, ?, ? from event where seq = ? and rest = ?`,
    command.slot,
    command.lane,
    command.run,
    command.do,
    event.seq,
    event.rest,
  );
}

export function forgetCommand(engine: Engine, command: LaneCommand): void {
  const event = eventKey(command.event);
  if (!event) return;
  engine.db.run(
    'delete from command where slot = ? and lane = ? and event = ? and run = ? and kind = ?',
    command.slot,
    command.lane,
    event.seq,
    command.run,
    command.do,
  );
}

export function logCancelled(
  engine: Engine,
  run: RunKey,
  as: { readonly now: Ms; readonly detail: string },
): void {
  const event = readEventHead(engine, run.seq);
  if (!event) return;
  const { tenant, type } = event;
  logDecision(engine, { run, tenant, type, state: 'cancelled', fault: undefined, ...as });
}
