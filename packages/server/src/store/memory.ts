import type { IdFactory } from '../core/ids.ts';
import { decodeId, timeOfId } from '../core/ids.ts';
import type { Endpoint, EndpointId, EventId, Ms } from '../core/model.ts';
import { ASLEEP, LANE_PARTS } from '../core/model.ts';
import { numberOfLane, slotOf } from '../core/routing.ts';
import { LaneBook, type LaneEntry } from './lane-book.ts';
import {
  type AttemptRecord,
  type AttemptRow,
  type Completed,
  type Completion,
  type ConfigChange,
  type ConfigItem,
  type DeliveryKey,
  type DeliveryRow,
  type Due,
  type EventRow,
  type IngestedEvent,
  type IngestReply,
  type IngestRequest,
  type LaneCommand,
  type LogQuery,
  type NewEvent,
  type Next,
  type Page,
  type Result,
  type SentBody,
  type Store,
  StoreError,
} from './store.ts';

/**
 * The store as plain maps: what the other engines must be equal to. It keeps nothing and limits
 * little; tests and the simulation of the scheduler run on it.
 */
export function createMemoryStore(options: { ids: IdFactory; laneMax?: number }): Store {
  const model = new MemoryModel(options.ids, options.laneMax ?? 1_000_000);
  return {
    lanes: {
      join: async (_info, ttlMs, now) => model.book.join(ttlMs, now),
      heartbeat: async (node, ttlMs, now) => model.book.heartbeat(node, ttlMs, now),
      leave: async (node, now) => model.book.leave(node, now),
      reap: async (now) => model.reap(now),
      ingest: async (batch, version, now) => batch.map((r) => model.ingest(r, version, now)),
      acquire: async (node, max, now) => model.book.acquire(node, max, now),
      fetch: async (cursors, now) =>
        cursors.flatMap(({ slot, lane, after, limit }) =>
          model
            .rows({ slot, lane })
            .filter((row) => row.dueAt <= now && (!after || compareKeys(row, after) > 0))
            .slice(0, limit)
            .map((row) => ({ ...row })),
        ),
      load: async (rows) =>
        rows.map((row) => ({
          event: model.events.get(row.event),
          frozen: row.attempt > 0 ? model.body(row) : undefined,
        })),
      start: async (_node, key) => {
        const row = model.find(key);
        if (row) model.replace(row, { ...row, starts: row.starts + 1 });
      },
      complete: async (node, work, now) => model.complete(work, { node, now }),
      command: async (commands, now) => commands.map((c) => model.command(c, now)),
      requeue: async (what, now) =>
        what.map(({ slot, lane, event }) => model.requeue({ slot, lane, event }, now)),
    },
    config: {
      put: async (changes) => model.put(changes),
      changes: async (since, limit) => {
        const items = [...model.items.values()]
          .filter((item) => item.version > since)
          .sort((a, b) => a.version - b.version)
          .slice(0, limit);
        return { version: items.at(-1)?.version ?? since, items };
      },
      read: async (kind, id) => {
        const item = model.items.get(`${kind}/${id}`);
        return item?.value === null ? undefined : item;
      },
      list: async (kind, { tenant, limit, after }) => {
        const all = [...model.items.values()]
          .filter((i) => i.kind === kind && i.value !== null)
          .filter((i) => (tenant === undefined || i.tenant === tenant) && (!after || i.id < after))
          .sort((a, b) => (a.id < b.id ? 1 : -1));
        const items = all.slice(0, limit);
        return { items, next: all.length > limit ? items.at(-1)?.id : undefined };
      },
    },
    log: {
      events: async (query) => page(model.eventRows(query), query),
      event: async (tenant, id) => {
        const event = model.events.get(id);
        return event?.tenant === tenant
          ? { ...model.eventRow(event), data: event.data }
          : undefined;
      },
      deliveries: async (query) => page(model.deliveryRows(query), query),
      attempts: async (query) => page(model.attemptRows(query), query),
      attempt: async (tenant, id) => {
        const found = model.attempts.find((a) => a.row.id === id && a.row.tenant === tenant);
        if (!found) return undefined;
        const { row, record } = found;
        const { timings, remoteAddress, method, url, requestHead, responseHead } = record;
        const { responseBody, responseTruncated } = record;
        return {
          row,
          timings,
          remoteAddress,
          method,
          url,
          requestHead,
          requestBody:
            model.body({ ...row, slot: found.slot, lane: found.lane }) ?? new Uint8Array(),
          responseHead,
          responseBody,
          responseTruncated,
        };
      },
      stats: async (now) => model.stats(now),
      maintain: async (_policy, now) => model.maintain(now),
    },
    close: async () => {},
  };
}

interface Logged {
  readonly slot: number;
  readonly lane: number;
  readonly row: AttemptRow;
  readonly record: AttemptRecord;
}

class MemoryModel {
  readonly book = new LaneBook();
  readonly events = new Map<EventId, NewEvent>();
  readonly items = new Map<string, ConfigItem>();
  readonly attempts: Logged[] = [];
  readonly #open = new Map<string, Due[]>();
  readonly #endpoints = new Map<number, EndpointId>();
  readonly #ids: IdFactory;
  readonly #laneMax: number;
  #version = 0;
  #routing = 0;

  constructor(ids: IdFactory, laneMax: number) {
    this.#ids = ids;
    this.#laneMax = laneMax;
  }

  rows(key: { slot: number; lane: number }): Due[] {
    const id = `${key.slot}/${key.lane}`;
    const found = this.#open.get(id) ?? [];
    this.#open.set(id, found);
    return found;
  }

  find(key: DeliveryKey): Due | undefined {
    return this.rows(key).find((row) => compareKeys(row, key) === 0);
  }

  replace(row: Due, next: Due | undefined): void {
    const rows = this.rows(row);
    rows.splice(rows.indexOf(row), 1);
    if (!next) return;
    rows.push(next);
    rows.sort(compareKeys);
  }

  lane(slot: number, lane: number): LaneEntry | undefined {
    const known = this.book.get({ slot, lane });
    const id = this.#endpoints.get(numberOfLane(lane));
    if (known || id === undefined) return known;
    const endpoint = this.items.get(`endpoint/${id}`)?.value as Endpoint | null;
    return this.book.ensure({ slot, lane, endpoint: id, ...laneState(endpoint) });
  }

  reap(now: Ms): { nodes: number; lanes: number } {
    const { nodes, lanes } = this.book.reap(now);
    for (const entry of lanes) {
      for (const command of this.book.takeCommands(entry)) this.command(command, now);
    }
    return { nodes, lanes: lanes.length };
  }

  ingest(request: IngestRequest, version: number, now: Ms): IngestReply {
    if (version < this.#routing) return { kind: 'stale', version: this.#routing };
    const firsts: (NewEvent | undefined)[] = [];
    const here: NewEvent[] = [];
    for (const [index, event] of request.events.entries()) {
      const same = (e: NewEvent) =>
        e.tenant === event.tenant && e.idempotencyKey === event.idempotencyKey;
      const first =
        event.idempotencyKey === undefined
          ? undefined
          : ([...this.events.values()].find(same) ?? here.find(same));
      if (first && Buffer.compare(first.hash ?? EMPTY, event.hash ?? EMPTY) !== 0) {
        return { kind: 'conflict', index, existing: first.id };
      }
      firsts.push(first);
      if (!first) here.push(event);
    }
    const events = request.events.map((event, i): IngestedEvent => {
      const first = firsts[i];
      if (first) {
        const deliveries = first.lanes.length;
        return { id: first.id, duplicate: true, deliveries, irregular: false };
      }
      this.events.set(event.id, { ...event, data: event.data.slice() });
      const regular = event.lanes.map((lane) => this.#owe(event, lane, now));
      const irregular = regular.includes(false);
      return { id: event.id, duplicate: false, deliveries: event.lanes.length, irregular };
    });
    return { kind: 'accepted', events };
  }

  #owe(event: NewEvent, lane: number, now: Ms): boolean {
    const entry = this.lane(event.slot, lane);
    if (!entry) return false;
    const key = { slot: event.slot, lane, event: event.id, run: 0 };
    if (entry.open >= this.#laneMax) {
      this.#decide({ ...key, dueAt: now }, { state: 'failed', fault: 'skipped', now });
      return false;
    }
    const dueAt = entry.fifo ? Math.max(now, entry.lastDue + 1) : now;
    if (entry.fifo) entry.lastDue = dueAt;
    this.#insert({ ...key, dueAt, attempt: 0, starts: 0 }, entry);
    return !entry.fifo;
  }

  #insert(row: Due, entry: LaneEntry): void {
    const rows = this.rows(row);
    rows.push(row);
    rows.sort(compareKeys);
    entry.open += 1;
    this.book.wake(entry, row.dueAt);
  }

  complete(work: Completion, by: { node: number; now: Ms }): Completed {
    const fenced = !this.book.alive(by.node);
    for (const result of work.results) this.#applyResult(result, fenced);
    if (fenced) return { fenced, moved: [] };
    for (const { disable, attempt } of work.results) {
      const item = this.items.get(`endpoint/${attempt.endpoint}`);
      const endpoint = item?.value as Endpoint | null | undefined;
      if (!disable || !item || !endpoint || endpoint.disabled) continue;
      const value = {
        ...endpoint,
        disabled: { at: by.now, reason: disable.reason },
        updatedAt: by.now,
      };
      this.put([{ ...item, value, expected: undefined }]);
    }
    const moved: DeliveryKey[] = [];
    for (const entry of this.book.commanded(by.node)) {
      for (const command of this.book.takeCommands(entry)) {
        const row = this.#carryOut(entry, command, by.now);
        if (row) moved.push(keyOf(row));
      }
    }
    for (const release of work.release) {
      const entry = this.book.get(release);
      if (!entry || entry.owner !== by.node) continue;
      const dueAt = this.rows(release)[0]?.dueAt ?? ASLEEP;
      this.book.release(entry, release, { dueAt, now: by.now });
    }
    return { fenced, moved };
  }

  #applyResult(result: Result, fenced: boolean): void {
    const { key, next } = result;
    const row = this.find(key);
    const entry = this.lane(key.slot, key.lane);
    if (fenced && next.kind !== 'succeeded') {
      this.#log(result, { kind: 'retry', at: key.dueAt });
      return;
    }
    this.#log(result, next);
    if (!row || !entry) return;
    if (next.kind === 'retry' || next.kind === 'keep') {
      if (row.attempt !== key.attempt) return;
      const dueAt = next.kind === 'retry' ? next.at : row.dueAt;
      this.replace(row, { ...row, dueAt, attempt: row.attempt + 1, starts: 0 });
    } else {
      this.replace(row, undefined);
      entry.open -= 1;
    }
  }

  command(command: LaneCommand, now: Ms): 'applied' | 'queued' | 'absent' {
    const entry = this.lane(command.slot, command.lane);
    if (!entry) return 'absent';
    if (entry.owner !== 0) {
      this.book.queueCommand(entry, command);
      return 'queued';
    }
    return this.#carryOut(entry, command, now) ? 'applied' : 'absent';
  }

  #carryOut(entry: LaneEntry, command: LaneCommand, now: Ms): Due | undefined {
    const row = this.rows(command).find((r) => r.event === command.event && r.run === command.run);
    if (!row) return undefined;
    if (command.do === 'retryNow') {
      this.replace(row, { ...row, dueAt: now });
      this.book.wake(entry, now);
    } else {
      this.replace(row, undefined);
      entry.open -= 1;
      this.#decide(row, { state: 'cancelled', now });
    }
    return row;
  }

  requeue(what: { slot: number; lane: number; event: EventId }, now: Ms): number {
    const entry = this.lane(what.slot, what.lane);
    const event = this.events.get(what.event);
    const runs = [
      ...this.rows(what).filter((row) => row.event === what.event),
      ...this.attempts
        .filter((a) => a.lane === what.lane && a.row.event === what.event)
        .map((a) => a.row),
    ].map(({ run }) => run);
    const run = runs.length === 0 ? 0 : Math.max(...runs) + 1;
    if (event && !event.lanes.includes(what.lane)) {
      this.events.set(event.id, { ...event, lanes: [...event.lanes, what.lane] });
    }
    if (entry) this.#insert({ ...what, dueAt: now, run, attempt: 0, starts: 0 }, entry);
    return run;
  }

  /** Cancels what deleted endpoints were owed. */
  maintain(now: Ms) {
    let cancelled = 0;
    for (const entry of this.book.all()) {
      if (!entry.closed || entry.owner !== 0) continue;
      for (const row of [...this.rows(entry)]) {
        this.replace(row, undefined);
        entry.open -= 1;
        cancelled += 1;
        this.#decide(row, { state: 'cancelled', now });
      }
    }
    return { expanded: 0, cancelled, expired: 0, removed: 0, more: false };
  }

  put(changes: readonly ConfigChange[]): { version: number; items: ConfigItem[] } {
    for (const { kind, id, expected } of changes) {
      const item = this.items.get(`${kind}/${id}`);
      const found = item && item.value !== null ? item.version : 0;
      if (expected !== undefined && expected !== found) {
        throw new StoreError('conflict', `${kind} ${id} has version ${found}, not ${expected}.`);
      }
    }
    const items = changes.map((change) => this.#putOne(change));
    return { version: items.at(-1)?.version ?? 0, items };
  }

  #putOne(change: ConfigChange): ConfigItem {
    this.#version += 1;
    const { kind, id, tenant } = change;
    const value =
      kind === 'endpoint' && change.value !== null
        ? { ...(change.value as Endpoint), number: this.#number(id as EndpointId) }
        : change.value;
    const item = { kind, id, tenant, version: this.#version, value };
    this.items.set(`${kind}/${id}`, item);
    if (kind !== 'key') this.#routing = this.#version;
    if (kind === 'endpoint') this.#endpointChanged(id as EndpointId, value as Endpoint | null);
    return item;
  }

  #number(id: EndpointId): number {
    for (const [number, endpoint] of this.#endpoints) if (endpoint === id) return number;
    const number = this.#endpoints.size + 1;
    this.#endpoints.set(number, id);
    return number;
  }

  #endpointChanged(id: EndpointId, endpoint: Endpoint | null): void {
    if (endpoint?.scope === 'tenant')
      this.lane(slotOf(endpoint.tenant), endpoint.number * LANE_PARTS);
    for (const entry of this.book.ofEndpoint(id)) {
      const { fifo, held } = laneState(endpoint);
      entry.fifo = fifo;
      if (entry.held !== held) this.book.setHeld(entry, held);
      if (!endpoint) this.book.close(entry);
    }
  }

  // ---- the log ----

  body(of: Pick<Due, 'event' | 'slot' | 'lane' | 'run'>): Uint8Array | undefined {
    const first = this.attempts.find(
      (a) =>
        a.row.event === of.event &&
        a.slot === of.slot &&
        a.lane === of.lane &&
        a.row.run === of.run &&
        a.record.body.kind !== 'same',
    );
    return first && joinBody(first.record.body, this.events.get(of.event)?.data ?? EMPTY);
  }

  #log(result: Pick<Result, 'key' | 'attempt'>, next: Next): void {
    const { key, attempt: record } = result;
    const { tenant, type, endpoint, n, startedAt, status, fault, detail, afterCrash } = record;
    const waits = next.kind === 'retry' || next.kind === 'keep';
    this.attempts.push({
      slot: key.slot,
      lane: key.lane,
      record,
      row: {
        id: record.id,
        event: key.event,
        endpoint,
        run: key.run,
        tenant,
        type,
        n,
        startedAt,
        durationMs: Math.round(record.timings.totalMs * 10) / 10,
        status,
        fault,
        detail,
        afterCrash,
        state: waits ? 'pending' : next.kind,
        nextAt: waits ? next.at : undefined,
      },
    });
  }

  #decide(
    key: DeliveryKey,
    as: { state: 'failed' | 'cancelled'; fault?: 'skipped'; now: Ms },
  ): void {
    const event = this.events.get(key.event);
    const entry = this.lane(key.slot, key.lane);
    if (!event || !entry) return;
    const attempt: AttemptRecord = {
      ...NO_EXCHANGE,
      id: this.#ids.attempt(as.now),
      tenant: event.tenant,
      type: event.type,
      endpoint: entry.endpoint,
      startedAt: as.now,
      fault: as.fault,
    };
    this.#log({ key: { ...key, attempt: 0, starts: 0 }, attempt }, { kind: as.state });
  }

  eventRow(event: NewEvent): EventRow {
    const { data, lanes, hash: _hash, ...rest } = event;
    return { ...rest, sizeBytes: data.length, deliveries: lanes.length };
  }

  eventRows(query: LogQuery): EventRow[] {
    return [...this.events.values()]
      .filter((e) => e.tenant === query.tenant)
      .filter((e) => !query.event || e.id === query.event)
      .filter((e) => !query.type || e.type === query.type)
      .filter((e) => !query.idempotencyKey || e.idempotencyKey === query.idempotencyKey)
      .reverse()
      .map((e) => this.eventRow(e));
  }

  attemptRows(query: LogQuery): AttemptRow[] {
    return this.attempts
      .map(({ row }) => row)
      .filter((row) => matches(row, query))
      .reverse();
  }

  deliveryRows(query: LogQuery): DeliveryRow[] {
    const pending = [...this.#open.values()].flat().map((row) => this.#pendingRow(row));
    const ended = this.attempts
      .filter(({ row }) => row.state !== 'pending')
      .map(({ row }): DeliveryRow => {
        const { event, endpoint, run, tenant, type, state, status, fault } = row;
        return {
          event,
          endpoint,
          run,
          tenant,
          type,
          state,
          attempts: row.n,
          createdAt: timeOfId(decodeId(event) ?? new Uint8Array(16)),
          status,
          fault,
          lastAttemptAt: row.n > 0 ? row.startedAt : undefined,
          nextAt: undefined,
        };
      });
    return [...pending, ...ended.reverse()].filter((row) => matches(row, query));
  }

  #pendingRow(row: Due): DeliveryRow {
    const event = this.events.get(row.event) as NewEvent;
    const last = this.attempts.findLast(
      (a) => a.row.event === row.event && a.lane === row.lane && a.row.run === row.run,
    )?.row;
    return {
      event: row.event,
      endpoint: this.#endpoints.get(numberOfLane(row.lane)) as EndpointId,
      run: row.run,
      tenant: event.tenant,
      type: event.type,
      state: 'pending',
      attempts: row.attempt,
      createdAt: event.createdAt,
      status: last?.status,
      fault: last?.fault,
      lastAttemptAt: last?.startedAt,
      nextAt: row.dueAt,
    };
  }

  stats(now: Ms) {
    const lanes = [...this.book.all()];
    const awake = lanes.filter((l) => l.owner === 0 && !l.held && l.nextAt <= now);
    return {
      pending: lanes.reduce((n, { open }) => n + open, 0),
      lanesAwake: awake.length,
      lanesHeld: lanes.filter(({ owner }) => owner !== 0).length,
      oldestDueAt: awake.length > 0 ? Math.min(...awake.map((l) => l.nextAt)) : undefined,
      events: this.events.size,
      attempts: this.attempts.length,
    };
  }
}

const EMPTY = new Uint8Array();

const NO_EXCHANGE = {
  n: 0,
  timings: {
    dnsMs: undefined,
    connectMs: undefined,
    tlsMs: undefined,
    firstByteMs: undefined,
    totalMs: 0,
  },
  status: undefined,
  detail: '',
  remoteAddress: undefined,
  method: '',
  url: '',
  requestHead: EMPTY,
  body: { kind: 'same' } as SentBody,
  responseHead: EMPTY,
  responseBody: EMPTY,
  responseTruncated: false,
  secretHeads: false,
  afterCrash: false,
};

function laneState(endpoint: Endpoint | null): { fifo: boolean; held: boolean } {
  return {
    fifo: endpoint !== null && endpoint.ordering !== 'none',
    held: endpoint !== null && (endpoint.paused || endpoint.disabled !== null),
  };
}

type PlaceInLane = Pick<Due, 'dueAt' | 'event' | 'run'>;

function compareKeys(a: PlaceInLane, b: PlaceInLane): number {
  return a.dueAt - b.dueAt || (a.event < b.event ? -1 : a.event > b.event ? 1 : a.run - b.run);
}

function keyOf(row: Due): DeliveryKey {
  const { slot, lane, dueAt, event, run } = row;
  return { slot, lane, dueAt, event, run };
}

function joinBody(body: SentBody, data: Uint8Array): Uint8Array {
  if (body.kind === 'full') return body.bytes;
  return body.kind === 'same' ? EMPTY : Buffer.concat([body.before, data, body.after]);
}

function matches(row: AttemptRow | DeliveryRow, query: LogQuery): boolean {
  return (
    row.tenant === query.tenant &&
    (!query.event || row.event === query.event) &&
    (!query.endpoint || row.endpoint === query.endpoint) &&
    (!query.type || row.type === query.type) &&
    (!query.state || row.state === query.state)
  );
}

function page<T>(rows: T[], query: LogQuery): Page<T> {
  const from = Number(query.cursor ?? 0);
  const items = rows.slice(from, from + query.limit);
  return { items, next: from + query.limit < rows.length ? String(from + query.limit) : undefined };
}
