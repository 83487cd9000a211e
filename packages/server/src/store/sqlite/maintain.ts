import type { LaneId, Ms } from '../../core/model.ts';
import type { LaneEntry } from '../lane-book.ts';
import type { MaintenanceReport, RetentionPolicy } from '../store.ts';
import { logDecision } from './attempts.ts';
import type { Job } from './committer.ts';
import { logCancelled } from './complete.ts';
import { type Engine, type Expiry, readEventHead, type Sweep } from './engine.ts';
import { owe } from './ingest.ts';
import { SEQ_MIN, seqAt } from './keys.ts';

const EXPIRY_EVERY_MS = 3_600_000;

const OPEN = 'slot, lane, due_at, event as seq, run';
interface OpenRow {
  readonly slot: number;
  readonly lane: number;
  readonly due_at: Ms;
  readonly seq: number;
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
  let removed: Swept = { attempts: 0, events: 0, sweep: undefined };
  return {
    durable: false,
    execute() {
      wakes.clear();
      gone = new Map();
      const expansion = expand(engine, policy.chunk, { now, wakes });
      finished = expansion.finished;
      const cancelled = cancelClosed(engine, { chunk: policy.chunk, now, gone });
      const step = expire(engine, policy, { now, gone });
      removed = sweep(engine, policy, now);
      forgetJobs(engine, policy, now);
      const passed = engine.expiry.pass && !step.expiry.pass;
      expiry = { ...step.expiry, sweep: passed ? FROM_THE_START : removed.sweep };
      const rows = removed.attempts + removed.events;
      return {
        expanded: expansion.rows,
        cancelled,
        expired: step.expired,
        removed: rows,
        more:
          engine.expansions > finished ||
          cancelled > 0 ||
          expiry.sweep !== undefined ||
          expiry.pass !== engine.expiry.pass,
      };
    },
    applied() {
      engine.expansions -= finished;
      engine.expiry = expiry;
      engine.events -= removed.events;
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
  const next = db.get<{ seq: number; done: number; lanes: string }>(
    `select x.event as seq, x.done as done, e.lanes as lanes
     from expansion x join event e on e.seq = x.event order by x.event limit 1`,
  );
  if (!next) return { rows: 0, finished: 0 };
  const event = readEventHead(engine, next.seq);
  const lanes = (JSON.parse(next.lanes) as LaneId[]).slice(next.done, next.done + chunk);
  for (const lane of lanes) if (event) owe(engine, { event, seq: next.seq, lane }, insertion);
  if (lanes.length === chunk) {
    db.run('update expansion set done = done + ? where event = ?', chunk, next.seq);
    return { rows: lanes.length, finished: 0 };
  }
  db.run('delete from expansion where event = ?', next.seq);
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
    `select ${OPEN} from delivery
     where (slot, lane, due_at, event, run) > (?, ?, ?, ?, ?)
     order by slot, lane, due_at, event, run limit ?`,
    ...after,
    policy.chunk,
  );
  let expired = 0;
  let left = expiry.pass.left;
  for (const row of rows) {
    if (row.seq >= cutoff) continue;
    const entry = engine.lane(row.slot, row.lane);
    if (entry?.owner === 0) {
      giveUp(engine, row, now);
      gone.set(entry, (gone.get(entry) ?? 0) + 1);
      expired += 1;
    } else {
      left = Math.min(left ?? row.seq, row.seq);
    }
  }
  const last = rows.length === policy.chunk ? rows.at(-1) : undefined;
  if (!last) {
    const nextAt = now + EXPIRY_EVERY_MS;
    return { expired, expiry: { ...expiry, pass: undefined, nextAt, before: left ?? cutoff } };
  }
  const place = [last.slot, last.lane, last.due_at, last.seq, last.run] as const;
  return { expired, expiry: { ...expiry, pass: { cutoff, after: place, left } } };
}

/** Looks at no row yet: a resend that comes before this is durable must still be found by the pass. */
function beginPass(engine: Engine, policy: RetentionPolicy, now: Ms): Expiry {
  const { expiry } = engine;
  if (now < expiry.nextAt) return expiry;
  const cutoff = seqAt(now - policy.logMs);
  const oldest = engine.db.get<{ seq: number }>('select seq from event order by seq limit 1');
  if (!oldest || oldest.seq >= cutoff) return expiry;
  const after = [-1, 0, 0, SEQ_MIN, 0] as const;
  return { ...expiry, pass: { cutoff, after, left: undefined } };
}

function giveUp(engine: Engine, row: OpenRow, now: Ms): void {
  const event = readEventHead(engine, row.seq);
  if (event) {
    logDecision(engine, {
      run: row,
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
    row.seq,
    row.run,
  );
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

const FROM_THE_START: Sweep = { event: SEQ_MIN, attempt: 0, behind: SEQ_MIN };

interface Swept {
  readonly attempts: number;
  readonly events: number;
  /** Where the next step goes on; undefined = it has come to the end. */
  readonly sweep: Sweep | undefined;
}

/**
 * Oldest first, and only what the last pass found to owe nothing. An event and all its attempts go
 * together, when the last of them is old: what is left of a log would tell of deliveries without an
 * end. So the sweep walks on past what it must leave.
 */
function sweep(engine: Engine, policy: RetentionPolicy, now: Ms): Swept {
  const { before, sweep } = engine.expiry;
  if (!sweep) return { attempts: 0, events: 0, sweep: undefined };
  const { db } = engine;
  const { chunk } = policy;
  const found = db.all<{ seq: number; event: number }>(
    `select seq, event from attempt
     where (event, seq) > (?, ?) and event < ? order by event, seq limit ?`,
    sweep.event,
    sweep.attempt,
    before,
    chunk,
  );
  const young = new Set(
    [...new Set(found.map(({ event }) => event))].filter((event) =>
      db.get<object>(
        'select 1 from attempt where event = ? and started_at >= ?',
        event,
        now - policy.logMs,
      ),
    ),
  );
  const old = found.filter(({ event }) => !young.has(event));
  for (const { seq } of old) db.run('delete from attempt where seq = ?', seq);
  const last = found.length === chunk ? found.at(-1) : undefined;
  const behind = db.all<{ seq: number }>(
    'select seq from event where seq >= ? and seq < ? order by seq limit ?',
    sweep.behind,
    last?.event ?? before,
    chunk,
  );
  let events = 0;
  for (const { seq } of behind) {
    events += db.run(
      `delete from event where seq = ?
       and not exists (select 1 from attempt where event = ?)
       and not exists (select 1 from expansion where event = ?)`,
      seq,
      seq,
      seq,
    );
  }
  const more = behind.length === chunk ? behind.at(-1) : undefined;
  const next = {
    event: last?.event ?? before,
    attempt: last?.seq ?? 0,
    behind: more ? more.seq + 1 : (last?.event ?? before),
  };
  return { attempts: old.length, events, sweep: last || more ? next : undefined };
}
