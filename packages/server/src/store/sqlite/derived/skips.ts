import { matchesPattern } from '@posthorn/wire';
import { STATES } from '../../log-format.ts';
import type { LogQuery } from '../../store.ts';
import type { Database } from '../database.ts';
import type { Narrow } from '../narrow.ts';
import { everywhere, type Range, type Ranges } from '../ranges.ts';
import type { CountPlace } from './counting.ts';
import {
  ATTEMPTS_PER_BLOCK,
  BLOCKS_PER_ERA,
  EVENT_KEYS_PER_BLOCK,
  type MarkTable,
  scopeOf,
  whatOf,
} from './marks.ts';

/** Blocks that one page reads; then it says where to go on. */
const BLOCKS_MAX = 12;
/** Eras that are looked through for them: four million attempts, or more than an hour of events, each. */
const ERAS_MAX = 2000;
/** A pattern that fits more types than that is not rare. */
const TYPES_MAX = 32;

/** Blocks have one of these marks. */
interface Term {
  readonly scope: number;
  readonly whats: readonly string[];
}

export interface Marked {
  /** Of the derived file. */
  readonly db: Database;
  readonly log: Database;
  readonly counted: CountPlace;
}

/** Where events of the asked types can be. */
export function eventRanges(of: Marked, narrow: Narrow, before: number | undefined): Ranges {
  const terms = typeTerms(of, narrow);
  if (terms.length === 0) return everywhere(before);
  return marked(of, {
    table: 'event_mark',
    terms,
    keys: EVENT_KEYS_PER_BLOCK,
    counted: of.counted.event,
    before: before ?? Number.MAX_SAFE_INTEGER,
    blocks: { least: 0, most: Number.MAX_SAFE_INTEGER },
  });
}

/** Where attempts can be that began within `time` and are what the query asks for. */
export function attemptRanges(
  of: Marked,
  narrow: Narrow,
  at: { readonly before: number | undefined; readonly time: Pick<LogQuery, 'from' | 'to'> },
): Ranges {
  const terms = [...typeTerms(of, narrow), ...outcomeTerms(narrow)];
  const { from, to } = at.time;
  if (terms.length === 0 && from === undefined && to === undefined) return everywhere(at.before);
  return marked(of, {
    table: 'attempt_mark',
    terms,
    keys: ATTEMPTS_PER_BLOCK,
    counted: of.counted.attempt,
    before: at.before ?? Number.MAX_SAFE_INTEGER,
    blocks: blocksOf(of.db, at.time),
  });
}

function typeTerms({ db, log }: Marked, { tenant, type, pattern }: Narrow): Term[] {
  const scope = scopeOf.tenant(tenant);
  if (type !== undefined) return [{ scope, whats: [whatOf.type(type)] }];
  if (pattern === undefined) return [];
  const known = db.all<{ type: number }>('select type from tenant_type where tenant = ?', tenant);
  const fitting = known.filter(({ type: word }) => {
    const row = log.get<{ text: string }>('select text from word where number = ?', word);
    return row !== undefined && matchesPattern(pattern, row.text);
  });
  if (fitting.length > TYPES_MAX) return [];
  return [{ scope, whats: fitting.map(({ type: word }) => whatOf.type(word)) }];
}

function outcomeTerms({ query, tenant, number }: Narrow): Term[] {
  const { state, status, fault } = query;
  const ofTenant = scopeOf.tenant(tenant);
  // Endpoints have marks of what did not succeed only.
  const bad = fault !== undefined || (state !== undefined && state !== 'succeeded');
  const scope = number !== undefined && bad ? scopeOf.endpoint(number) : ofTenant;
  const terms: Term[] = [];
  if (state !== undefined) terms.push({ scope, whats: [whatOf.state(STATES.indexOf(state))] });
  if (fault !== undefined) terms.push({ scope, whats: [whatOf.fault(fault)] });
  if (status !== undefined) {
    const { least, most } = status;
    const what = least === most ? whatOf.status(least) : whatOf.statusClass(least);
    const of = number !== undefined && least >= 300 ? scopeOf.endpoint(number) : ofTenant;
    terms.push({ scope: of, whats: [what] });
  }
  return terms;
}

interface Blocks {
  readonly least: number;
  readonly most: number;
}

/** Those that have attempts which began in the asked time. */
function blocksOf(db: Database, { from, to }: Pick<LogQuery, 'from' | 'to'>): Blocks {
  const least =
    from === undefined
      ? 0
      : (db.get<{ block: number }>(
          'select block from attempt_block where ceil_at >= ? order by ceil_at, block limit 1',
          from,
        )?.block ?? Number.MAX_SAFE_INTEGER);
  const most =
    to === undefined
      ? Number.MAX_SAFE_INTEGER
      : (db.get<{ block: number }>(
          `select block from attempt_block where floor_at < ?
           order by floor_at desc, block desc limit 1`,
          to,
        )?.block ?? -1);
  return { least, most };
}

interface Ask {
  readonly table: MarkTable;
  readonly terms: readonly Term[];
  /** In a block. */
  readonly keys: number;
  /** Rows behind this key have no marks yet. */
  readonly counted: number;
  readonly before: number;
  readonly blocks: Blocks;
}

function marked({ db }: Marked, ask: Ask): Ranges {
  const { keys, counted, before } = ask;
  const ranges: Range[] = [];
  if (before > counted + 1) ranges.push({ least: counted + 1, before });
  const end = Math.min(before, counted + 1);
  const most = Math.min(Math.floor((end - 1) / keys), ask.blocks.most);
  const { least } = ask.blocks;
  if (most < least || end <= 0) return { ranges, next: undefined };
  if (ask.terms.length === 0) {
    const range = { least: least * keys, before: Math.min(end, (most + 1) * keys) };
    return { ranges: [...ranges, range], next: undefined };
  }
  const found = blocksWith(db, ask, { least, most });
  for (const block of found.blocks) {
    ranges.push({ least: block * keys, before: Math.min(end, (block + 1) * keys) });
  }
  return { ranges, next: found.next === undefined ? undefined : found.next * keys };
}

/** The newest blocks that have a mark of every term. `next`: there may be more before this block. */
function blocksWith(
  db: Database,
  { table, terms }: Ask,
  { least, most }: Blocks,
): { blocks: number[]; next: number | undefined } {
  const last = Math.floor(least / BLOCKS_PER_ERA);
  const blocks: number[] = [];
  let looked = 0;
  for (const era of newestEras(db, table, Math.floor(most / BLOCKS_PER_ERA))) {
    if (era < last) break;
    looked += 1;
    if (looked > ERAS_MAX) return { blocks, next: (era + 1) * BLOCKS_PER_ERA };
    const left = BLOCKS_MAX - blocks.length;
    blocks.push(...inEra(db, { table, terms, era, left, range: { least, most } }));
    if (blocks.length === BLOCKS_MAX) return { blocks, next: blocks.at(-1) };
  }
  return { blocks, next: undefined };
}

/** Those that have any marks, from this one on. */
function* newestEras(db: Database, table: MarkTable, from: number): Generator<number> {
  const sql = `select max(era) as era from ${table} where era <= ?`;
  let era = db.get<{ era: number | null }>(sql, from)?.era;
  while (era !== null && era !== undefined) {
    yield era;
    era = db.get<{ era: number | null }>(sql, era - 1)?.era;
  }
}

interface InEra {
  readonly table: MarkTable;
  readonly terms: readonly Term[];
  readonly era: number;
  readonly left: number;
  readonly range: Blocks;
}

function inEra(db: Database, { table, terms, era, left, range }: InEra): number[] {
  const [first, ...others] = [...terms].sort((a, b) => a.whats.length - b.whats.length);
  if (!first) return [];
  const also = others
    .map(
      ({ whats }) => `and exists (select 1 from ${table} x where x.era = m.era and x.scope = ?
         and x.what in (${whats.map(() => '?').join(', ')}) and x.block = m.block)`,
    )
    .join(' ');
  const found = first.whats.flatMap((what) =>
    db.all<{ block: number }>(
      `select m.block as block from ${table} m
       where m.era = ? and m.scope = ? and m.what = ? and m.block between ? and ? ${also}
       order by m.block desc limit ?`,
      era,
      first.scope,
      what,
      range.least,
      range.most,
      ...others.flatMap((term) => [term.scope, ...term.whats]),
      left,
    ),
  );
  const blocks = [...new Set(found.map(({ block }) => block))];
  return blocks.sort((a, b) => b - a).slice(0, left);
}
