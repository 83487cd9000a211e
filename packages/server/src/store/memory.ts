import { decodeId, timeOfId } from '../core/ids.ts';
import type { Endpoint, EndpointId, EventId, LaneId, Ms, Slot } from '../core/model.ts';
import { ASLEEP, LANE_PARTS } from '../core/model.ts';
import { numberOfLane, slotOf } from '../core/routing.ts';
import { LaneBook, type LaneEntry, laneNumber } from './lane-book.ts';
import { MemoryLog } from './memory-log.ts';
import {
  type AttemptRecord,
  type Completed,
  type Completion,
  type ConfigChange,
  type ConfigItem,
  type ConfigStore,
  type Cursor,
  type DeliveryKey,
  type Due,
  INLINE_FANOUT_MAX,
  type IngestedEvent,
  type IngestReply,
  type IngestRequest,
  type LaneCommand,
  type LaneKey,
  type LaneStore,
  type LogStore,
  type MaintenanceReport,
  type NewEvent,
  type Next,
  type Requeue,
  type Result,
  type RetentionPolicy,
  type SentBody,
  type Store,
  StoreError,
  type StoreStats,
} from './store.ts';

/**
 * The store as plain maps: what the other engines must be equal to. It keeps nothing and limits
 * little; tests and the simulation of the scheduler run on it.
 */
export function createMemoryStore(options: { laneMax?: number } = {}): Store {
  const model = new MemoryModel(options.laneMax ?? 1_000_000);
  return {
    lanes: lanesOf(model),
    config: configOf(model),
    log: logOf(model),
    close: async () => {},
  };
}

function lanesOf(model: MemoryModel): LaneStore {
  const { book, log } = model;
  return {
    join: async (_info, ttlMs, now) => book.join(ttlMs, now),
    heartbeat: async (node, ttlMs, now) => book.heartbeat(node, ttlMs, now),
    leave: async (node, now) => model.applyLeft(book.leave(node, now), now),
    reap: async (now) => {
      const { nodes, lanes } = book.reap(now);
      model.applyLeft(lanes, now);
      return { nodes, lanes: lanes.length };
    },
    ingest: async (batch, version, now) => batch.map((r) => model.ingest(r, version, now)),
    acquire: async (node, max, now) => book.acquire(node, max, now),
    fetch: async (cursors, now) => cursors.flatMap((cursor) => model.fetch(cursor, now)),
    load: async (rows) =>
      rows.map((row) => ({
        event: log.stored(row.event),
        frozen: row.attempt > 0 ? log.frozen(row) : undefined,
      })),
    start: async (_node, key) => {
      const row = model.find(key);
      if (row) model.replace(row, { ...row, starts: row.starts + 1 });
    },
    complete: async (node, work, now) => model.complete(work, { node, now }),
    command: async (commands, now) => commands.map((command) => model.command(command, now)),
    requeue: async (what, now) => what.map((one) => model.requeue(one, now)),
  };
}

function configOf(model: MemoryModel): ConfigStore {
  const { items } = model;
  return {
    put: async (changes) => model.put(changes),
    changes: async (since, limit) => {
      const changed = [...items.values()]
        .filter((item) => item.version > since)
        .sort((a, b) => a.version - b.version)
        .slice(0, limit);
      return { version: changed.at(-1)?.version ?? since, items: changed };
    },
    read: async (kind, id) => {
      const item = items.get(`${kind}/${id}`);
      return item?.value === null ? undefined : item;
    },
    list: async (kind, { tenant, limit, after }) => {
      const all = [...items.values()]
        .filter((item) => item.kind === kind && item.value !== null)
        .filter((item) => tenant === undefined || item.tenant === tenant)
        .filter((item) => after === undefined || item.id < after)
        .sort((a, b) => (a.id < b.id ? 1 : -1));
      const taken = all.slice(0, limit);
      return { items: taken, next: all.length > limit ? taken.at(-1)?.id : undefined };
    },
  };
}

function logOf(model: MemoryModel): LogStore {
  const { log } = model;
  return {
    events: async (query) => log.listEvents(query),
    event: async (tenant, id) => log.event(tenant, id),
    deliveries: async (query) => log.listDeliveries(query),
    attempts: async (query) => log.listAttempts(query),
    attempt: async (tenant, id) => log.attempt(tenant, id),
    stats: async (now) => model.stats(now),
    maintain: async (policy, now) => model.maintain(policy, now),
  };
}

const EXPIRY_EVERY_MS = 3_600_000;

class MemoryModel {
  readonly book = new LaneBook();
  readonly items = new Map<string, ConfigItem>();
  readonly log: MemoryLog;
  readonly #open = new Map<number, Due[]>();
  readonly #endpoints = new Map<number, EndpointId>();
  readonly #numbers = new Map<EndpointId, number>();
  readonly #laneMax: number;
  #version = 0;
  #routing = 0;
  #expireAt: Ms = 0;
  /** Ids of events that are too old and owe nothing are smaller. */
  #expiredBefore = '';

  constructor(laneMax: number) {
    this.#laneMax = laneMax;
    this.log = new MemoryLog(() =>
      this.#owed().map((due) => ({
        due,
        endpoint: this.#endpoints.get(numberOfLane(due.lane)) as EndpointId,
      })),
    );
  }

  // ---- rows ----

  #rows(key: LaneKey): Due[] {
    const found = this.#open.get(laneNumber(key)) ?? [];
    this.#open.set(laneNumber(key), found);
    return found;
  }

  #owed(): Due[] {
    const byPlace = (a: Due, b: Due) => a.slot - b.slot || a.lane - b.lane || compareKeys(a, b);
    return [...this.#open.values()].flat().sort(byPlace);
  }

  find(key: DeliveryKey): Due | undefined {
    return this.#rows(key).find((row) => compareKeys(row, key) === 0);
  }

  #findRun({ slot, lane, event, run }: Omit<DeliveryKey, 'dueAt'>): Due | undefined {
    return this.#rows({ slot, lane }).find((row) => row.event === event && row.run === run);
  }

  replace(row: Due, next: Due | undefined): void {
    const rows = this.#rows(row);
    rows.splice(rows.indexOf(row), 1);
    if (!next) return;
    rows.push(next);
    rows.sort(compareKeys);
  }

  #remove(row: Due): void {
    this.replace(row, undefined);
    const entry = this.lane(row.slot, row.lane);
    if (entry) entry.open -= 1;
  }

  #insert(row: Due, entry: LaneEntry): void {
    const rows = this.#rows(row);
    rows.push(row);
    rows.sort(compareKeys);
    entry.open += 1;
    this.book.wake(entry, row.dueAt);
  }

  lane(slot: Slot, lane: LaneId): LaneEntry | undefined {
    const known = this.book.get({ slot, lane });
    const id = this.#endpoints.get(numberOfLane(lane));
    if (known || id === undefined) return known;
    const endpoint = this.items.get(`endpoint/${id}`)?.value as Endpoint | null;
    const entry = this.book.ensure({ slot, lane, endpoint: id, ...laneState(endpoint) });
    if (!endpoint) this.book.setClosed(entry, true);
    return entry;
  }

  fetch({ slot, lane, after, limit }: Cursor, now: Ms): Due[] {
    return this.#rows({ slot, lane })
      .filter((row) => row.dueAt <= now && (!after || compareKeys(row, after) > 0))
      .slice(0, limit)
      .map((row) => ({ ...row }));
  }

  // ---- ingest ----

  ingest(request: IngestRequest, version: number, now: Ms): IngestReply {
    if (version < this.#routing) return { kind: 'stale', version: this.#routing };
    for (const { id } of request.events) {
      if (this.log.events.has(id)) throw new StoreError('unavailable', `${id} is stored already.`);
    }
    const firsts: (NewEvent | undefined)[] = [];
    const here: NewEvent[] = [];
    for (const [index, event] of request.events.entries()) {
      const first = this.#sameKey(event, here);
      if (first && Buffer.compare(first.hash ?? EMPTY, event.hash ?? EMPTY) !== 0) {
        return { kind: 'conflict', index, existing: first.id };
      }
      firsts.push(first);
      if (!first) here.push(event);
    }
    const events = request.events.map((event, i): IngestedEvent => {
      const first = firsts[i];
      if (first) {
        const lanes = this.log.events.get(first.id)?.event.lanes ?? first.lanes;
        return { id: first.id, duplicate: true, deliveries: lanes.length, irregular: false };
      }
      this.log.keep(event);
      const regular = event.lanes.map((lane) => this.#owe(event, lane, now));
      const irregular = regular.includes(false) || event.lanes.length > INLINE_FANOUT_MAX;
      return { id: event.id, duplicate: false, deliveries: event.lanes.length, irregular };
    });
    return { kind: 'accepted', events };
  }

  #sameKey(event: NewEvent, here: readonly NewEvent[]): NewEvent | undefined {
    if (event.idempotencyKey === undefined) return undefined;
    const same = (other: NewEvent) =>
      other.tenant === event.tenant && other.idempotencyKey === event.idempotencyKey;
    return [...this.log.events.values()].map((kept) => kept.event).find(same) ?? here.find(same);
  }

  #owe(event: NewEvent, lane: LaneId, now: Ms): boolean {
    const entry = this.lane(event.slot, lane);
    if (!entry) return false;
    const key = { slot: event.slot, lane, event: event.id, run: 0 };
    if (entry.open >= this.#laneMax) {
      const detail = `The webhook already owed ${this.#laneMax} deliveries; this one was not queued. Recover it once the backlog is gone.`;
      this.#decide({ ...key, dueAt: now }, { state: 'failed', fault: 'skipped', detail, now });
      return false;
    }
    const dueAt = this.book.dueAt(entry, now);
    this.#insert({ ...key, dueAt, attempt: 0, starts: 0 }, entry);
    return !entry.fifo;
  }

  requeue({ slot, lane, event: id }: Requeue, now: Ms): number {
    const entry = this.lane(slot, lane);
    const kept = this.log.events.get(id);
    if (!entry || !kept || id < this.#expiredBefore) return -1;
    const runs = [
      ...this.#rows({ slot, lane }).filter((row) => row.event === id),
      ...this.log.attempts.filter((a) => a.lane === lane && a.row.event === id).map((a) => a.row),
    ].map(({ run }) => run);
    const run = Math.max(-1, ...runs) + 1;
    const { event } = kept;
    if (!event.lanes.includes(lane)) {
      this.log.events.set(id, { ...kept, event: { ...event, lanes: [...event.lanes, lane] } });
    }
    const dueAt = this.book.dueAt(entry, now);
    this.#insert({ slot, lane, event: id, dueAt, run, attempt: 0, starts: 0 }, entry);
    return run;
  }

  // ---- complete ----

  complete(work: Completion, by: { node: number; now: Ms }): Completed {
    const fenced = !this.book.alive(by.node);
    for (const result of work.results) this.#applyResult(result, by.node);
    for (const result of work.results) this.#disable(result, by);
    const moved: DeliveryKey[] = [];
    for (const entry of fenced ? [] : this.book.commanded(by.node)) {
      for (const command of this.book.takeCommands(entry)) {
        const row = this.#carryOut(entry, command, by.now);
        if (row) moved.push(keyOf(row));
      }
    }
    for (const release of work.release) {
      const entry = this.book.get(release);
      if (!entry || !this.book.holds(by.node, entry)) continue;
      const dueAt = this.#rows(release)[0]?.dueAt ?? ASLEEP;
      this.book.release(entry, release, { dueAt, now: by.now });
    }
    return { fenced, moved };
  }

  #applyResult(result: Result, node: number): void {
    const { key, next } = result;
    const ours = this.book.holds(node, this.lane(key.slot, key.lane));
    if ((ours || next.kind === 'succeeded') && this.#applyNext(result)) {
      this.log.log(result, { next, late: false });
      return;
    }
    if (!this.log.events.has(key.event)) return;
    const ended = this.log.ofRun(key).findLast(({ row }) => row.state !== 'pending')?.row.state;
    const before: Next =
      ended === undefined || ended === 'pending'
        ? { kind: 'retry', at: key.dueAt }
        : { kind: ended };
    this.log.log(result, { next: before, late: ended !== undefined });
  }

  /** false = there was nothing to apply it to. */
  #applyNext({ key, next }: Result): boolean {
    const row = this.find(key) ?? (next.kind === 'succeeded' ? this.#findRun(key) : undefined);
    if (!row) return false;
    if (next.kind !== 'retry' && next.kind !== 'keep') {
      this.#remove(row);
      return true;
    }
    if (row.attempt !== key.attempt) return false;
    const dueAt = next.kind === 'retry' ? next.at : row.dueAt;
    this.replace(row, { ...row, dueAt, attempt: row.attempt + 1, starts: 0 });
    return true;
  }

  #disable({ key, attempt, disable }: Result, by: { node: number; now: Ms }): void {
    const item = this.items.get(`endpoint/${attempt.endpoint}`);
    const endpoint = item?.value as Endpoint | null | undefined;
    if (!disable || !item || !endpoint || endpoint.disabled) return;
    if (!this.book.holds(by.node, this.lane(key.slot, key.lane))) return;
    const disabled = { at: by.now, reason: disable.reason };
    const value = { ...endpoint, disabled, updatedAt: by.now };
    this.put([{ ...item, value, expected: undefined }]);
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

  applyLeft(lanes: readonly LaneEntry[], now: Ms): void {
    for (const entry of lanes) {
      for (const command of this.book.takeCommands(entry)) this.command(command, now);
    }
  }

  #carryOut(entry: LaneEntry, command: LaneCommand, now: Ms): Due | undefined {
    const row = this.#findRun(command);
    if (!row) return undefined;
    if (command.do === 'cancel') {
      this.#remove(row);
      this.#decide(row, { state: 'cancelled', detail: 'Cancelled on request.', now });
    } else if (entry.fifo) {
      this.book.endWait(entry, now);
    } else {
      if (row.dueAt > now) this.replace(row, { ...row, dueAt: now });
      this.book.wake(entry, now);
    }
    return row;
  }

  /** The end of a delivery without an exchange. */
  #decide(
    key: DeliveryKey,
    as: {
      state: 'failed' | 'cancelled';
      fault?: 'skipped' | 'expired';
      detail: string;
      now: Ms;
    },
  ): void {
    const event = this.log.events.get(key.event)?.event;
    const entry = this.lane(key.slot, key.lane);
    if (!event || !entry) return;
    const attempt: AttemptRecord = {
      ...NO_EXCHANGE,
      tenant: event.tenant,
      type: event.type,
      endpoint: entry.endpoint,
      startedAt: as.now,
      fault: as.fault,
      detail: as.detail,
    };
    const result = { key: { ...key, attempt: 0, starts: 0 }, attempt };
    this.log.log(result, { next: { kind: as.state }, late: false });
  }

  // ---- housekeeping ----

  /** All that is due at once: what the other engines come to after as many steps as they take. */
  maintain(policy: RetentionPolicy, now: Ms): MaintenanceReport {
    let cancelled = 0;
    for (const entry of this.book.all()) {
      if (!entry.closed || entry.owner !== 0) continue;
      for (const row of [...this.#rows(entry)]) {
        this.#remove(row);
        cancelled += 1;
        this.#decide(row, { state: 'cancelled', detail: 'The webhook was deleted.', now });
      }
    }
    const { expired, removed } = this.#removeOld(now - policy.logMs, now);
    return { expanded: 0, cancelled, expired, removed, more: false };
  }

  /** From time to time: what is owed too long is given up, then what is old and owes nothing goes. */
  #removeOld(cutoff: Ms, now: Ms): { expired: number; removed: number } {
    const kept = [...this.log.events.values()].map(({ event }) => event);
    const nothing = !kept[0] || kept[0].createdAt >= cutoff;
    if (now < this.#expireAt || nothing) return { expired: 0, removed: 0 };
    this.#expireAt = now + EXPIRY_EVERY_MS;
    const { expired, left } = this.#expire(cutoff, now);
    const old = kept.filter((event) => event.createdAt < cutoff).map(({ id }) => id);
    this.#expiredBefore = left.sort()[0] ?? `${old.sort().at(-1)}+`;
    return { expired, removed: this.#sweep(cutoff) };
  }

  /** `left`: events of what could not be given up, because a node holds its lane. */
  #expire(cutoff: Ms, now: Ms): { expired: number; left: EventId[] } {
    let expired = 0;
    const left: EventId[] = [];
    for (const row of this.#owed()) {
      const event = this.log.events.get(row.event)?.event;
      if (!event || event.createdAt >= cutoff) continue;
      if (this.lane(row.slot, row.lane)?.owner !== 0) {
        left.push(row.event);
        continue;
      }
      this.#remove(row);
      expired += 1;
      const detail = 'Held longer than events are kept.';
      this.#decide(row, { state: 'failed', fault: 'expired', detail, now });
    }
    return { expired, left };
  }

  #sweep(cutoff: Ms): number {
    const before = this.log.attempts.length + this.log.events.size;
    const isOld = (id: EventId) => id < this.#expiredBefore;
    this.log.attempts = this.log.attempts.filter(
      ({ row }) => row.startedAt >= cutoff || !isOld(row.event),
    );
    const logged = new Set(this.log.attempts.map(({ row }) => row.event));
    for (const id of this.log.events.keys()) {
      if (isOld(id) && !logged.has(id)) this.log.events.delete(id);
    }
    return before - this.log.attempts.length - this.log.events.size;
  }

  // ---- configuration ----

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
    const known = this.#numbers.get(id);
    if (known !== undefined) return known;
    const number = this.#endpoints.size + 1;
    this.#numbers.set(id, number);
    this.#endpoints.set(number, id);
    return number;
  }

  #endpointChanged(id: EndpointId, endpoint: Endpoint | null): void {
    if (endpoint?.scope === 'tenant') {
      this.lane(slotOf(endpoint.tenant), endpoint.number * LANE_PARTS);
    }
    for (const entry of this.book.ofEndpoint(id)) {
      const { fifo, held } = laneState(endpoint);
      entry.fifo = fifo;
      if (entry.held !== held) this.book.setHeld(entry, held);
      if (entry.closed !== (endpoint === null)) this.book.setClosed(entry, endpoint === null);
    }
  }

  stats(now: Ms): StoreStats {
    const lanes = [...this.book.all()];
    const free = lanes.filter(({ owner, held, closed }) => owner === 0 && !held && !closed);
    const awake = free.filter(({ nextAt }) => nextAt <= now);
    return {
      pending: lanes.reduce((sum, { open }) => sum + open, 0),
      lanesAwake: awake.length,
      lanesHeld: lanes.filter(({ owner }) => owner !== 0).length,
      oldestDueAt: awake.length > 0 ? Math.min(...awake.map(({ nextAt }) => nextAt)) : undefined,
      events: this.log.events.size,
      attempts: this.log.attempts.length,
      newestAt: Math.max(0, ...[...this.log.events.keys()].map(timeOf)),
    };
  }
}

const EMPTY = new Uint8Array();

function timeOf(id: EventId): Ms {
  return timeOfId(decodeId(id) ?? EMPTY);
}

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
