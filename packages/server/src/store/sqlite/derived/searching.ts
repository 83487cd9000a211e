import { askedOutcomes } from '../../search-facts.ts';
import type { Database } from '../database.ts';
import type { Narrow } from '../narrow.ts';
import { subjectTerm, typeTerm } from './documents.ts';
import { factTerm, hitsIn, volumes, wordTerm } from './volumes.ts';

export interface HitsQuery {
  /** Keys of events. */
  readonly least: number;
  readonly before: number;
  readonly limit: number;
  /** All attempts are in the index, so how they ended can be asked of it. */
  readonly outcomes: boolean;
}

export interface Hits {
  /** Of events, newest first. */
  readonly seqs: readonly number[];
  /** There may be more before this key; undefined = that is all. */
  readonly next: number | undefined;
}

/** One search looks so long, and into so many volumes; then it says where to go on. */
const TIME_MAX_MS = 100;
const VOLUMES_MAX = 100;

export function findHits(db: Database, narrow: Narrow, ask: HitsQuery): Hits {
  const match = matchOf(narrow, ask);
  const seqs: number[] = [];
  const started = performance.now();
  let looked = 0;
  for (const volume of volumes(db)) {
    if (volume.first >= ask.before) continue;
    if (looked === VOLUMES_MAX || performance.now() - started > TIME_MAX_MS) {
      return { seqs, next: Math.min(ask.before, endOf(db, volume.n)) };
    }
    looked += 1;
    const limit = ask.limit - seqs.length;
    seqs.push(...hitsIn(db, volume, { match, least: ask.least, before: ask.before, limit }));
    if (seqs.length === ask.limit) return { seqs, next: seqs.at(-1) };
    if (volume.first <= ask.least) break;
  }
  return { seqs, next: undefined };
}

/** The first key behind a volume. */
function endOf(db: Database, n: number): number {
  return (
    db.get<{ first: number | null }>(
      'select min(first) as first from volume where first > (select first from volume where n = ?)',
      n,
    )?.first ?? Number.MAX_SAFE_INTEGER
  );
}

/** In FTS5's language, where strings side by side must all occur. */
function matchOf(narrow: Narrow, { outcomes }: HitsQuery): string {
  const { query, tenant, type } = narrow;
  const { words = [], prefixes = [] } = query.text ?? {};
  const parts = words.map((word) => `"${wordTerm(tenant, word)}"`);
  if (query.subject !== undefined) parts.push(`"${subjectTerm(tenant, query.subject)}"`);
  if (type !== undefined) parts.push(`"${typeTerm(tenant, type)}"`);
  parts.push(...prefixes.map((prefix) => `"${wordTerm(tenant, prefix)}" *`));
  if (outcomes) parts.push(...askedOutcomes(query).map((fact) => `"${factTerm(tenant, fact)}"`));
  return parts.join(' AND ');
}
