import type { LaneId, Ms } from '../../core/model.ts';
import { ERASED } from '../log-format.ts';
import type { Capped } from '../retention.ts';
import type { MaintenanceReport, RetentionPolicy } from '../store.ts';
import type { Job } from './committer.ts';
import { logCancelled } from './complete.ts';
import { type Engine, type EventHead, readEventHead } from './engine.ts';
import { owe } from './ingest.ts';
import { dropRow, type Gone, OPEN, type OpenRow } from './open-rows.ts';
import { type RetentionStep, retentionStep } from './retention.ts';

/** One bounded step of each duty, in one transaction. */
export function maintainJob(
  engine: Engine,
  policy: RetentionPolicy,
  now: Ms,
): Job<MaintenanceReport> {
  const wakes: Parameters<typeof owe>[2]['wakes'] = new Map();
  const rows: Gone = new Map();
  let finished = 0;
  let kept: RetentionStep | undefined;
  return {
    durable: false,
    execute() {
      wakes.clear();
      rows.clear();
      const expansion = expand(engine, policy.chunk, { now, wakes });
      finished = expansion.finished;
      const cancelled = cancelClosed(engine, { chunk: policy.chunk, now, rows });
      kept = retentionStep(engine, policy, { now, rows });
      forgetJobs(engine, policy, now);
      const { expired, removed, erased } = kept;
      const more = engine.expansions > finished || cancelled > 0 || kept.more;
      return { expanded: expansion.rows, cancelled, expired, removed, erased, more };
    },
    applied() {
      engine.expansions -= finished;
      engine.events -= kept?.events ?? 0;
      kept?.apply();
      engine.capped = cappedBy(engine, policy, now);
      forgetErased(engine, now);
      for (const [entry, count] of rows) entry.open -= count;
      for (const { slot, lane, dueAt, rows } of wakes.values()) {
        const entry = engine.lane(slot, lane);
        if (!entry) continue;
        entry.open += rows;
        engine.book.wake(entry, dueAt);
      }
    },
  };
}

/** Longer than anything can be on its way that was begun before. */
const ERASED_MS = 600_000;

function forgetErased({ erased }: Engine, now: Ms): void {
  for (const [seq, at] of erased) if (at < now - ERASED_MS) erased.delete(seq);
}

function cappedBy(engine: Engine, { bytesMax }: RetentionPolicy, now: Ms): Capped | undefined {
  if (bytesMax === undefined || engine.usedBytes() < bytesMax) return undefined;
  return { bytesMax, stuck: now < engine.retention.sizeNextAt };
}

function expand(
  engine: Engine,
  chunk: number,
  insertion: Parameters<typeof owe>[2],
): { rows: number; finished: number } {
  if (engine.expansions === 0) return { rows: 0, finished: 0 };
  const { db } = engine;
  const next = db.get<{ seq: number; done: number; lanes: string }>(
    `select x.event as seq, x.done as done, e.lanes as lanes
     from expansion x join event e on e.seq = x.event order by x.event limit 1`,
  );
  if (!next) return { rows: 0, finished: 0 };
  const event = readEventHead(engine, next.seq);
  const lanes = (JSON.parse(next.lanes) as LaneId[]).slice(next.done, next.done + chunk);
  for (const lane of lanes) {
    const owed = event && { event, seq: next.seq, lane };
    if (owed?.event.erased) cancelUnowed(engine, owed, insertion.now);
    else if (owed) owe(engine, owed, insertion);
  }
  if (lanes.length === chunk) {
    db.run('update expansion set done = done + ? where event = ?', chunk, next.seq);
    return { rows: lanes.length, finished: 0 };
  }
  db.run('delete from expansion where event = ?', next.seq);
  return { rows: lanes.length, finished: 1 };
}

/** A delivery that would be owed had its event not been erased before. */
function cancelUnowed(
  engine: Engine,
  { event, seq, lane }: { event: EventHead; seq: number; lane: LaneId },
  now: Ms,
): void {
  if (!engine.lane(event.slot, lane)) return;
  logCancelled(engine, { slot: event.slot, lane, seq, run: 0 }, { now, detail: ERASED });
}

/** What a deleted endpoint was still owed; a held lane waits until its holder has let go. */
function cancelClosed(
  engine: Engine,
  { chunk, now, rows: gone }: { chunk: number; now: Ms; rows: Gone },
): number {
  for (const entry of engine.book.all()) {
    if (!entry.closed || entry.open === 0 || entry.owner !== 0) continue;
    const rows = engine.db.all<OpenRow>(
      `select ${OPEN} from delivery where slot = ? and lane = ? limit ?`,
      entry.slot,
      entry.lane,
      chunk,
    );
    for (const row of rows) {
      logCancelled(engine, row, { now, detail: 'The webhook was deleted.' });
      dropRow(engine, row);
    }
    gone.set(entry, rows.length);
    if (rows.length > 0) return rows.length;
  }
  return 0;
}

/** Jobs that ended are part of the log. */
function forgetJobs(engine: Engine, policy: RetentionPolicy, now: Ms): void {
  engine.db.run(
    `delete from job where id in (
       select id from job where ended_at < ? and ended_at is not null limit ?)`,
    now - policy.logMs,
    policy.chunk,
  );
}
