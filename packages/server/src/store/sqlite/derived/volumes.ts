import type { Ms } from '../../../core/model.ts';
import type { Database } from '../database.ts';
import { readMeta, writeMeta } from './file.ts';

/**
 * The text index: full-text tables (FTS5) of a bounded number of events each, called volumes. A search
 * walks them from the newest on, so it can stop anywhere; what is too old is dropped as a whole; and no
 * merge of the index is ever large. A volume holds words and keys of events, neither texts nor where
 * the words stand. Every term begins with the tenant's number: one tenant's search meets no other's.
 */

const DOCS_PER_VOLUME = 100_000;

export interface Volume {
  readonly n: number;
  /** Key of its first event; it ends where the next volume begins. */
  readonly first: number;
  /** Events in it. */
  readonly docs: number;
  /** Events of it that were erased or removed since it was written. */
  readonly dirty: number;
  readonly dirtied_at: Ms;
}

export interface Doc {
  /** Of the event. A second document of it adds to the first. */
  readonly seq: number;
  readonly terms: ReadonlySet<string>;
}

/** `·` and `¶` are no characters of words. */
export function wordTerm(tenant: number, word: string): string {
  return `${tenant.toString(36)}·${word}`;
}

/** Not a word of the text: the type or the subject of an event. */
export function factTerm(tenant: number, fact: string): string {
  return `${tenant.toString(36)}¶${fact}`;
}

export function tableOf(n: number): string {
  return `doc_${n}`;
}

/** Its number, which no table had before. */
export function newTable(db: Database): number {
  const n = Number(readMeta(db, 'last_volume') ?? 0) + 1;
  writeMeta(db, 'last_volume', n);
  db.exec(
    `create virtual table ${tableOf(n)} using fts5(
       terms, content = '', detail = none, columnsize = 0, tokenize = 'ascii')`,
  );
  return n;
}

/** In the order of keys: FTS5 gathers a transaction's rows only as long as they grow. */
export function insertDocs(db: Database, n: number, docs: readonly Doc[]): void {
  const merged = new Map<number, Set<string>>();
  for (const { seq, terms } of docs) {
    const known = merged.get(seq);
    if (known) for (const term of terms) known.add(term);
    else merged.set(seq, new Set(terms));
  }
  for (const [seq, terms] of [...merged].sort(([a], [b]) => a - b)) {
    db.run(`insert into ${tableOf(n)} (rowid, terms) values (?, ?)`, seq, [...terms].join(' '));
  }
}

export function volumes(db: Database): Volume[] {
  return db.all<Volume>('select n, first, docs, dirty, dirtied_at from volume order by first desc');
}

/** The volume that an event's key belongs to; undefined = it is older than all. */
export function volumeOf(db: Database, seq: number): Volume | undefined {
  return db.get<Volume>(
    `select n, first, docs, dirty, dirtied_at from volume
     where first <= ? order by first desc limit 1`,
    seq,
  );
}

/** For an event that is newer than all in the index: in the last volume, or in a new one. */
export function volumeFor(db: Database, seq: number): number {
  const last = volumeOf(db, Number.MAX_SAFE_INTEGER);
  if (last && last.docs < DOCS_PER_VOLUME) return last.n;
  return addVolume(db, seq);
}

function addVolume(db: Database, first: number): number {
  const n = newTable(db);
  db.run('insert into volume (n, first, docs, dirty, dirtied_at) values (?, ?, 0, 0, 0)', n, first);
  return n;
}

export function dropVolume(db: Database, n: number): void {
  db.run('delete from volume where n = ?', n);
  db.exec(`drop table ${tableOf(n)}`);
}

/** Keys of events, newest first, that have all terms of `match` and lie in the range. */
export function hitsIn(
  db: Database,
  { n }: Volume,
  ask: {
    readonly match: string;
    readonly least: number;
    readonly before: number;
    readonly limit: number;
  },
): number[] {
  const table = tableOf(n);
  return db
    .all<{ seq: number }>(
      `select rowid as seq from ${table}
       where ${table} match ? and rowid >= ? and rowid < ? order by rowid desc limit ?`,
      ask.match,
      ask.least,
      ask.before,
      ask.limit,
    )
    .map(({ seq }) => seq);
}
