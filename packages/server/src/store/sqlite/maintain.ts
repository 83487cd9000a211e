import type { LaneId, Ms } from '../../core/model.ts';
import type { LaneEntry } from '../lane-book.ts';
import type { MaintenanceReport, RetentionPolicy } from '../store.ts';
import { logDecision } from './attempts.ts';
import type { Job } from './committer.ts';
import { keyOfRow, logCancelled } from './complete.ts';
import { firstId } from './deliveries.ts';
import { type Engine, type Expiry, readEventHead } from './engine.ts';
import { owe } from './ingest.ts';

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
  now: Ms,
): Job<MaintenanceReport> {
  const wakes: Parameters<typeof owe>[2]['wakes'] = new Map();
  let gone: Gone = new Map();
  let finished = 0;
  let expiry = engine.expiry;
  return {
    execute() {
      wakes.clear();
      gone = new Map();
      const expansion = expand(engine, policy.chunk, { now, wakes });
      finished = expansion.finished;
      const cancelled = cancelClosed(engine, { chunk: policy.chunk, now, gone });
      const step = expire(engine, policy, { now, gone });
      expiry = step.expiry;
      const removed = removeOld(engine, policy, now);
      return {
        expanded: expansion.rows,
        cancelled,
        expired: step.expired,
        removed,
        more:
          engine.expansions > finished ||
          cancelled > 0 ||
          removed > 0 ||
          expiry.pass !== engine.expiry.pass,
      };
    },
    applied() {
      engine.expansions -= finished;
      engine.expiry = expiry;
      for (const [entry, rows] of gone) entry.open -= rows;
      for (const { slot, lane, dueAt, rows } of wakes.values()) {
        const entry = engine.lane(slot, lane);
        if (!entry) continue;
        entry.open += rows;
        engine.book.wake(entry, dueAt);
      }
    },
  };
}

/** Rows that left each lane. */
type Gone = Map<LaneEntry, number>;

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
  { chunk, now, gone }: { chunk: number; now: Ms; gone: Gone },
): number {
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
    gone.set(entry, rows.length);
    if (rows.length > 0) return rows.length;
  }
  return 0;
}

/**
 * From time to time all that is owed is walked through once, in the order of the table, and what
 * belongs to events older than the log is given up. Only what such a pass has cleared is removed, so
 * neither an event nor the frozen body of a delivery goes while it is owed.
 *
 *   resting ──nextAt, and there are old events──▶ pass ──end of the table──▶ resting
 */
function expire(
  engine: Engine,
  policy: RetentionPolicy,
  { now, gone }: { now: Ms; gone: Gone },
): { expired: number; expiry: Expiry } {
  const { expiry } = engine;
  if (!expiry.pass) return { expired: 0, expiry: beginPass(engine, policy, now) };
  const { cutoff, after } = expiry.pass;
  const rows = engine.db.all<OpenRow>(
    `select slot, lane, due_at, event, run from delivery
     where (slot, lane, due_at, event, run) > (?, ?, ?, ?, ?)
     order by slot, lane, due_at, event, run limit ?`,
    ...after,
    policy.chunk,
  );
  let expired = 0;
  let left = expiry.pass.left;
  for (const row of rows) {
    if (Buffer.compare(row.event, cutoff) >= 0) continue;
    const entry = engine.lane(row.slot, row.lane);
    if (entry?.owner === 0) {
      giveUp(engine, row, now);
      gone.set(entry, (gone.get(entry) ?? 0) + 1);
      expired += 1;
    } else if (!left || Buffer.compare(row.event, left) < 0) {
      left = row.event;
    }
  }
  const last = rows.length === policy.chunk ? rows.at(-1) : undefined;
  if (!last) {
    const nextAt = now + EXPIRY_EVERY_MS;
    return { expired, expiry: { pass: undefined, nextAt, before: left ?? cutoff } };
  }
  const place = [last.slot, last.lane, last.due_at, last.event, last.run] as const;
  return { expired, expiry: { ...expiry, pass: { cutoff, after: place, left } } };
}

/** Looks at no row yet: a resend that comes before this is durable must still be found by the pass. */
function beginPass(engine: Engine, policy: RetentionPolicy, now: Ms): Expiry {
  const { expiry } = engine;
  if (now < expiry.nextAt) return expiry;
  const cutoff = firstId(now - policy.logMs);
  const oldest = engine.db.get<{ id: Uint8Array }>('select id from event order by rowid limit 1');
  if (!oldest || Buffer.compare(oldest.id, cutoff) >= 0) return expiry;
  const after = [-1, 0, 0, new Uint8Array(), 0] as const;
  return { ...expiry, pass: { cutoff, after, left: undefined } };
}

function giveUp(engine: Engine, row: OpenRow, now: Ms): void {
  const event = readEventHead(engine, row.event);
  if (event) {
    logDecision(engine, {
      key: keyOfRow(row),
      tenant: event.tenant,
      type: event.type,
      state: 'failed',
      fault: 'expired',
      detail: 'Held longer than events are kept.',
      now,
    });
  }
  dropRow(engine, row);
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

/** Oldest first, and only what the last pass found to owe nothing. */
function removeOld(engine: Engine, policy: RetentionPolicy, now: Ms): number {
  const { before } = engine.expiry;
  if (before.length === 0) return 0;
  const attempts = engine.db.run(
    `delete from attempt where rowid in (select rowid from attempt order by rowid limit ?)
     and started_at < ? and event < ?`,
    policy.chunk,
    now - policy.logMs,
    before,
  );
  const events = engine.db.run(
    `delete from event where rowid in (select rowid from event order by rowid limit ?)
     and id < ?
     and not exists (select 1 from attempt a where a.event = event.id)
     and not exists (select 1 from expansion x where x.event = event.id)`,
    policy.chunk,
    before,
  );
  return attempts + events;
}
