import type { LaneId, Ms } from '../../core/model.ts';
import { FLAG_ERASED } from '../log-format.ts';
import type { Erased, Erasure, LaneCommand } from '../store.ts';
import { blankAttempt, blankEvent } from './blank.ts';
import type { Job } from './committer.ts';
import { applyCommand, type CommandEffect, carryOut, keepCommand } from './complete.ts';
import type { Engine } from './engine.ts';
import { type EventKey, eventKey, slotOfRest } from './keys.ts';
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
  let effects: CommandEffect[] = [];
  return {
    durable: true,
    execute() {
      effects = [];
      const key = eventKey(what.event);
      const row = key && readEvent(engine, what, key);
      if (!key || !row) return undefined;
      return engine.db.securely(() => {
        if (row.erased_at === null) blankEvent(engine, key.seq, now);
        engine.erased.set(key.seq, now);
        const lanes = JSON.parse(row.lanes) as LaneId[];
        const to = Math.min(what.from + LANES_MAX, lanes.length);
        const commands = cancelsOf(engine, { what, key, lanes: lanes.slice(what.from, to) });
        effects = commands
          .filter((one) => !isHeld(engine, one))
          .map((one) => applyCommand(engine, one, now));
        const asked = commands.filter((one) => isHeld(engine, one));
        for (const command of asked) ask(engine, command);
        const left = blankSome(engine, key.seq);
        return {
          erasedAt: row.erased_at ?? now,
          cancelled: effects.filter(({ moved }) => moved).length,
          asked: asked.length,
          next: to < lanes.length || left ? to : undefined,
        };
      });
    },
    applied() {
      for (const effect of effects) carryOut(engine, effect);
    },
  };
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

function cancelsOf(
  engine: Engine,
  of: { readonly what: Erasure; readonly key: EventKey; readonly lanes: readonly LaneId[] },
): LaneCommand[] {
  const { event } = of.what;
  const at = { seq: of.key.seq, slot: slotOfRest(of.key.rest), lanes: of.lanes };
  return pendingRuns(engine.db, at).map((run) => ({ ...run, event, do: 'cancel' }));
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
