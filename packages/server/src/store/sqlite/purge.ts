import type { EventId, JobId, LaneId, Ms, TenantId } from '../../core/model.ts';
import { type Purged, purged } from '../jobs.ts';
import { blankEvent } from './blank.ts';
import type { Job as Commit } from './committer.ts';
import { type CommandEffect, carryOut } from './complete.ts';
import type { Engine } from './engine.ts';
import { cancelOwed } from './erase.ts';
import { readJob, writeJob } from './job-rows.ts';
import { type EventKey, eventId } from './keys.ts';
import { ATTEMPT_BYTES, bounded, STEP_BYTES } from './sweep.ts';

/** Of one event, of one step. */
const LANES_MAX = 1000;

interface EventRow {
  readonly seq: number;
  readonly rest: Uint8Array;
  readonly lanes: string;
  readonly bytes: number;
}

/** Some events of a tenant and all that belongs to them; with the last one, its replays. */
export function purgeJob(
  engine: Engine,
  id: JobId,
  by: { readonly limit: number; readonly now: Ms },
): Commit<Purged | undefined> {
  const { db } = engine;
  let step = new PurgeStep(engine, by);
  return {
    // The count goes with what it counts: losing both only means to do the step again.
    durable: false,
    execute() {
      step = new PurgeStep(engine, by);
      const job = readJob(db, id);
      if (job?.state !== 'running' || job.spec.kind !== 'purge') return undefined;
      const { tenant } = job;
      const over = db.securely(() => step.run(tenant));
      if (over) db.run("delete from job where tenant = ? and kind <> 'purge'", tenant);
      const moved = purged(job, step.events, { now: by.now, over });
      writeJob(db, moved);
      return { job: moved, waiting: step.waiting };
    },
    applied: () => step.applied(),
  };
}

class PurgeStep {
  events = 0;
  readonly waiting: EventId[] = [];
  readonly #engine: Engine;
  readonly #now: Ms;
  readonly #limit: number;
  readonly #effects: CommandEffect[] = [];
  #expansions = 0;
  /** What it may still do. */
  #rows: number;
  #bytes = STEP_BYTES;

  constructor(engine: Engine, { now, limit }: { readonly now: Ms; readonly limit: number }) {
    this.#engine = engine;
    this.#now = now;
    this.#limit = limit;
    this.#rows = limit;
  }

  applied(): void {
    for (const effect of this.#effects) carryOut(this.#engine, effect);
    this.#engine.events -= this.events;
    this.#engine.expansions -= this.#expansions;
  }

  /** true = there is nothing left. */
  run(tenant: TenantId): boolean {
    const found = this.#engine.db.all<EventRow>(
      `select seq, rest, lanes, length(data) as bytes from event
       where tenant = (select number from word where text = ?) order by seq limit ?`,
      tenant,
      this.#limit,
    );
    for (const row of found) {
      if (this.#rows <= 0 || this.#bytes <= 0) return false;
      this.#event(row);
    }
    return found.length < this.#limit && this.events === found.length;
  }

  #event({ seq, rest, lanes: text, bytes }: EventRow): void {
    const { db } = this.#engine;
    const key: EventKey = { seq, rest };
    this.#rows -= 1;
    this.#bytes -= bytes;
    // What is not owed yet will not be.
    this.#expansions += db.run('delete from expansion where event = ?', seq);
    const lanes = JSON.parse(text) as LaneId[];
    const part = lanes.slice(0, LANES_MAX);
    const by = { now: this.#now, effects: this.#effects };
    const { cancelled, asked } = cancelOwed(this.#engine, { key, lanes: part }, by);
    this.#rows -= cancelled;
    if (asked > 0) {
      this.#engine.erased.set(seq, this.#now);
      blankEvent(this.#engine, seq, this.#now);
      this.waiting.push(eventId(seq, rest));
      return;
    }
    // The log goes last: what has no end in it counts as owed.
    const left = lanes.slice(part.length);
    if (left.length === 0 && this.#forgetAttempts(seq)) {
      this.events += db.run('delete from event where seq = ?', seq);
    } else {
      db.run('update event set lanes = ? where seq = ?', JSON.stringify(left), seq);
    }
  }

  /** true = there are none any more. */
  #forgetAttempts(seq: number): boolean {
    const { db } = this.#engine;
    const chunk = Math.max(this.#rows, 1);
    const rows = db.all<{ seq: number; bytes: number }>(
      `select seq, ${ATTEMPT_BYTES} as bytes from attempt where event = ? limit ?`,
      seq,
      chunk,
    );
    const { taken, more } = bounded(rows, chunk);
    for (const row of taken) db.run('delete from attempt where seq = ?', row.seq);
    this.#rows -= taken.length;
    for (const { bytes } of taken) this.#bytes -= bytes;
    return !more;
  }
}
