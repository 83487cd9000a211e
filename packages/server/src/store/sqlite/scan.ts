import { LANE_PARTS } from '../../core/model.ts';
import { STATES } from '../log-format.ts';
import type { LogQuery } from '../store.ts';
import type { Database, Value } from './database.ts';
import type { Finder } from './finder.ts';
import { eventSpan, eventTerms, type Narrow, Where } from './narrow.ts';
import { everywhere, type Range, type Ranges } from './ranges.ts';
import {
  ATTEMPT_COLUMNS,
  ATTEMPT_JOINS,
  type AttemptColumns,
  EVENT_COLUMNS,
  EVENT_JOINS,
  type EventColumns,
} from './rows.ts';

/**
 * Newest rows first, out of a bounded number: an index leads to the rows, the other filters are asked
 * of each, and a page that has looked at `SCAN_MAX` of them says where to go on.
 */

export const SCAN_MAX = 5000;

export interface Scanned<R> {
  readonly rows: R[];
  /** The key before which to go on; undefined = there are no more. */
  readonly next: number | undefined;
}

/** A range of an index: all rows for which `term` holds, in the order of their keys. */
interface Path {
  readonly index: string;
  readonly term: string;
  readonly values: readonly Value[];
}

interface Source {
  /** With the name that terms and columns use. */
  readonly table: 'attempt a' | 'event e';
  readonly columns: string;
  readonly joins: string;
  readonly path: Path;
  readonly filter: Where;
}

/** Over ranges of keys, newest first, as far as one page may look. */
function scan<R extends { readonly seq: number }>(
  db: Database,
  source: Source,
  { ranges: { ranges, next }, limit }: { readonly ranges: Ranges; readonly limit: number },
): Scanned<R> {
  const rows: R[] = [];
  for (const range of ranges) {
    // A full page does not look whether there is more.
    if (rows.length === limit) return { rows, next: rows.at(-1)?.seq };
    const found = scanRange<R>(db, source, { range, limit: limit - rows.length });
    rows.push(...found.rows);
    if (found.next !== undefined) return { rows, next: found.next };
  }
  return { rows, next };
}

function scanRange<R extends { readonly seq: number }>(
  db: Database,
  { table, columns, joins, path, filter }: Source,
  { range, limit }: { readonly range: Range; readonly limit: number },
): Scanned<R> {
  const seq = `${table.at(-1)}.seq`;
  const { least, before } = range;
  const place = `${path.term} and ${seq} < ? and ${seq} >= ?`;
  // Read from the index alone, which costs next to nothing. Without a filter every row fits anyway.
  const floor = filter.isEmpty
    ? undefined
    : db.get<{ seq: number }>(
        `select ${seq} as seq from ${table} indexed by ${path.index}
         where ${place} order by ${seq} desc limit 1 offset ${SCAN_MAX - 1}`,
        ...path.values,
        before,
        least,
      )?.seq;
  const rows = db.all<R>(
    `select ${columns} from ${table} indexed by ${path.index} ${joins}
     where ${place} and ${filter.sql} order by ${seq} desc limit ?`,
    ...path.values,
    before,
    floor ?? least,
    ...filter.values,
    limit + 1,
  );
  if (rows.length <= limit) return { rows, next: floor };
  return { rows: rows.slice(0, limit), next: rows[limit - 1]?.seq };
}

export interface Scan {
  /** Rows from this key on have been looked at. */
  readonly before: number | undefined;
  readonly limit: number;
  readonly finder: Finder;
}

export function scanEvents(
  db: Database,
  narrow: Narrow,
  { before, limit, finder }: Scan,
): Scanned<EventColumns> {
  const { query, event, tenant } = narrow;
  const filter = new Where();
  eventTerms(filter, narrow, 'e.type');
  if (query.from !== undefined) filter.add('e.created_at >= ?', query.from);
  if (query.to !== undefined) filter.add('e.created_at < ?', query.to);
  const path = { index: 'event_tenant', term: 'e.tenant = ?', values: [tenant] };
  const read = { table: 'event e', columns: EVENT_COLUMNS, joins: EVENT_JOINS } as const;
  const span = event ? { least: event.seq, before: event.seq + 1 } : eventSpan(query);
  const end = Math.min(before ?? Number.MAX_SAFE_INTEGER, span.before);
  const found = event ? everywhere(end) : finder.eventRanges(narrow, end);
  return scan(db, { ...read, path, filter }, { ranges: within(found, span.least), limit });
}

export interface AttemptScan extends Scan {
  /** What else must hold of an attempt. */
  readonly more: Where;
  /** When it can have begun. */
  readonly time: Pick<LogQuery, 'from' | 'to'>;
}

/** Those that began in the asked time. */
export function begunWithin({ from, to }: LogQuery): Pick<AttemptScan, 'more' | 'time'> {
  const more = new Where();
  if (from !== undefined) more.add('a.started_at >= ?', from);
  if (to !== undefined) more.add('a.started_at < ?', to);
  return { more, time: { from, to } };
}

export function scanAttempts(
  db: Database,
  narrow: Narrow,
  { more, before, time, limit, finder }: AttemptScan,
): Scanned<AttemptColumns> {
  const path = attemptPath(narrow);
  const filter = attemptFilter(narrow, path);
  if (!more.isEmpty) filter.add(more.sql, ...more.values);
  const read = { table: 'attempt a', columns: ATTEMPT_COLUMNS, joins: ATTEMPT_JOINS } as const;
  const ranges = narrow.event ? everywhere(before) : finder.attemptRanges(narrow, { before, time });
  return scan(db, { ...read, path, filter }, { ranges, limit });
}

function within({ ranges, next }: Ranges, least: number): Ranges {
  const cut = ranges
    .map((range) => ({ ...range, least: Math.max(range.least, least) }))
    .filter((range) => range.least < range.before);
  return { ranges: cut, next: next === undefined || next <= least ? undefined : next };
}

/** The index with the fewest rows to look at. */
function attemptPath({ query, event, number, tenant }: Narrow): Path {
  if (event) return { index: 'attempt_event', term: 'a.event = ?', values: [event.seq] };
  if (query.state === 'failed' || query.state === 'cancelled') {
    const term = 'a.tenant = ? and a.state in (2, 3)';
    return { index: 'attempt_failed', term, values: [tenant] };
  }
  if (number !== undefined) {
    return { index: 'attempt_endpoint', term: `a.lane / ${LANE_PARTS} = ?`, values: [number] };
  }
  return { index: 'attempt_tenant', term: 'a.tenant = ?', values: [tenant] };
}

/** Whatever the path does not say. */
function attemptFilter(narrow: Narrow, { index }: Path): Where {
  const { query, number, tenant } = narrow;
  const { state, status, fault } = query;
  const where = new Where();
  const byTenant = index === 'attempt_tenant' || index === 'attempt_failed';
  if (!byTenant) where.add('a.tenant = ?', tenant);
  if (number !== undefined && index !== 'attempt_endpoint') {
    where.add(`a.lane / ${LANE_PARTS} = ?`, number);
  }
  eventTerms(where, narrow, 'a.type');
  if (state !== undefined) where.add('a.state = ?', STATES.indexOf(state));
  if (status !== undefined) where.add('a.status between ? and ?', status.least, status.most);
  if (fault !== undefined) where.add('a.fault = ?', fault);
  return where;
}
