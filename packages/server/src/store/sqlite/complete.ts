import type { EndpointId, Ms } from '../../core/model.ts';
import { ASLEEP } from '../../core/model.ts';
import type { LaneEntry } from '../lane-book.ts';
import type { Completed, Completion, DeliveryKey, LaneCommand, Release, Result } from '../store.ts';
import { logAttempt, logDecision } from './attempts.ts';
import type { Job } from './committer.ts';
import { putEndpoint } from './config.ts';
import { type Engine, idBytes, idText, readEventHead } from './engine.ts';

const KEY = 'slot = ? and lane = ? and due_at = ? and event = ? and run = ?';

export function completeJob(
  engine: Engine,
  work: Completion,
  by: { node: number; now: Ms },
): Job<Completed> {
  const ended = new Map<LaneEntry, number>();
  const commanded: CommandEffect[] = [];
  let releases: { entry: LaneEntry; release: Release; dueAt: Ms }[] = [];
  let disabled: (() => void)[] = [];
  return {
    execute() {
      ended.clear();
      commanded.length = 0;
      const fenced = !engine.book.alive(by.node);
      for (const result of work.results) {
        if (!applyResult(engine, result, fenced)) continue;
        const entry = engine.lane(result.key.slot, result.key.lane);
        if (entry) ended.set(entry, (ended.get(entry) ?? 0) + 1);
      }
      disabled = fenced ? [] : work.results.flatMap((r) => disable(engine, r, by.now));
      if (!fenced) {
        for (const entry of engine.book.commanded(by.node)) {
          for (const command of entry.commands) {
            commanded.push(applyCommand(engine, command, by.now));
            engine.db.run(
              'delete from command where slot = ? and lane = ?',
              entry.slot,
              entry.lane,
            );
          }
        }
      }
      releases = fenced ? [] : prepareReleases(engine, work.release, by);
      const moved = commanded.flatMap(({ moved }) => (moved ? [moved] : []));
      return { fenced, moved };
    },
    applied() {
      for (const [entry, count] of ended) entry.open -= count;
      for (const effect of commanded) {
        const entry = engine.lane(effect.command.slot, effect.command.lane);
        if (!entry) continue;
        engine.book.takeCommands(entry);
        carryOut(engine, entry, effect);
      }
      for (const apply of disabled) apply();
      for (const { entry, release, dueAt } of releases) {
        engine.book.release(entry, release, { dueAt, now: by.now });
      }
    },
  };
}

/** true = the row left the table. */
function applyResult(engine: Engine, result: Result, fenced: boolean): boolean {
  const { key, next } = result;
  const place = [key.slot, key.lane, key.dueAt, idBytes(key.event), key.run] as const;
  const final = next.kind !== 'retry' && next.kind !== 'keep';
  if (fenced && next.kind !== 'succeeded') {
    // The lane may be someone else's by now: what happened is logged, what follows is theirs.
    logAttempt(engine, result, { kind: 'retry', at: key.dueAt });
    return false;
  }
  logAttempt(engine, result, next);
  if (final) return engine.db.run(`delete from delivery where ${KEY}`, ...place) > 0;
  const dueAt = next.kind === 'retry' ? next.at : key.dueAt;
  engine.db.run(
    `update delivery set due_at = ?, attempt = attempt + 1, starts = 0 where ${KEY} and attempt = ?`,
    dueAt,
    ...place,
    key.attempt,
  );
  return false;
}

function disable(engine: Engine, result: Result, now: Ms): (() => void)[] {
  if (!result.disable) return [];
  const id: EndpointId = result.attempt.endpoint;
  const item = engine.db.get<{ value: Uint8Array | null }>(
    "select value from item where kind = 'endpoint' and id = ?",
    id,
  );
  if (!item?.value) return [];
  const endpoint = engine.unsealEndpoint(id, item.value);
  if (endpoint.disabled) return [];
  const disabled = { at: now, reason: result.disable.reason };
  return [putEndpoint(engine, { ...endpoint, disabled, updatedAt: now })];
}

function prepareReleases(
  engine: Engine,
  releases: readonly Release[],
  by: { node: number; now: Ms },
): { entry: LaneEntry; release: Release; dueAt: Ms }[] {
  return releases.flatMap((release) => {
    const entry = engine.lane(release.slot, release.lane);
    if (!entry || entry.owner !== by.node) return [];
    saveLane(engine, entry, release);
    const row = engine.db.get<{ due: Ms }>(
      'select due_at as due from delivery where slot = ? and lane = ? order by due_at limit 1',
      release.slot,
      release.lane,
    );
    return [{ entry, release, dueAt: row?.due ?? ASLEEP }];
  });
}

/** Healthy lanes have no row: the common release writes nothing. */
function saveLane(engine: Engine, entry: LaneEntry, state: Release): void {
  const { slot, lane, notBefore, failingSince, failures } = state;
  if (notBefore > 0 || failures > 0) {
    engine.db.run(
      'insert or replace into lane (slot, id, not_before, failing_since, failures) values (?, ?, ?, ?, ?)',
      slot,
      lane,
      notBefore,
      failingSince,
      failures,
    );
    entry.saved = true;
  } else if (entry.saved) {
    engine.db.run('delete from lane where slot = ? and id = ?', slot, lane);
    entry.saved = false;
  }
}

export interface CommandEffect {
  readonly command: LaneCommand;
  /** The row as it stood before; undefined = there was none. */
  readonly moved: DeliveryKey | undefined;
  readonly dueAt: Ms;
}

/** On the rows only; `carryOut` tells the book once that is durable. */
export function applyCommand(engine: Engine, command: LaneCommand, now: Ms): CommandEffect {
  const { slot, lane, run } = command;
  const event = idBytes(command.event);
  const row = engine.db.get<{ due_at: Ms }>(
    'select due_at from delivery where slot = ? and lane = ? and event = ? and run = ?',
    slot,
    lane,
    event,
    run,
  );
  if (!row) return { command, moved: undefined, dueAt: now };
  const place = [slot, lane, row.due_at, event, run] as const;
  if (command.do === 'retryNow') {
    engine.db.run(`update delivery set due_at = ? where ${KEY}`, now, ...place);
  } else {
    engine.db.run(`delete from delivery where ${KEY}`, ...place);
    logCancelled(
      engine,
      { ...command, dueAt: row.due_at },
      { now, detail: 'Cancelled on request.' },
    );
  }
  return {
    command,
    moved: { slot, lane, dueAt: row.due_at, event: command.event, run },
    dueAt: now,
  };
}

export function carryOut(engine: Engine, entry: LaneEntry, effect: CommandEffect): void {
  if (!effect.moved) return;
  if (effect.command.do === 'cancel') entry.open -= 1;
  else engine.book.wake(entry, effect.dueAt);
}

export function logCancelled(
  engine: Engine,
  key: DeliveryKey,
  as: { now: Ms; detail: string },
): void {
  const event = readEventHead(engine, idBytes(key.event));
  if (!event) return;
  const { tenant, type } = event;
  logDecision(engine, { key, tenant, type, state: 'cancelled', fault: undefined, ...as });
}

export function keyOfRow(row: {
  slot: number;
  lane: number;
  due_at: Ms;
  event: Uint8Array;
  run: number;
}): DeliveryKey {
  const { slot, lane, run } = row;
  return { slot, lane, dueAt: row.due_at, event: idText('evt', row.event), run };
}
