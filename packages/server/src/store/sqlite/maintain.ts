import { createIdFactory, decodeId, slotOfId } from '../../core/ids.ts';
import type { LaneId, Ms } from '../../core/model.ts';
import type { LaneEntry } from '../lane-book.ts';
import type { MaintenanceReport, RetentionPolicy } from '../store.ts';
import { logDecision } from './attempts.ts';
import type { Job } from './committer.ts';
import { keyOfRow, logCancelled } from './complete.ts';
import { type Engine, readEventHead } from './engine.ts';
import { owe } from './ingest.ts';

/** Where the search for rows held too long goes on, and when it starts anew. */
export interface ExpiryScan {
  after: Uint8Array;
  nextAt: Ms;
}
const EXPIRY_EVERY_MS = 3_600_000;

interface OpenRow {
  readonly slot: number;
  readonly lane: number;
  readonly due_at: Ms;
  readonly event: Uint8Array;
  readonly run: number;
}

/** One bounded step of each duty, in one transaction. */
export function maintainJob(
  engine: Engine,
  policy: RetentionPolicy,
  at: { now: Ms; scan: ExpiryScan },
): Job<MaintenanceReport> {
  const { now } = at;
  const wakes = new Map<number, { slot: number; lane: number; dueAt: Ms; rows: number }>();
  let gone: { entry: LaneEntry; rows: number }[] = [];
  let finished = 0;
  return {
    execute() {
      wakes.clear();
      const expansion = expand(engine, policy.chunk, { now, wakes });
      finished = expansion.finished;
      const cancelled = cancelClosed(engine, policy.chunk, now);
      const expired = expireHeld(engine, policy, at);
      gone = [...cancelled, ...expired];
      const removed = removeOld(engine, policy, now);
      const count = (list: readonly { rows: number }[]) =>
        list.reduce((n, { rows }) => n + rows, 0);
      return {
        expanded: expansion.rows,
        cancelled: count(cancelled),
        expired: count(expired),
        removed,
        more:
          expansion.rows > 0 ||
          cancelled.length > 0 ||
          expired.length > 0 ||
          removed >= policy.chunk,
      };
    },
    applied() {
      engine.expansions -= finished;
      for (const { entry, rows } of gone) entry.open -= rows;
      for (const { slot, lane, dueAt, rows } of wakes.values()) {
        const entry = engine.lane(slot, lane);
        if (!entry) continue;
        entry.open += rows;
        engine.book.wake(entry, dueAt);
      }
    },
  };
}

function expand(
  engine: Engine,
  chunk: number,
  insertion: Parameters<typeof owe>[2],
): { rows: number; finished: number } {
  if (engine.expansions === 0) return { rows: 0, finished: 0 };
  const { db } = engine;
  const next = db.get<{ event: Uint8Array; done: number; lanes: string }>(
    `select x.event as event, x.done as done, e.lanes as lanes
     from expansion x join event e on e.id = x.event order by x.event limit 1`,
  );
  if (!next) return { rows: 0, finished: 0 };
  const event = readEventHead(engine, next.event);
  const lanes = (JSON.parse(next.lanes) as LaneId[]).slice(next.done, next.done + chunk);
  for (const lane of lanes) if (event) owe(engine, { event, id: next.event, lane }, insertion);
  if (lanes.length === chunk) {
    db.run('update expansion set done = done + ? where event = ?', chunk, next.event);
    return { rows: lanes.length, finished: 0 };
  }
  db.run('delete from expansion where event = ?', next.event);
  return { rows: lanes.length, finished: 1 };
}

/** What a deleted endpoint was still owed; a held lane waits until its holder has let go. */
function cancelClosed(
  engine: Engine,
  chunk: number,
  now: Ms,
): { entry: LaneEntry; rows: number }[] {
  for (const entry of engine.book.all()) {
    if (!entry.closed || entry.open === 0 || entry.owner !== 0) continue;
    const rows = engine.db.all<OpenRow>(
      'select * from delivery where slot = ? and lane = ? limit ?',
      entry.slot,
      entry.lane,
      chunk,
    );
    for (const row of rows) {
      logCancelled(engine, keyOfRow(row), { now, detail: 'The webhook was deleted.' });
      dropRow(engine, row);
    }
    return [{ entry, rows: rows.length }];
  }
  return [];
}

function expireHeld(
  engine: Engine,
  policy: RetentionPolicy,
  at: { now: Ms; scan: ExpiryScan },
): { entry: LaneEntry; rows: number }[] {
  const { now, scan } = at;
  if (now < scan.nextAt) return [];
  const cutoff = idBefore(now - policy.logMs);
  // In key order of events, so each step goes on where the last one stopped.
  const events = engine.db.all<{ id: Uint8Array }>(
    'select id from event where id > ? and id < ? order by id limit ?',
    scan.after,
    cutoff,
    policy.chunk,
  );
  if (events.length === 0) {
    scan.nextAt = now + EXPIRY_EVERY_MS;
    scan.after = new Uint8Array();
    return [];
  }
  scan.after = events.at(-1)?.id ?? scan.after;
  const gone = new Map<LaneEntry, number>();
  for (const { id } of events) {
    for (const row of openRowsOf(engine, id)) {
      const entry = engine.lane(row.slot, row.lane);
      const event = readEventHead(engine, id);
      if (!entry || !event || entry.owner !== 0) continue;
      logDecision(engine, {
        key: keyOfRow(row),
        tenant: event.tenant,
        type: event.type,
        state: 'failed',
        fault: 'expired',
        detail: 'Held longer than events are kept.',
        now,
      });
      dropRow(engine, row);
      gone.set(entry, (gone.get(entry) ?? 0) + 1);
    }
  }
  return [...gone].map(([entry, rows]) => ({ entry, rows }));
}

function openRowsOf(engine: Engine, id: Uint8Array): OpenRow[] {
  return engine.db.all<OpenRow>(
    `select d.* from event e join json_each(e.lanes) f
     join delivery d on d.slot = ? and d.lane = f.value and d.event = e.id where e.id = ?`,
    slotOfId(id),
    id,
  );
}

function dropRow(engine: Engine, row: OpenRow): void {
  engine.db.run(
    'delete from delivery where slot = ? and lane = ? and due_at = ? and event = ? and run = ?',
    row.slot,
    row.lane,
    row.due_at,
    row.event,
    row.run,
  );
}

/** Oldest first, and never what is still owed. */
function removeOld(engine: Engine, policy: RetentionPolicy, now: Ms): number {
  const cutoff = now - policy.logMs;
  const oldest = engine.db.get<{ started_at: Ms }>(
    'select started_at from attempt order by rowid limit 1',
  );
  let removed = 0;
  if (oldest && oldest.started_at < cutoff) {
    removed += engine.db.run(
      `delete from attempt where rowid in (select rowid from attempt order by rowid limit ?)
       and started_at < ?`,
      policy.chunk,
      cutoff,
    );
  }
  const event = engine.db.get<{ created_at: Ms }>(
    'select created_at from event order by rowid limit 1',
  );
  if (event && event.created_at < cutoff) {
    removed += engine.db.run(
      `delete from event where rowid in (select rowid from event order by rowid limit ?)
       and created_at < ?
       and not exists (select 1 from attempt a where a.event = event.id)
       and not exists (select 1 from json_each(event.lanes) f join delivery d
         on d.lane = f.value and d.event = event.id and d.slot between 0 and 255)`,
      policy.chunk,
      cutoff,
    );
  }
  return removed;
}

/** The smallest event id of a time. */
function idBefore(ms: Ms): Uint8Array {
  const zero = createIdFactory((count) => new Uint8Array(count));
  const id = decodeId(zero.event(0, Math.max(ms, 1)));
  return id ?? new Uint8Array();
}
