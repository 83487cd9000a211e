import type { Ms } from '../../../core/model.ts';
import { upToBytes } from '../../search-words.ts';
import type { Database } from '../database.ts';
import { timeOfSeq } from '../keys.ts';
import {
  ADDS,
  ATTEMPT_TEXT,
  type AttemptText,
  attemptDoc,
  EVENT_TEXT,
  type EventText,
  eventDoc,
  readEventTexts,
} from './documents.ts';
import { type IndexPlace, moveIndexPlace, readIndexPlace } from './index-place.ts';
import { readRewriting } from './rewriting.ts';
import { type Doc, insertDocs, volumeFor, volumeOf } from './volumes.ts';

/** Following the log with the text index: events first, then what their failed attempts say. */

/** Attempts that one step looks through for failed ones. */
const ATTEMPTS_PER_STEP = 5000;

export interface Indexed {
  readonly docs: number;
  /** Events up to then are in the index; undefined = all, with what is known of their attempts. */
  readonly upTo: Ms | undefined;
}

/** One step: at most `limit` documents. */
export function indexNext(log: Database, db: Database, limit: number): Indexed {
  const place = readIndexPlace(db);
  log.exec('begin');
  try {
    return step({ log, db, place, limit });
  } finally {
    log.exec('commit');
  }
}

interface Step {
  readonly log: Database;
  readonly db: Database;
  readonly place: IndexPlace;
  readonly limit: number;
}

function step({ log, db, place, limit }: Step): Indexed {
  const read = readEventTexts(log, place.event, limit);
  const events = upToBytes(read);
  const late = log.all<EventText & { n: number }>(
    `select l.n as n, ${EVENT_TEXT} from late_event l join event e on e.seq = l.event
     join word y on y.number = e.type where l.n > ? order by l.n limit ?`,
    place.late,
    limit,
  );
  // Late ones that are not behind this place are met in their order.
  const behind = late.filter(({ seq }) => seq <= place.event);
  const allEvents = events.length === read.length && read.length < limit && late.length < limit;
  const attempts = allEvents ? nextAttempts(log, place.attempt, limit) : undefined;
  addEvents(db, events);
  addTo(db, behind.filter(isReadable).map(eventDoc));
  addTo(db, (attempts?.rows ?? []).map(attemptDoc));
  const last = events.at(-1)?.seq ?? place.event;
  moveIndexPlace(db, place, {
    event: last,
    late: late.at(-1)?.n ?? place.late,
    attempt: attempts?.place ?? place.attempt,
  });
  return {
    docs: events.length + behind.length + (attempts?.rows.length ?? 0),
    upTo: attempts && !attempts.more ? undefined : timeOfSeq(Math.max(last, 0)),
  };
}

/** From this key on some events may not be in the index. */
export function gapOf(log: Database, db: Database): number {
  const { event, late } = readIndexPlace(db);
  const sql = 'select min(event) as event from late_event where n > ?';
  const left = log.get<{ event: number | null }>(sql, late)?.event ?? event;
  return Math.min(event + 1, left);
}

function isReadable({ erased_at }: EventText): boolean {
  return erased_at === null;
}

/** Newer than all in the index. */
function addEvents(db: Database, events: readonly EventText[]): void {
  const first = events[0];
  if (!first) return;
  const n = volumeFor(db, first.seq);
  insertDocs(db, n, events.filter(isReadable).map(eventDoc));
  db.run('update volume set docs = docs + ? where n = ?', events.length, n);
}

/** To where their events are; what is older than the index stays out of it. */
function addTo(db: Database, docs: readonly Doc[]): void {
  const rewriting = readRewriting(db);
  const byVolume = new Map<number, Doc[]>();
  const put = (n: number, doc: Doc) => byVolume.set(n, [...(byVolume.get(n) ?? []), doc]);
  for (const doc of docs) {
    const volume = volumeOf(db, doc.seq);
    if (!volume) continue;
    put(volume.n, doc);
    if (rewriting?.of === volume.n && doc.seq <= rewriting.cursor) put(rewriting.into, doc);
  }
  for (const [n, some] of byVolume) insertDocs(db, n, some);
}

function nextAttempts(
  log: Database,
  after: number,
  limit: number,
): { rows: AttemptText[]; place: number; more: boolean } {
  const head = log.get<{ seq: number | null }>('select max(seq) as seq from attempt')?.seq ?? 0;
  const end = Math.min(after + ATTEMPTS_PER_STEP, head);
  const rows = log.all<AttemptText>(
    `select ${ATTEMPT_TEXT} from attempt where seq > ? and seq <= ? and ${ADDS}
     order by seq limit ?`,
    after,
    end,
    limit,
  );
  const place = rows.length === limit ? (rows.at(-1)?.seq ?? end) : Math.max(end, after);
  return { rows, place, more: place < head };
}
