import { isWithin } from '../log-filter.ts';
import type { AttemptRow, DeliveryRow, EventRow, Page } from '../store.ts';
import type { Database } from './database.ts';
import type { Hits, HitsQuery } from './derived/searching.ts';
import { readDeliveries } from './event-deliveries.ts';
import { EventPage, type ReadEvent } from './event-page.ts';
import { type Finder, NO_FINDER, type Reach } from './finder.ts';
import type { EventKey } from './keys.ts';
import { eventSpan, eventTerms, type Narrow, Where } from './narrow.ts';
import type { Range } from './ranges.ts';
import {
  cursorRow,
  EVENT_COLUMNS,
  EVENT_JOINS,
  type EventColumns,
  pageOf,
  toAttempt,
  toEvent,
} from './rows.ts';
import { begunWithin, scanAttempts, scanEvents } from './scan.ts';

/** Hits that one page looks at; the other filters are asked of each. */
const HITS_MAX = 1000;
const HITS_PER_READ = 200;

/**
 * Lists by text or subject: the index gives events, newest first, and each list shows what the events
 * have of its kind.
 */
export class SqliteSearch {
  readonly #db: Database;
  readonly #finder: Finder;

  constructor(db: Database, finder: Finder) {
    this.#db = db;
    this.#finder = finder;
  }

  /** The query asks for something that the index knows. */
  serves({ query, event }: Narrow): boolean {
    if (event || !this.#finder.searches) return false;
    return query.text !== undefined || query.subject !== undefined;
  }

  events(narrow: Narrow): Page<EventRow> {
    const span = eventSpan(narrow.query);
    return this.#each({ narrow, span }, (row) => {
      const fits = isWithin(row.created_at, narrow.query);
      return { items: fits ? [toEvent(row)] : [], next: undefined };
    });
  }

  deliveries(narrow: Narrow): Page<DeliveryRow> {
    const span = eventSpan(narrow.query);
    return this.#each({ narrow, span }, (event, at) =>
      readDeliveries(this.#db, event, { narrow, ...at }),
    );
  }

  attempts(narrow: Narrow): Page<AttemptRow> {
    const found = { ...begunWithin(narrow.query), finder: this.#finder };
    // Nothing is attempted before it is stored, but long after.
    const span = eventSpan({ to: narrow.query.to });
    return this.#each({ narrow, span }, ({ seq, rest }, { inside, limit }) => {
      const ofEvent = { ...narrow, event: { seq, rest } };
      const scan = { ...found, before: cursorRow(inside), limit };
      return pageOf(scanAttempts(this.#db, ofEvent, scan), toAttempt);
    });
  }

  #each<T>(
    { narrow, span }: { readonly narrow: Narrow; readonly span: Range },
    read: ReadEvent<T>,
  ): Page<T> {
    const reach = this.#finder.reach();
    // Subjects are looked up in the log itself where the index ends.
    const searchedTo = narrow.query.text === undefined ? undefined : reach.searchedTo;
    const outcomes = narrow.query.text !== undefined && searchedTo === undefined;
    const page = new EventPage<T>(narrow.query);
    const { items } = page;
    let { before } = page;
    for (let looked = 0; looked < HITS_MAX; ) {
      const end = Math.min(before ?? Number.MAX_SAFE_INTEGER, span.before);
      const ask = { least: span.least, before: end, limit: HITS_PER_READ, outcomes };
      const hits = this.#hits(narrow, ask, reach);
      const full = page.fill(this.#events(narrow, hits.seqs), read);
      if (full !== undefined) return { items, next: full, searchedTo };
      if (hits.next === undefined) return { items, next: undefined, searchedTo };
      before = hits.next;
      looked += hits.seqs.length;
      // It stopped by itself: enough was looked at.
      if (hits.seqs.length < HITS_PER_READ) break;
    }
    return { items, next: String(before), searchedTo };
  }

  #hits(narrow: Narrow, ask: HitsQuery, { from }: Reach): Hits {
    if (narrow.query.text !== undefined || from === undefined || ask.before <= from) {
      return this.#finder.hits(narrow, ask);
    }
    const { query } = narrow;
    const subject = { ...narrow, query: { ...query, from: undefined, to: undefined } };
    const ranges = (_: Narrow, before: number | undefined) => ({
      ranges: [{ least: Math.max(from, ask.least), before: before ?? ask.before }],
      next: undefined,
    });
    const finder = { ...NO_FINDER, eventRanges: ranges };
    const tail = scanEvents(this.#db, subject, { before: ask.before, limit: ask.limit, finder });
    const seqs = tail.rows.map(({ seq }) => seq);
    if (tail.next !== undefined) return { seqs, next: tail.next };
    const rest = { ...ask, before: from, limit: ask.limit - seqs.length };
    if (rest.limit === 0 || from <= ask.least) return { seqs, next: from };
    const hits = this.#finder.hits(narrow, rest);
    return { seqs: [...seqs, ...hits.seqs], next: hits.next };
  }

  /** The one event that is asked for has the words, too, and is not erased. */
  has(narrow: Narrow, { seq }: EventKey): boolean {
    this.#finder.reach();
    const one = { least: seq, before: seq + 1, limit: 1, outcomes: false };
    return this.#events(narrow, this.#finder.hits(narrow, one).seqs).length > 0;
  }

  /** Those that are there and fit, newest first. */
  #events(narrow: Narrow, seqs: readonly number[]): EventColumns[] {
    const where = new Where();
    where.add('e.tenant = ? and e.erased_at is null', narrow.tenant);
    eventTerms(where, narrow, 'e.type');
    return this.#db.all<EventColumns>(
      `select ${EVENT_COLUMNS} from json_each(?) f cross join event e on e.seq = f.value
       ${EVENT_JOINS} where ${where.sql} order by e.seq desc`,
      JSON.stringify(seqs),
      ...where.values,
    );
  }
}
