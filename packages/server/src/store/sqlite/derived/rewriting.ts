import type { Ms } from '../../../core/model.ts';
import type { Database } from '../database.ts';
import {
  ADDS,
  ATTEMPT_TEXT,
  type AttemptText,
  attemptDoc,
  eventDoc,
  readEventTexts,
} from './documents.ts';
import { readMeta, writeMeta } from './file.ts';
import { readIndexPlace } from './index-place.ts';
import {
  dropVolume,
  insertDocs,
  newTable,
  tableOf,
  type Volume,
  volumeOf,
  volumes,
} from './volumes.ts';

/**
 * Words leave the index with the event that they were read from. Volumes whose newest event is gone or
 * erased are dropped; one that lost others is written again from the log, a few documents at a time,
 * and then takes the place of the old one.
 */

/** A volume that is losing events just now (retention passes through it) is left alone. */
const QUIET_MS: Ms = 60_000;
const FORGOTTEN_PER_STEP = 5000;

export interface Rewriting {
  readonly of: number;
  readonly into: number;
  /** Events up to this key are in the new one. */
  readonly cursor: number;
  /** What the old one had lost when it began. */
  readonly dirty: number;
}

export function readRewriting(db: Database): Rewriting | undefined {
  const text = readMeta(db, 'rewriting');
  return text === undefined ? undefined : (JSON.parse(String(text)) as Rewriting);
}

/** Notes which volumes lost events; true = there is more to note. */
export function noteForgotten(log: Database, db: Database, now: Ms): boolean {
  const after = Number(readMeta(db, 'forgotten') ?? 0);
  const rows = log.all<{ n: number; event: number }>(
    'select n, event from forgotten where n > ? order by n limit ?',
    after,
    FORGOTTEN_PER_STEP,
  );
  const last = rows.at(-1);
  if (!last) return false;
  // Only the newest are kept: if some were missed, any volume can have lost some.
  if (after > 0 && (rows[0]?.n ?? 0) > after + 1) soil(db, { now });
  const lost = new Map<number, number>();
  for (const { event } of rows) {
    const n = volumeOf(db, event)?.n;
    if (n !== undefined) lost.set(n, (lost.get(n) ?? 0) + 1);
  }
  for (const [n, count] of lost) soil(db, { now, n, count });
  writeMeta(db, 'forgotten', last.n);
  return rows.length === FORGOTTEN_PER_STEP;
}

/** No farther than the log goes. */
export function resetForgotten(db: Database, end: number): void {
  if (Number(readMeta(db, 'forgotten') ?? 0) > end) writeMeta(db, 'forgotten', end);
}

function soil(db: Database, of: { now: Ms; n?: number; count?: number }): void {
  const { now, n, count = 1 } = of;
  const which = n === undefined ? '' : 'where n = ?';
  const values = n === undefined ? [] : [n];
  db.run(`update volume set dirty = dirty + ?, dirtied_at = ? ${which}`, count, now, ...values);
}

/** Drops the oldest volume if nothing in it can be found any more; true = it did. */
export function dropOld(log: Database, db: Database): boolean {
  const all = volumes(db);
  const oldest = all.at(-1);
  const next = all.at(-2);
  if (!oldest || !next || oldest.dirty === 0) return false;
  const newest = log.get<{ seq: number; erased_at: Ms | null }>(
    'select seq, erased_at from event where seq < ? order by seq desc limit 1',
    next.first,
  );
  const left = newest && newest.seq >= oldest.first && newest.erased_at === null;
  if (left) return false;
  const rewriting = readRewriting(db);
  if (rewriting?.of === oldest.n) stopRewriting(db, rewriting);
  dropVolume(db, oldest.n);
  return true;
}

/** One step of writing a volume again, if one needs it; true = there is more to do. */
export function rewriteNext(
  log: Database,
  db: Database,
  { limit, now }: { readonly limit: number; readonly now: Ms },
): boolean {
  const running = readRewriting(db) ?? begin(db, now);
  if (!running) return false;
  const all = volumes(db);
  const old = all.find(({ n }) => n === running.of);
  if (!old) {
    stopRewriting(db, running);
    return true;
  }
  const next = all[all.indexOf(old) - 1];
  const indexed = readIndexPlace(db);
  const end = next?.first ?? indexed.event + 1;
  const events = readEventTexts(log, running.cursor, limit).filter(({ seq }) => seq < end);
  const docs = events
    .filter(({ erased_at }) => erased_at === null)
    .flatMap((event) => [eventDoc(event), ...attemptDocs(log, event.seq, indexed.attempt)]);
  insertDocs(db, running.into, docs);
  const last = events.at(-1);
  if (last && events.length === limit) {
    writeMeta(db, 'rewriting', JSON.stringify({ ...running, cursor: last.seq }));
  } else {
    swap(db, running, old);
  }
  return true;
}

function attemptDocs(log: Database, event: number, upTo: number) {
  return log
    .all<AttemptText>(
      `select ${ATTEMPT_TEXT} from attempt indexed by attempt_event
       where event = ? and seq <= ? and ${ADDS}`,
      event,
      upTo,
    )
    .map(attemptDoc);
}

function begin(db: Database, now: Ms): Rewriting | undefined {
  const volume = db.get<Volume>(
    'select n, first, docs, dirty, dirtied_at from volume where dirty > 0 and dirtied_at <= ? limit 1',
    now - QUIET_MS,
  );
  if (!volume) return undefined;
  const into = newTable(db);
  const { n: of, first, dirty } = volume;
  const rewriting = { of, into, cursor: first - 1, dirty };
  writeMeta(db, 'rewriting', JSON.stringify(rewriting));
  return rewriting;
}

/** The new one stands for the old; what was lost meanwhile is still to be taken out. */
function swap(db: Database, done: Rewriting, old: Volume): void {
  db.run(
    'update volume set n = ?, dirty = max(dirty - ?, 0) where n = ?',
    done.into,
    done.dirty,
    old.n,
  );
  db.exec(`drop table ${tableOf(old.n)}`);
  db.run("delete from meta where key = 'rewriting'");
}

/** The old one has been dropped meanwhile. */
export function stopRewriting(db: Database, running: Rewriting): void {
  db.exec(`drop table ${tableOf(running.into)}`);
  db.run("delete from meta where key = 'rewriting'");
}
