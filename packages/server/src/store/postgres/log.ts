import type { AttemptId, EventId, Ms } from '../../core/model.ts';
import { ASLEEP, LANE_PARTS } from '../../core/model.ts';
import { slotOf, spansTenants } from '../../core/routing.ts';
import {
  FLAG_SAME_BODY,
  FLAG_SEALED,
  FLAG_TRUNCATED,
  headsPlace,
  parseTimings,
  requestLine,
} from '../log-format.ts';
import { attemptKey } from '../sqlite/keys.ts';
import type {
  AttemptRow,
  DeliveryRow,
  Erased,
  Erasure,
  EventRow,
  LogQuery,
  LogStore,
  MaintenanceReport,
  Page,
  RetentionPolicy,
  StoreStats,
  Tail,
  WholeAttempt,
} from '../store.ts';
import { int2s, texts, uuid } from './arrays.ts';
import type { Context } from './context.ts';
import { numberOf, PgDeliveries } from './deliveries.ts';
import { eraseEvent } from './erase-event.ts';
import { Horizon } from './horizon.ts';
import { joinBody } from './lanes.ts';
import type { Maintenance } from './maintain.ts';
import { partitionOf } from './partitions.ts';
import {
  ATTEMPT_COLUMNS,
  ATTEMPT_JOINS,
  type AttemptColumns,
  createdOf,
  EVENT_COLUMNS,
  type EventColumns,
  pageOf,
  toAttempt,
  toEvent,
} from './rows.ts';
import { narrowed, scanAttempts, scanEvents } from './scan.ts';
import type { PgSearch } from './search.ts';
import { Where } from './where.ts';

/** Lists and single reads, on connections of their own. */
export class PgLog implements LogStore {
  readonly #ctx: Context;
  readonly #deliveries: PgDeliveries;
  readonly #maintenance: Maintenance;
  readonly #search: PgSearch | undefined;
  readonly #horizon: Horizon;

  /** `search`: undefined = no text index is kept. */
  constructor(ctx: Context, maintenance: Maintenance, search: PgSearch | undefined) {
    this.#ctx = ctx;
    this.#search = search;
    this.#deliveries = new PgDeliveries(ctx.db.reads);
    this.#maintenance = maintenance;
    this.#horizon = new Horizon(ctx.db, 'attempt_seq');
  }

  async events(query: LogQuery): Promise<Page<EventRow>> {
    const narrow = await narrowed(this.#ctx.db.reads, query);
    if (!narrow) return { items: [], next: undefined };
    if (this.#search && query.text !== undefined) return this.#search.events(narrow);
    const at = { before: query.cursor, limit: query.limit };
    return pageOf(await scanEvents(this.#ctx.db.reads, narrow, at), toEvent);
  }

  async event(tenant: string, id: EventId): Promise<(EventRow & { data: Uint8Array }) | undefined> {
    const row = await this.#ctx.db.reads.get<EventColumns & { data: Uint8Array }>(
      `select ${EVENT_COLUMNS}, e.data from event e where e.slot = $1 and e.id = $2 and e.tenant = $3`,
      slotOf(tenant),
      uuid(id),
      tenant,
    );
    return row && { ...toEvent(row), data: row.data };
  }

  async attempts(query: LogQuery): Promise<Page<AttemptRow>> {
    const narrow = await narrowed(this.#ctx.db.reads, query);
    if (!narrow) return { items: [], next: undefined };
    if (this.#search && query.text !== undefined) return this.#search.attempts(narrow);
    const more = new Where();
    if (query.from !== undefined) more.add('a.started_at >= ?', query.from);
    if (query.to !== undefined) more.add('a.started_at < ?', query.to);
    const scan = { more, before: numberOf(query.cursor), limit: query.limit };
    return pageOf(await scanAttempts(this.#ctx.db.reads, narrow, scan), toAttempt);
  }

  async tail(tenant: string, after: string | undefined, limit: number): Promise<Tail> {
    const { reads } = this.#ctx.db;
    const { final } = await this.#horizon.look();
    const from = after === undefined ? final : Number(after);
    if (!(from <= final)) return { items: [], place: String(final), missed: true, behind: 0 };
    const gone = await reads.get<{ value: string }>(
      "select value from meta where key = 'log_removed_to'",
    );
    const missed = Number(gone?.value ?? 0) > from;
    const rows = await reads.all<AttemptColumns>(
      `select ${ATTEMPT_COLUMNS} from attempt a ${ATTEMPT_JOINS}
       where a.slot = $1 and a.tenant = $2 and a.seq > $3 and a.seq <= $4 order by a.seq limit $5`,
      slotOf(tenant),
      tenant,
      from,
      final,
      limit,
    );
    const place = rows.length < limit ? final : (rows.at(-1)?.seq ?? final);
    const items = rows.map((row) => ({ place: String(row.seq), row: toAttempt(row) }));
    return { items, place: String(place), missed, behind: final - place };
  }

  async deliveries(query: LogQuery): Promise<Page<DeliveryRow>> {
    const narrow = await narrowed(this.#ctx.db.reads, query);
    if (!narrow) return { items: [], next: undefined };
    if (!this.#search || query.text === undefined) return this.#deliveries.list(narrow);
    return this.#search.deliveries(narrow, this.#deliveries);
  }

  async attempt(tenant: string, id: AttemptId): Promise<WholeAttempt | undefined> {
    const key = attemptKey(id);
    if (!key) return undefined;
    const row = await this.#ctx.db.reads.get<WholeColumns>(
      `select ${ATTEMPT_COLUMNS}, a.remote, a.url, a.req_head, a.body_before, a.body_after,
         a.res_head, a.res_body
       from attempt a ${ATTEMPT_JOINS}
       where a.slot = $1 and a.tenant = $2 and a.seq = $3 and a.started_at = $4`,
      slotOf(tenant),
      tenant,
      key.seq,
      key.startedAt,
    );
    if (!row) return undefined;
    const about = toAttempt(row);
    const head = (sealed: Uint8Array | null): Uint8Array => {
      if (!sealed || sealed.length === 0) return new Uint8Array();
      if ((row.flags & FLAG_SEALED) === 0) return sealed;
      return this.#ctx.vault.open(sealed, headsPlace({ ...about, lane: row.lane }));
    };
    const requestHead = head(row.req_head);
    return {
      row: about,
      timings: parseTimings(row.timings),
      remoteAddress: row.remote ?? undefined,
      ...requestLine(requestHead, row),
      requestHead,
      requestBody: await this.#body(row),
      responseHead: head(row.res_head),
      responseBody: row.res_body ?? new Uint8Array(),
      responseTruncated: (row.flags & FLAG_TRUNCATED) !== 0,
    };
  }

  async #body(row: WholeColumns): Promise<Uint8Array> {
    const { reads } = this.#ctx.db;
    let first: Pick<WholeColumns, 'flags' | 'body_before' | 'body_after'> | undefined = row;
    if (row.flags & FLAG_SAME_BODY) {
      first = await reads.get<WholeColumns>(
        `select flags, body_before, body_after from attempt
         where slot = $1 and event = $2 and lane = $3 and run = $4 and body_before is not null
         and seq < $5 order by seq limit 1`,
        row.slot,
        uuid(row.event),
        row.lane,
        row.run,
        row.seq,
      );
    }
    if (!first?.body_before) return new Uint8Array();
    const event = await reads.get<{ data: Uint8Array }>(
      'select data from event where slot = $1 and id = $2',
      row.slot,
      uuid(row.event),
    );
    const { flags, body_before: before, body_after: after } = first;
    return joinBody({ flags, before, after }, event?.data ?? new Uint8Array());
  }

  async stats(now: Ms): Promise<StoreStats> {
    const { reads } = this.#ctx.db;
    const [lanes, counts, newestAt, roomUntil] = await Promise.all([
      reads.get<{ awake: number; owned: number; oldest: Ms | null }>(
        `select count(*) filter (where owner is null) as awake,
           count(*) filter (where owner is not null) as owned,
           min(next_at) filter (where owner is null) as oldest
         from lane where owner is not null
           or (owner is null and not held and not closed and next_at < ${ASLEEP} and next_at <= $1)`,
        now,
      ),
      this.#counts(),
      this.#newestAt(),
      this.#ctx.partitions.until(now),
    ]);
    return {
      ...counts,
      newestAt,
      roomUntil,
      lanesAwake: lanes?.awake ?? 0,
      lanesHeld: lanes?.owned ?? 0,
      oldestDueAt: lanes?.oldest ?? undefined,
    };
  }

  /** Small tables are counted; of large ones the server knows well enough how many rows they have. */
  async #counts(): Promise<{ pending: number; events: number; attempts: number }> {
    const { reads } = this.#ctx.db;
    const tables = await reads.all<{ name: string; kind: string; bytes: number; rows: number }>(
      `select c.relname as name, coalesce(p.relname, c.relname) as kind,
         pg_relation_size(c.oid) as bytes,
         case when c.relpages > 0 and c.reltuples >= 0
           then (c.reltuples / c.relpages * pg_relation_size(c.oid) / 8192)::bigint else -1 end as rows
       from pg_class c left join pg_inherits i on i.inhrelid = c.oid
       left join pg_class p on p.oid = i.inhparent
       where c.relkind = 'r' and c.relnamespace = 'posthorn'::regnamespace
         and (c.relname = 'delivery' or p.relname in ('event', 'attempt'))`,
    );
    const sum = { delivery: 0, event: 0, attempt: 0 } as Record<string, number>;
    for (const { name, kind, bytes, rows } of tables) {
      if (bytes === 0) continue;
      const known = bytes > COUNTED_BYTES && rows >= 0;
      const counted = known ? rows : await this.#count(name);
      sum[kind] = (sum[kind] ?? 0) + counted;
    }
    return {
      pending: sum['delivery'] ?? 0,
      events: sum['event'] ?? 0,
      attempts: sum['attempt'] ?? 0,
    };
  }

  async #count(table: string): Promise<number> {
    const row = await this.#ctx.db.reads.get<{ n: number }>(`select count(*) as n from ${table}`);
    return row?.n ?? 0;
  }

  /** Time of the newest event's id, out of the newest partition that has any. */
  async #newestAt(): Promise<Ms> {
    const { reads } = this.#ctx.db;
    const days = [...(await this.#ctx.partitions.list())].sort((a, b) => b - a);
    for (const day of days) {
      const table = partitionOf('event', day);
      const row = await reads.get<{ id: EventId }>(
        `select e.id from generate_series(0, 255) s cross join lateral (
           select id from ${table} where slot = s order by id desc limit 1) e
         order by e.id desc limit 1`,
      );
      if (row) return createdOf(row.id);
    }
    return 0;
  }

  async pending(tenant: string): Promise<number> {
    const row = await this.#ctx.db.reads.get<{ owed: number }>(
      `select coalesce(sum(o.owed), 0)::bigint as owed from endpoint p cross join lateral (
         select count(*) as owed from (
           select 1 from delivery d where d.slot = $2
             and d.lane between p.number * ${LANE_PARTS} and p.number * ${LANE_PARTS} + ${LANE_PARTS - 1}
           limit ${PENDING_COUNTED_MAX}) x) o
       where p.tenant = $1 and not p.closed`,
      tenant,
      slotOf(tenant),
    );
    return row?.owed ?? 0;
  }

  async pendingOf(endpoints: Parameters<LogStore['pendingOf']>[0]): Promise<number[]> {
    const places = endpoints.flatMap((endpoint) =>
      (spansTenants(endpoint) ? ALL_SLOTS : [slotOf(endpoint.tenant)]).map((slot) => ({
        id: endpoint.id,
        slot,
      })),
    );
    const rows = await this.#ctx.db.reads.all<{ id: string; owed: number }>(
      `select p.id, sum(o.owed)::bigint as owed
       from unnest($1::text[], $2::smallint[]) u(id, slot) join endpoint p on p.id = u.id
       cross join lateral (select count(*) as owed from (
         select 1 from delivery d where d.slot = u.slot
           and d.lane between p.number * ${LANE_PARTS} and p.number * ${LANE_PARTS} + ${LANE_PARTS - 1}
         limit ${PENDING_COUNTED_MAX}) x) o
       group by p.id`,
      texts(places.map(({ id }) => id)),
      int2s(places.map(({ slot }) => slot)),
    );
    const owed = new Map(rows.map((row) => [row.id, row.owed]));
    return endpoints.map(({ id }) => owed.get(id) ?? 0);
  }

  erase(what: Erasure, now: Ms): Promise<Erased | undefined> {
    return eraseEvent(this.#ctx, what, now);
  }

  maintain(policy: RetentionPolicy, now: Ms): Promise<MaintenanceReport> {
    return this.#maintenance.step(policy, now);
  }
}

/** Counting more takes longer than anybody wants to wait. */
const PENDING_COUNTED_MAX = 100_000;
const ALL_SLOTS = Array.from({ length: 256 }, (_, slot) => slot);
const COUNTED_BYTES = 8 * 1024 * 1024;

interface WholeColumns extends AttemptColumns {
  readonly remote: string | null;
  readonly url: string | null;
  readonly req_head: Uint8Array | null;
  readonly body_before: Uint8Array | null;
  readonly body_after: Uint8Array | null;
  readonly res_head: Uint8Array | null;
  readonly res_body: Uint8Array | null;
}
