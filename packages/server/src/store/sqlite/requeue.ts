import type { Ms } from '../../core/model.ts';
import { numberOfLane } from '../../core/routing.ts';
import type { LaneEntry } from '../lane-book.ts';
import type { Requeue, Requeued } from '../store.ts';
import type { Engine } from './engine.ts';
import { eventKey } from './keys.ts';
import { lastRun } from './owed.ts';

/** Runs owed by one transaction, and what the book must be told of them once it is committed. */
export class NewRuns {
  readonly #engine: Engine;
  readonly #now: Ms;
  readonly #owed = new Map<LaneEntry, { rows: number; dueAt: Ms }>();

  constructor(engine: Engine, now: Ms) {
    this.#engine = engine;
    this.#now = now;
  }

  clear(): void {
    this.#owed.clear();
  }

  applied(): void {
    for (const [entry, { rows, dueAt }] of this.#owed) {
      entry.open += rows;
      this.#engine.book.wake(entry, dueAt);
    }
  }

  add(what: Requeue): Requeued {
    const engine = this.#engine;
    const key = eventKey(what.event);
    const entry = engine.lane(what.slot, what.lane);
    if (!key || !entry || engine.retention.isExpired(key.seq)) return { kind: 'unknown' };
    const event = engine.db.get<{ lanes: string; erased_at: Ms | null }>(
      'select lanes, erased_at from event where seq = ? and rest = ?',
      key.seq,
      key.rest,
    );
    if (!event) return { kind: 'unknown' };
    if (event.erased_at !== null) return { kind: 'erased' };
    if (entry.closed) return { kind: 'closed' };
    const lanes = JSON.parse(event.lanes) as number[];
    const last = lastRun(engine.db, { seq: key.seq, lanes, number: numberOfLane(what.lane) });
    const { run = -1, state } = last ?? {};
    if (what.after !== undefined && what.after > run) return { kind: 'unknown' };
    if (state === 'pending') return { kind: 'pending', run };
    if (what.after !== undefined && what.after < run) return { kind: 'superseded', run };
    const owed = this.#owed.get(entry) ?? { rows: 0, dueAt: 0 };
    if (entry.open + owed.rows >= engine.limits.laneMax) return { kind: 'full' };
    if (!lanes.includes(what.lane)) this.#extend(key.seq, [what.lane, ...lanes]);
    engine.retention.owes(key.seq);
    const dueAt = engine.book.dueAt(entry, this.#now);
    engine.db.run(
      `insert into delivery (slot, lane, due_at, event, run, own_id, attempt, starts)
       values (?, ?, ?, ?, ?, ?, 0, 0)`,
      what.slot,
      what.lane,
      dueAt,
      key.seq,
      run + 1,
      what.ownId ? 1 : 0,
    );
    this.#owed.set(entry, { rows: owed.rows + 1, dueAt: owed.rows === 0 ? dueAt : owed.dueAt });
    return { kind: 'owed', run: run + 1 };
  }

  /** The new lane comes first: an expansion that is under way has passed it. */
  #extend(seq: number, lanes: readonly number[]): void {
    const { db } = this.#engine;
    db.run('update event set lanes = ? where seq = ?', `[${lanes.join()}]`, seq);
    db.run('update expansion set done = done + 1 where event = ?', seq);
  }
}
