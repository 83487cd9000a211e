import type { LaneId, Ms } from '../../core/model.ts';
import { FLAG_ERASED } from '../log-format.ts';
import type { Erased, Erasure, LaneCommand } from '../store.ts';
import { blankAttempt, blankEvent } from './blank.ts';
import type { Job } from './committer.ts';
import { applyCommand, type CommandEffect, carryOut, keepCommand } from './complete.ts';
import type { Engine } from './engine.ts';
import { type EventKey, eventId, eventKey, slotOfRest } from './keys.ts';
import { pendingRuns } from './owed.ts';

/** Of one call. */
const LANES_MAX = 1000;
const ATTEMPTS_MAX = 200;

interface EventRow {
  readonly lanes: string;
  readonly erased_at: Ms | null;
}

/** One step of an erasure. The first one takes the event's own payload: nothing more of it is sent. */
export function eraseJob(engine: Engine, what: Erasure, now: Ms): Job<Erased | undefined> {
  const effects: CommandEffect[] = [];
  return {
    durable: true,
    execute() {
      effects.length = 0;
      const key = eventKey(what.event);
      const row = key && readEvent(engine, what, key);
      if (!key || !row) return undefined;
      return engine.db.securely(() => {
        if (row.erased_at === null) blankEvent(engine, key.seq, now);
        engine.erased.set(key.seq, now);
        const lanes = JSON.parse(row.lanes) as LaneId[];
        const to = Math.min(what.from + LANES_MAX, lanes.length);
        const owed = { key, lanes: lanes.slice(what.from, to) };
        const done = cancelOwed(engine, owed, { now, effects });
        const left = blankSome(engine, key.seq);
        const next = to < lanes.length || left ? to : undefined;
        return { erasedAt: row.erased_at ?? now, ...done, next };
      });
    },
    applied() {
      for (const effect of effects) carryOut(engine, effect);
    },
  };
}

/**
 * Cancels what is owed of an event in these lanes; holders of theirs are asked. `effects` is added to:
 * who commits carries them out.
 */
export function cancelOwed(
  engine: Engine,
  { key, lanes }: { readonly key: EventKey; readonly lanes: readonly LaneId[] },
  by: { readonly now: Ms; readonly effects: CommandEffect[] },
): { cancelled: number; asked: number } {
  const event = eventId(key.seq, key.rest);
  const runs = pendingRuns(engine.db, { seq: key.seq, slot: slotOfRest(key.rest), lanes });
  const done = { cancelled: 0, asked: 0 };
  for (const run of runs) {
    const command: LaneCommand = { ...run, event, do: 'cancel' };
    if (isHeld(engine, command)) {
      ask(engine, command);
      done.asked += 1;
      continue;
    }
    const effect = applyCommand(engine, command, by.now);
    by.effects.push(effect);
    if (effect.moved) done.cancelled += 1;
  }
  return done;
}

function readEvent(
  { db }: Engine,
  { tenant }: Erasure,
  { seq, rest }: EventKey,
): EventRow | undefined {
  return db.get<EventRow>(
    `select lanes, erased_at from event
     where seq = ? and rest = ? and tenant = (select number from word where text = ?)`,
    seq,
    rest,
    tenant,
  );
}

function isHeld(engine: Engine, { slot, lane }: LaneCommand): boolean {
  return (engine.lane(slot, lane)?.owner ?? 0) !== 0;
}

/** Of the holder of its lane; once is enough. */
function ask(engine: Engine, command: LaneCommand): void {
  const entry = engine.lane(command.slot, command.lane);
  const same = ({ event, run, do: what }: LaneCommand) =>
    event === command.event && run === command.run && what === 'cancel';
  if (!entry || entry.commands.some(same)) return;
  keepCommand(engine, command);
  engine.book.queueCommand(entry, command);
}

/** true = there are more. */
function blankSome(engine: Engine, seq: number): boolean {
  const rows = engine.db.all<{ seq: number }>(
    `select seq from attempt where event = ? and n > 0 and flags & ${FLAG_ERASED} = 0 limit ?`,
    seq,
    ATTEMPTS_MAX,
  );
  for (const row of rows) blankAttempt(engine, row.seq);
  return rows.length === ATTEMPTS_MAX;
}
