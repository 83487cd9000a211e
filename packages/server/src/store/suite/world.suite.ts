import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createIdFactory } from '../../core/ids.ts';
import {
  type AttemptId,
  type Endpoint,
  type EndpointId,
  type EventId,
  LANE_PARTS,
  type Ms,
} from '../../core/model.ts';
import { slotOf } from '../../core/routing.ts';
import { ENDPOINT_DEFAULTS } from '../../core/stored.ts';
import type {
  AttemptRecord,
  DeliveryRow,
  Due,
  IngestedEvent,
  IngestReply,
  LaneKey,
  LogQuery,
  MaintenanceReport,
  NewEvent,
  Next,
  Page,
  Release,
  Requeue,
  Requeued,
  Result,
  RetentionPolicy,
  Store,
  StoreLimits,
} from '../store.ts';

export interface OpenOptions {
  /** Names what is opened: the same one again is the same store. */
  readonly directory: string;
  readonly now: Ms;
  readonly limits: Partial<StoreLimits>;
}
export type OpenStore = (options: OpenOptions) => Promise<Store>;
export type Cases = Readonly<Record<string, (w: World) => Promise<void>>>;

export const T0 = 1_700_000_000_000;
export const DAY = 86_400_000;
export const RETENTION: RetentionPolicy = { logMs: 30 * DAY, chunk: 100 };
/** Narrow, so that a fan-out above it costs the suite little. */
export const INLINE_FANOUT_MAX = 250;
const TTL = 15_000;
const EMPTY = new Uint8Array();

/** One store under a virtual clock, and short words for what tests do to it. */
export class World implements AsyncDisposable {
  readonly ids = createIdFactory(randomBytes);
  readonly directory = mkdtempSync(join(tmpdir(), 'posthorn-store-'));
  readonly #open: OpenStore;
  #store: Store | undefined;
  now: Ms = T0;
  version = 0;

  constructor(open: OpenStore) {
    this.#open = open;
  }

  get store(): Store {
    if (!this.#store) throw new Error('open() first');
    return this.#store;
  }
  get lanes(): Store['lanes'] {
    return this.store.lanes;
  }
  get stats(): Store['stats'] {
    return this.store.stats;
  }
  get log(): Store['log'] {
    return this.store.log;
  }

  /** Opens the store; if it is open, in order closes it before. */
  async open(limits: Partial<StoreLimits> = {}): Promise<void> {
    await this.close();
    this.#store = await this.#open({
      directory: this.directory,
      now: this.now,
      limits: { inlineFanoutMax: INLINE_FANOUT_MAX, ...limits },
    });
  }

  async close(): Promise<void> {
    const store = this.#store;
    this.#store = undefined;
    await store?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  // ---- configuration ----

  async put(endpoint: Endpoint): Promise<Endpoint> {
    const { id, tenant } = endpoint;
    const change = { kind: 'endpoint', id, tenant, value: endpoint, expected: undefined } as const;
    const { version, items } = await this.store.config.put([change], this.now);
    this.version = version;
    return items[0]?.value as Endpoint;
  }

  endpoint(overrides: Partial<Endpoint> = {}): Promise<Endpoint> {
    return this.put(makeEndpoint(this.ids.endpoint(this.now), overrides));
  }

  async remove({ id, tenant }: Endpoint): Promise<void> {
    const change = { kind: 'endpoint', id, tenant, value: null, expected: undefined } as const;
    this.version = (await this.store.config.put([change], this.now)).version;
  }

  // ---- ingest ----

  event(lanes: readonly number[], overrides: Partial<NewEvent> = {}): NewEvent {
    const tenant = overrides.tenant ?? 'default';
    const slot = slotOf(tenant);
    const data = overrides.data ?? Buffer.from('{"a": 1}');
    return {
      id: this.ids.event(slot, this.now),
      slot,
      tenant,
      type: 'user.created',
      occurredAt: this.now,
      createdAt: this.now,
      meta: '',
      data,
      idempotencyKey: undefined,
      hash: overrides.idempotencyKey ? createHash('sha256').update(data).digest() : undefined,
      lanes,
      ...overrides,
    };
  }

  async request(...events: NewEvent[]): Promise<IngestReply> {
    const [reply] = await this.lanes.ingest([{ events }], this.version, this.now);
    return reply as IngestReply;
  }

  /** Ingests what must be accepted. */
  async ingest(...events: NewEvent[]): Promise<readonly IngestedEvent[]> {
    const reply = await this.request(...events);
    if (reply.kind !== 'accepted') throw new Error(`refused: ${JSON.stringify(reply)}`);
    return reply.events;
  }

  /** `count` events for one endpoint. */
  async feed(endpoint: Endpoint, count = 1): Promise<NewEvent[]> {
    const lane = laneOf(endpoint);
    const events = Array.from({ length: count }, () =>
      this.event([lane], { tenant: endpoint.tenant }),
    );
    await this.ingest(...events);
    return events;
  }

  // ---- delivery ----

  join(): Promise<number> {
    return this.lanes.join({ name: 'n', version: '1' }, TTL, this.now);
  }

  /** Joins and takes every lane that has something due. */
  async node(): Promise<number> {
    const node = await this.join();
    await this.lanes.acquire(node, 1000, this.now);
    return node;
  }

  async acquired(node: number): Promise<LaneKey[]> {
    const { lanes } = await this.lanes.acquire(node, 1000, this.now);
    return lanes.map(({ slot, lane }) => ({ slot, lane }));
  }

  fetch(key: LaneKey, limit = 1000): Promise<Due[]> {
    const { slot, lane } = key;
    return this.lanes.fetch([{ slot, lane, after: undefined, limit }], this.now);
  }

  due(endpoint: Endpoint, limit = 1000): Promise<Due[]> {
    return this.fetch(keyOf(endpoint), limit);
  }

  async first(endpoint: Endpoint): Promise<Due> {
    const [due] = await this.due(endpoint, 1);
    if (!due) throw new Error('nothing is due');
    return due;
  }

  result(key: Due, next: Next, overrides: Partial<AttemptRecord> = {}): Result {
    const ok = next.kind === 'succeeded';
    const attempt: AttemptRecord = {
      tenant: 'default',
      type: 'user.created',
      endpoint: 'ep_00000000000000000000000000',
      n: key.attempt + 1,
      startedAt: this.now,
      timings: { dnsMs: 1, connectMs: 2.5, tlsMs: undefined, firstByteMs: 3, totalMs: 7 },
      status: ok ? 200 : 500,
      fault: undefined,
      detail: '',
      remoteAddress: '192.0.2.1:80',
      method: 'POST',
      url: 'http://a.test/x',
      requestHead: Buffer.from('POST /x HTTP/1.1\r\nHost: a.test\r\nX-A: 1\r\n'),
      body: key.attempt > 0 ? { kind: 'same' } : { kind: 'around', before: EMPTY, after: EMPTY },
      responseHead: Buffer.from('HTTP/1.1 200 OK\r\n'),
      responseBody: Buffer.from('ok'),
      responseTruncated: false,
      secretHeads: false,
      afterCrash: false,
      ...overrides,
    };
    return { key, attempt, next, disable: undefined, notices: undefined };
  }

  settle(node: number, endpoint: Endpoint, outcome: { key: Due; next: Next }) {
    const { id, tenant } = endpoint;
    const result = this.result(outcome.key, outcome.next, { endpoint: id, tenant });
    return this.lanes.complete(node, { results: [result], release: [] }, this.now);
  }

  /** Of the newest attempt. */
  async attemptId(): Promise<AttemptId> {
    const [newest] = (await this.log.attempts({ tenant: 'default', limit: 1 })).items;
    if (!newest) throw new Error('nothing was attempted');
    return newest.id;
  }

  /** A further run of an event at an endpoint. */
  async requeue(endpoint: Endpoint, event: EventId, overrides: Partial<Requeue> = {}) {
    const what = { ...keyOf(endpoint), event, after: undefined, ownId: false, ...overrides };
    const [done] = await this.lanes.requeue([what], this.now);
    return done as Requeued;
  }

  release(node: number, key: LaneKey, overrides: Partial<Release> = {}) {
    const { slot, lane } = key;
    const healthy = { notBefore: 0, failingSince: 0, failures: 0 };
    const release = [{ slot, lane, ...healthy, ...overrides }];
    return this.lanes.complete(node, { results: [], release }, this.now);
  }

  // ---- the log ----

  deliveries(query: Partial<LogQuery> = {}): Promise<DeliveryRow[]> {
    const whole = { tenant: 'default', limit: 1000, ...query };
    return everyPage((cursor) => this.log.deliveries({ ...whole, cursor }));
  }

  /** Housekeeping until there is nothing more to do; the sum of the steps. */
  async maintain(policy = RETENTION): Promise<Omit<MaintenanceReport, 'more'>> {
    const sum = { expanded: 0, cancelled: 0, expired: 0, removed: 0, erased: 0 };
    for (let steps = 0; steps < 10_000; steps++) {
      const { more, ...done } = await this.log.maintain(policy, this.now);
      for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += done[name];
      if (!more) return sum;
    }
    throw new Error('housekeeping does not come to an end');
  }
}

export function keyOf(endpoint: Endpoint): LaneKey {
  return { slot: slotOf(endpoint.tenant), lane: laneOf(endpoint) };
}

export function laneOf(endpoint: Endpoint): number {
  return endpoint.number * LANE_PARTS;
}

export async function everyPage<T>(
  read: (cursor: string | undefined) => Promise<Page<T>>,
): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < 10_000; pages++) {
    const page = await read(cursor);
    items.push(...page.items);
    if (page.next === undefined) return items;
    cursor = page.next;
  }
  throw new Error('the list does not come to an end');
}

export function makeEndpoint(id: EndpointId, overrides: Partial<Endpoint> = {}): Endpoint {
  return {
    ...ENDPOINT_DEFAULTS,
    id,
    number: 0,
    tenant: 'default',
    name: '',
    description: '',
    url: 'http://a.test/x',
    method: 'POST',
    headers: [],
    eventTypes: [],
    channels: [],
    scope: 'tenant',
    dialect: 'standard',
    secrets: [],
    enabled: true,
    paused: false,
    disabled: null,
    rateLimit: null,
    maxConcurrency: null,
    ordering: 'none',
    timeoutMs: null,
    retryPolicy: null,
    metadata: {},
    createdAt: T0,
    updatedAt: T0,
    ...overrides,
  };
}
