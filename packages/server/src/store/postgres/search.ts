import type { EventId } from '../../core/model.ts';
import type { AttemptRow, DeliveryRow, EventRow, LogQuery, Page } from '../store.ts';
import { int8s, texts, uuid, uuidAt, uuids } from './arrays.ts';
import type { Database } from './database.ts';
import { numberOf, type PgDeliveries } from './deliveries.ts';
import {
  ATTEMPT_COLUMNS,
  ATTEMPT_JOINS,
  type AttemptColumns,
  EVENT_COLUMNS,
  type EventColumns,
  pageOf,
  toAttempt,
  toEvent,
} from './rows.ts';
import { AHEAD_MS, attemptFilter, eventFilter, type Narrow, type Scanned } from './scan.ts';
import type { PgIndex } from './search-index.ts';
import { matchOf } from './search-terms.ts';
import { Where } from './where.ts';

/** Hits that one page looks at; the other filters are asked of each. */
const HITS_MAX = 1000;
const HITS_PER_READ = 200;
/** So long one page looks for them, and into so many volumes; then it says where to go on. */
const TIME_MAX_MS = 100;
const VOLUMES_MAX = 1000;
const VOLUMES_PER_READ = 32;

interface Search {
  readonly narrow: Narrow;
  /** When events were stored that can fit. */
  readonly within: Pick<LogQuery, 'from' | 'to'>;
  /** What their ids lie between; `before` is not one of them. */
  readonly least: Uint8Array;
  readonly before: Uint8Array;
  /** All attempts are in the index, so how they ended can be asked of it. */
  readonly outcomes: boolean;
}

interface Hits {
  /** Newest first. */
  readonly ids: readonly EventId[];
  /** Events before it come next; undefined = that is all. */
  readonly next: EventId | undefined;
}

interface Volume {
  readonly n: number;
  readonly first: EventId;
}

/**
 * Lists by text: the index gives events, newest first, and each list shows what the events have of its
 * kind.
 */
export class PgSearch {
  readonly #db: Database;
  readonly #index: PgIndex;

  constructor(db: Database, index: PgIndex) {
    this.#db = db;
    this.#index = index;
  }

  events(narrow: Narrow): Promise<Page<EventRow>> {
    const { query } = narrow;
    return this.#page(narrow, query, async (search) =>
      pageOf(await this.#events(search, query.cursor, query.limit), toEvent),
    );
  }

  deliveries(narrow: Narrow, lists: PgDeliveries): Promise<Page<DeliveryRow>> {
    return this.#page(narrow, narrow.query, (search) =>
      lists.byEvent(narrow, (before, limit) => this.#events(search, before, limit)),
    );
  }

  attempts(narrow: Narrow): Promise<Page<AttemptRow>> {
    // Nothing is attempted before it is stored, but long after.
    return this.#page(narrow, { to: narrow.query.to }, (search) => this.#attempts(search));
  }

  async #page<T>(
    narrow: Narrow,
    within: Search['within'],
    read: (search: Search) => Promise<Page<T>>,
  ): Promise<Page<T>> {
    const { upTo: searchedTo } = await this.#index.catchUp();
    const { from, to } = within;
    const search = {
      narrow,
      within,
      least: uuidAt(from ?? 0),
      before: to === undefined ? LAST : uuidAt(to + AHEAD_MS),
      outcomes: searchedTo === undefined,
    };
    return { ...(await read(search)), searchedTo };
  }

  /** Up to `limit` events that fit. */
  async #events(
    search: Search,
    cursor: string | undefined,
    limit: number,
  ): Promise<Scanned<EventColumns, EventId>> {
    const rows: EventColumns[] = [];
    let before = cursor as EventId | undefined;
    for (let looked = 0; looked < HITS_MAX; ) {
      const hits = await this.#hits(search, before);
      rows.push(...(await this.#read(search, hits.ids)));
      if (rows.length > limit) return { rows: rows.slice(0, limit), next: rows[limit - 1]?.id };
      if (hits.next === undefined) return { rows, next: undefined };
      before = hits.next;
      looked += hits.ids.length;
      // It stopped by itself: enough was looked at.
      if (hits.ids.length < HITS_PER_READ) break;
    }
    return { rows, next: before };
  }

  async #hits(search: Search, cursor: EventId | undefined): Promise<Hits> {
    const before = cursor === undefined ? search.before : earlier(uuid(cursor), search.before);
    const { event } = search.narrow;
    if (event) {
      const volumes = await this.#volumes(uuid(event.id), 1);
      return { ids: await this.#hitsIn(search, before, volumes), next: undefined };
    }
    const volumes = await this.#volumes(before, VOLUMES_MAX);
    const ids: EventId[] = [];
    const started = performance.now();
    for (let i = 0; i < volumes.length; i += VOLUMES_PER_READ) {
      const some = volumes.slice(i, i + VOLUMES_PER_READ);
      if (performance.now() - started > TIME_MAX_MS) return { ids, next: volumes[i - 1]?.first };
      ids.push(...(await this.#hitsIn(search, before, some)));
      if (ids.length >= HITS_PER_READ) break;
      if (Buffer.compare(uuid(some.at(-1)?.first ?? ''), search.least) <= 0) {
        return { ids, next: undefined };
      }
    }
    const found = ids.slice(0, HITS_PER_READ);
    // The oldest volume begins before everything: short of it there are more.
    return {
      ids: found,
      next: found.length < HITS_PER_READ ? volumes.at(-1)?.first : found.at(-1),
    };
  }

  /** Newest first. */
  #volumes(before: Uint8Array, limit: number): Promise<Volume[]> {
    return this.#db.reads.all<Volume>(
      'select n, first from doc_volume where first <= $1 order by first desc limit $2',
      before,
      limit,
    );
  }

  /**
   * A lateral join goes through its left side in order, so the first volumes that fill a page are the
   * last ones looked into. `offset 0` leaves the words as the only way to the events, whatever the
   * server believes of the others.
   */
  async #hitsIn(
    { narrow, least, outcomes }: Search,
    before: Uint8Array,
    volumes: readonly Volume[],
  ): Promise<EventId[]> {
    const { query, slot, event } = narrow;
    const matches = volumes.map(({ n }) => matchOf({ n, tenant: query.tenant }, query, outcomes));
    const where = new Where().add('f.tenant = ? and f.slot = ?', query.tenant, slot);
    where.add('f.id >= ? and f.id < ?', least, before);
    if (event) where.add('f.id = ?', uuid(event.id));
    const [list, most] = [where.value(texts(matches)), where.value(HITS_PER_READ)];
    const rows = await this.#db.derived.all<{ id: EventId }>(
      `select h.id from unnest(${list}::text[]) v(match) cross join lateral (
         select f.id from (select * from doc d where d.terms @@ v.match::tsquery offset 0) f
         where ${where.sql} order by f.id desc limit ${most}) h limit ${most}`,
      ...where.values,
    );
    return rows.map(({ id }) => id);
  }

  /** Those that are there and fit, newest first. */
  async #read({ narrow, within }: Search, ids: readonly EventId[]): Promise<EventColumns[]> {
    if (ids.length === 0) return [];
    const { query, slot } = narrow;
    const where = new Where().add('e.slot = ? and e.tenant = ?', slot, query.tenant);
    where.add('e.erased_at is null');
    eventFilter(where, { ...query, from: within.from, to: within.to });
    const list = where.value(uuids(ids));
    return this.#db.reads.all<EventColumns>(
      `select ${EVENT_COLUMNS} from unnest(${list}::uuid[]) u(id) join event e on e.id = u.id
       where ${where.sql} order by e.id desc`,
      ...where.values,
    );
  }

  /** The cursor is the last event shown, and the last of its attempts if there may be more of them. */
  async #attempts(search: Search): Promise<Page<AttemptRow>> {
    const { cursor, limit } = search.narrow.query;
    const [under, inside] = cursor?.split('.') ?? [];
    const events = await this.#events(search, under, HITS_PER_READ);
    const places = events.rows.map(({ id }) => ({ id, before: Number.MAX_SAFE_INTEGER }));
    if (under !== undefined && inside !== undefined) {
      places.unshift({ id: under as EventId, before: numberOf(inside) ?? 0 });
    }
    const rows = await this.#attemptsOf(search, places);
    const last = rows[limit - 1];
    const next = rows.length > limit && last ? `${last.event}.${last.seq}` : events.next;
    return { items: rows.slice(0, limit).map(toAttempt), next };
  }

  /** Of each event the newest first; one more than a page. */
  #attemptsOf(
    { narrow }: Search,
    places: readonly { readonly id: EventId; readonly before: number }[],
  ): Promise<AttemptColumns[]> {
    const { from, to, limit } = narrow.query;
    const where = attemptFilter(narrow);
    where.add('a.slot = ? and a.tenant = ?', narrow.slot, narrow.query.tenant);
    if (from !== undefined) where.add('a.started_at >= ?', from);
    if (to !== undefined) where.add('a.started_at < ?', to);
    const ids = where.value(uuids(places.map(({ id }) => id)));
    const befores = where.value(int8s(places.map(({ before }) => before)));
    const most = where.value(limit + 1);
    return this.#db.reads.all<AttemptColumns>(
      `select a.* from unnest(${ids}::uuid[], ${befores}::bigint[]) u(id, before)
       cross join lateral (
         select ${ATTEMPT_COLUMNS} from attempt a ${ATTEMPT_JOINS}
         where a.event = u.id and a.seq < u.before and ${where.sql}
         order by a.seq desc limit ${most}) a limit ${most}`,
      ...where.values,
    );
  }
}

const LAST = Buffer.alloc(16, 0xff);

function earlier(a: Uint8Array, b: Uint8Array): Uint8Array {
  return Buffer.compare(a, b) < 0 ? a : b;
}
