import type { Database } from '../database.ts';
import { SEQ_MIN } from '../keys.ts';
import { readMeta, writeMeta } from './file.ts';

/** How far the log is in the text index: keys of the last rows that were read into it. */
export interface IndexPlace {
  readonly event: number;
  readonly late: number;
  readonly attempt: number;
}

export function readIndexPlace(db: Database): IndexPlace {
  return {
    event: Number(readMeta(db, 'indexed_event') ?? SEQ_MIN),
    late: Number(readMeta(db, 'indexed_late') ?? 0),
    attempt: Number(readMeta(db, 'indexed_attempt') ?? 0),
  };
}

/** Nothing is written when nothing came. */
export function moveIndexPlace(db: Database, from: IndexPlace, to: IndexPlace): void {
  const { event, late, attempt } = to;
  if (event !== from.event || late !== from.late || attempt !== from.attempt) write(db, to);
}

function write(db: Database, place: IndexPlace): void {
  writeMeta(db, 'indexed_event', place.event);
  writeMeta(db, 'indexed_late', place.late);
  writeMeta(db, 'indexed_attempt', place.attempt);
}

/** As if nothing had been read, or no farther than the log goes. */
export function resetIndexPlace(
  db: Database,
  ends?: { readonly late: number; readonly attempt: number },
): void {
  if (!ends) {
    db.run("delete from meta where key like 'indexed_%'");
    return;
  }
  const place = readIndexPlace(db);
  const late = Math.min(place.late, ends.late);
  write(db, { ...place, late, attempt: Math.min(place.attempt, ends.attempt) });
}
