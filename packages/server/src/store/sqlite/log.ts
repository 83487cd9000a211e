import type { AttemptId, EventId, Ms } from '../../core/model.ts';

import {
  FLAG_SAME_BODY,
  FLAG_SEALED,
  FLAG_SPLICED,
  FLAG_TRUNCATED,
  headsPlace,
  parseTimings,
  requestLine,
} from '../log-format.ts';
import {
  type AttemptRow,
  type DeliveryRow,
  type EventRow,
  type LogQuery,
  type Page,
  StoreError,
  type Tail,
  type WholeAttempt,
} from '../store.ts';
import type { Vault } from '../vault.ts';
import type { Database } from './database.ts';
import { SqliteDeliveries } from './deliveries.ts';
import { type Finder, NO_FINDER } from './finder.ts';
import { attemptKey, eventKey, timeOfSeq } from './keys.ts';
import { type Narrow, narrowed } from './narrow.ts';
import {
  ATTEMPT_COLUMNS,
  ATTEMPT_JOINS,
  type AttemptColumns,
  cursorRow,
  EVENT_COLUMNS,
  EVENT_JOINS,
  type EventColumns,
  pageOf,
  toAttempt,
  toEvent,
} from './rows.ts';
import { begunWithin, scanAttempts, scanEvents } from './scan.ts';
import { SqliteSearch } from './search.ts';

/** Lists and single reads, on a connection of their own: no list waits for a commit or delays one. */
export class SqliteLogReader {
  readonly #db: Database;
  readonly #vault: Vault;
  readonly #finder: Finder;
  readonly #search: SqliteSearch;
  readonly #deliveries: SqliteDeliveries;

  constructor(db: Database, vault: Vault, finder: Finder = NO_FINDER) {
    this.#db = db;
    this.#vault = vault;
    this.#finder = finder;
    this.#search = new SqliteSearch(db, finder);
    this.#deliveries = new SqliteDeliveries(db, finder);
  }

  async events(query: LogQuery): Promise<Page<EventRow>> {
    const narrow = this.#narrowed(query);
    if (!narrow) return { items: [], next: undefined };
    if (this.#search.serves(narrow)) return this.#search.events(narrow);
    const before = cursorRow(query.cursor);
    const scan = { before, limit: query.limit, finder: this.#finder };
    return pageOf(scanEvents(this.#db, narrow, scan), toEvent);
  }

  async event(tenant: string, id: EventId): Promise<(EventRow & { data: Uint8Array }) | undefined> {
    const key = eventKey(id);
    if (!key) return undefined;
    const row = this.#db.get<EventColumns & { data: Uint8Array }>(
      `select ${EVENT_COLUMNS}, e.data as data from event e ${EVENT_JOINS}
       where e.seq = ? and e.rest = ? and t.text = ?`,
      key.seq,
      key.rest,
      tenant,
    );
    return row && { ...toEvent(row), data: row.data };
  }

  async attempts(query: LogQuery): Promise<Page<AttemptRow>> {
    const narrow = this.#narrowed(query);
    if (!narrow) return { items: [], next: undefined };
    if (this.#search.serves(narrow)) return this.#search.attempts(narrow);
    const before = cursorRow(query.cursor);
    const scan = { ...begunWithin(query), before, limit: query.limit, finder: this.#finder };
    return pageOf(scanAttempts(this.#db, narrow, scan), toAttempt);
  }

  async tail(tenant: string, after: string | undefined, limit: number): Promise<Tail> {
    const last = this.#db.get<{ seq: number | null }>('select max(seq) as seq from attempt')?.seq;
    const head = Math.max(last ?? 0, this.#removedTo());
    const from = after === undefined ? head : (cursorRow(after) ?? 0);
    if (from > head) return { items: [], place: String(head), missed: true, behind: 0 };
    const rows = this.#db.all<AttemptColumns>(
      `select ${ATTEMPT_COLUMNS} from attempt a indexed by attempt_tenant ${ATTEMPT_JOINS}
       where a.tenant = (select number from word where text = ?) and a.seq > ? and a.seq <= ?
       order by a.seq limit ?`,
      tenant,
      from,
      head,
      limit,
    );
    const place = rows.length < limit ? head : (rows.at(-1)?.seq ?? head);
    const items = rows.map((row) => ({ place: String(row.seq), row: toAttempt(row) }));
    // Asked last: what is removed while the rows are read is told as well.
    const missed = this.#removedTo() > from;
    return { items, place: String(place), missed, behind: head - place };
  }

  #removedTo(): number {
    const sql = "select value from meta where key = 'attempt_removed'";
    return this.#db.get<{ value: number }>(sql)?.value ?? 0;
  }

  async attempt(tenant: string, id: AttemptId): Promise<WholeAttempt | undefined> {
    const key = attemptKey(id);
    if (!key) return undefined;
    const row = this.#db.get<WholeColumns>(
      `select ${ATTEMPT_COLUMNS}, a.remote as remote, a.url as url,
         a.req_head as req_head, a.body_before as body_before, a.body_after as body_after,
         a.res_head as res_head, a.res_body as res_body
       from attempt a ${ATTEMPT_JOINS} where a.seq = ? and a.started_at = ? and t.text = ?`,
      key.seq,
      key.startedAt,
      tenant,
    );
    if (!row) return undefined;
    const about = toAttempt(row);
    const head = (sealed: Uint8Array | null): Uint8Array => {
      if (!sealed || sealed.length === 0) return new Uint8Array();
      if ((row.flags & FLAG_SEALED) === 0) return sealed;
      return this.#vault.open(sealed, headsPlace({ ...about, lane: row.lane }));
    };
    const requestHead = head(row.req_head);
    return {
      row: about,
      timings: parseTimings(row.timings),
      remoteAddress: row.remote ?? undefined,
      ...requestLine(requestHead, row),
      requestHead,
      requestBody: this.#body(row),
      responseHead: head(row.res_head),
      responseBody: row.res_body ?? new Uint8Array(),
      responseTruncated: (row.flags & FLAG_TRUNCATED) !== 0,
    };
  }

  #body(row: WholeColumns): Uint8Array {
    if (row.flags & FLAG_SAME_BODY) {
      const first = this.#db.get<WholeColumns>(
        `select event, flags, body_before, body_after from attempt
         where event = ? and slot = ? and lane = ? and run = ? and body_before is not null
         and seq < ? order by seq limit 1`,
        row.event,
        row.slot,
        row.lane,
        row.run,
        row.seq,
      );
      return first ? this.#body(first) : new Uint8Array();
    }
    const before = row.body_before ?? new Uint8Array();
    if ((row.flags & FLAG_SPLICED) === 0) return before;
    const data = this.#db.get<{ data: Uint8Array }>(
      'select data from event where seq = ?',
      row.event,
    )?.data;
    return Buffer.concat([before, data ?? new Uint8Array(), row.body_after ?? new Uint8Array()]);
  }

  async deliveries(query: LogQuery): Promise<Page<DeliveryRow>> {
    const narrow = this.#narrowed(query);
    if (!narrow) return { items: [], next: undefined };
    if (this.#search.serves(narrow)) return this.#search.deliveries(narrow);
    return this.#deliveries.list(narrow);
  }

  /** undefined = nothing fits. */
  #narrowed(query: LogQuery): Narrow | undefined {
    if (query.text !== undefined && !this.#finder.searches) {
      throw new StoreError('unavailable', 'Text search is switched off.');
    }
    const narrow = narrowed(this.#db, query);
    if (!narrow?.event || query.text === undefined) return narrow;
    return this.#search.has(narrow, narrow.event) ? narrow : undefined;
  }

  /** Attempts are counted from the first row to the last: exact until housekeeping leaves gaps. */
  counts(): { attempts: number; newestAt: Ms } {
    const row = this.#db.get<{ first: number | null; last: number | null; event: number | null }>(
      // One by one each is a step into a tree; together they would be a walk through it.
      `select (select min(seq) from attempt) as first, (select max(seq) from attempt) as last,
         (select max(seq) from event) as event`,
    );
    const { first = null, last = null, event = null } = row ?? {};
    return {
      attempts: first === null || last === null ? 0 : last - first + 1,
      newestAt: event === null ? 0 : timeOfSeq(event),
    };
  }
}

interface WholeColumns extends AttemptColumns {
  readonly remote: string | null;
  readonly url: string | null;
  readonly req_head: Uint8Array | null;
  readonly body_before: Uint8Array | null;
  readonly body_after: Uint8Array | null;
  readonly res_head: Uint8Array | null;
  readonly res_body: Uint8Array | null;
}
