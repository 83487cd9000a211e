import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Endpoint } from '../core/model.ts';
import { slotOf } from '../core/routing.ts';
import { parseSearch, type SearchText } from '../core/words.ts';
import { createMemoryStore } from './memory.ts';
import type {
  Acquired,
  ConfigChange,
  ConfigKind,
  Due,
  LaneKey,
  LogQuery,
  NewEvent,
  Next,
  NoticeWhen,
  Result,
  Store,
} from './store.ts';
import {
  DAY,
  everyPage,
  keyOf,
  laneOf,
  makeEndpoint,
  type OpenStore,
  RETENTION,
  T0,
  World,
} from './suite/world.suite.ts';

const OPERATIONS_MAX = 60;
const LANE_MAX = 6;
const TENANTS = ['default', 'default', 'default', 'other'] as const;
const KINDS: readonly ConfigKind[] = ['endpoint', 'event-type'];
const ORDERINGS = ['none', 'none', 'endpoint', 'none'] as const;

const TOLD: readonly NoticeWhen[] = [
  { kind: 'applied' },
  { kind: 'disabled' },
  { kind: 'recovered' },
  { kind: 'failing', level: 24 },
  { kind: 'failing', level: 72 },
];

const index = fc.nat(1000);
const operation = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('ingest'),
      to: fc.subarray([0, 1, 2, 3], { minLength: 1 }),
      count: fc.integer({ min: 1, max: 3 }),
      key: fc.option(fc.nat(3), { nil: undefined }),
      data: fc.nat(1),
      stale: fc.nat(9).map((n) => n === 0),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('acquire'), node: index }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('fetch'), of: index, limit: fc.nat(5) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('complete'),
      node: index,
      row: index,
      next: fc.constantFrom('succeeded', 'succeeded', 'failed', 'cancelled', 'retry', 'keep'),
      wait: fc.constantFrom(0, 1, 500, 5000),
      release: fc.boolean(),
      disable: fc.nat(9).map((n) => n === 0),
      tell: fc.constantFrom(undefined, undefined, ...TOLD),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('command'),
      row: index,
      what: fc.constantFrom('cancel', 'retryNow'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('requeue'),
      event: index,
      of: index,
      after: fc.constantFrom(undefined, undefined, 0, 1),
      ownId: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('put'),
      of: index,
      change: fc.constantFrom('pause', 'resume', 'resume', 'delete', 'order', 'tell'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('leave', 'reap', 'join', 'heartbeat', 'start', 'maintain', 'erase'),
      node: index,
      row: index,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('step'),
      ms: fc.constantFrom(1, 1, 500, 5000, 20_000, 16 * DAY),
    }),
  },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

export interface ModelOptions {
  readonly runs: number;
  /** false = it counts versions of configuration in steps of its own. */
  readonly counted?: boolean;
}

/** Repeatable unless told: `POSTHORN_TEST_SEED=random npx vitest run …/model` looks for more. */
// biome-ignore lint/style/noProcessEnv: it belongs to the tests, not to the product's configuration.
const SEED = process.env['POSTHORN_TEST_SEED'] === 'random' ? undefined : 1;

/** The same sequence of calls gives the same answers and the same lists as memory gives. */
export function modelTest(
  name: string,
  open: OpenStore,
  { runs, counted = true }: ModelOptions,
): void {
  test(`${runs} random sequences of calls: ${name} answers as memory does`, async () => {
    const sequences = fc.array(operation, { maxLength: OPERATIONS_MAX, size: 'max' });
    // A failure is thrown with its seed and path: fc.assert(…, { seed, path }) repeats it.
    await fc.assert(
      fc.asyncProperty(sequences, async (operations) => {
        await using world = new World(open);
        await world.open({ laneMax: LANE_MAX });
        const twins = new Twins(createMemoryStore({ laneMax: LANE_MAX }), { world, counted });
        await twins.begin();
        for (const one of operations) await twins.run(one);
        await twins.compareLists();
        // What is derived is a file to be made and followed: a part of the runs is enough.
        const part = operations.length % 5;
        if (part === 0) await twins.compareStats();
        if (part === 1) await twins.compareFiltered();
        if (part === 2) await twins.compareSearches();
      }),
      { numRuns: runs, endOnFailure: false, ...(SEED === undefined ? {} : { seed: SEED }) },
    );
  }, 300_000);
}

/** Both stores, asked the same; what they were told, so that later calls can refer to it. */
class Twins {
  readonly #memory: Store;
  readonly #world: World;
  readonly #endpoints: Endpoint[] = [];
  readonly #events: NewEvent[] = [];
  readonly #nodes: number[] = [];
  #rows: Due[] = [];
  readonly #counted: boolean;
  readonly #versions = new Map<Store, number>();
  #removed = 0;

  /** `world` holds the other store. */
  constructor(memory: Store, { world, counted }: { world: World; counted: boolean }) {
    this.#memory = memory;
    this.#world = world;
    this.#counted = counted;
  }

  get #now(): number {
    return this.#world.now;
  }

  /** Asks both and compares; a refusal is an answer too. */
  async #both<T>(ask: (store: Store) => Promise<T>): Promise<T | undefined> {
    const [a, b] = await Promise.allSettled([ask(this.#memory), ask(this.#world.store)]);
    expect(this.#plain(b)).toEqual(this.#plain(a));
    return a.status === 'fulfilled' ? a.value : undefined;
  }

  #plain(answer: PromiseSettledResult<unknown>): unknown {
    return plain(answer, this.#counted ? [] : ['version']);
  }

  /** A change of both, and the versions that they have by it. */
  async #write(change: ConfigChange, events: readonly NewEvent[] = []) {
    const done = await this.#both(async (s) => {
      const written = await s.config.put([change], this.#now, events);
      this.#versions.set(s, written.version);
      return written;
    });
    return done?.items[0]?.value;
  }

  async begin(): Promise<void> {
    for (const [i, tenant] of TENANTS.entries()) {
      const ordering = ORDERINGS[i] ?? 'none';
      await this.#put(makeEndpoint(this.#world.ids.endpoint(T0), { tenant, ordering }));
    }
    await this.run({ do: 'join', node: 0, row: 0 });
  }

  async run(one: Operation): Promise<void> {
    switch (one.do) {
      case 'ingest':
        return this.#ingest(one);
      case 'complete':
        return this.#complete(one);
      case 'step':
        this.#world.now += one.ms;
        return;
      default:
        return this.#other(one);
    }
  }

  async #ingest(one: Operation & { do: 'ingest' }): Promise<void> {
    const endpoints = one.to.flatMap((i) => this.#endpoints[i] ?? []);
    const tenant = endpoints[0]?.tenant ?? 'default';
    const lanes = endpoints.filter((e) => e.tenant === tenant).map(laneOf);
    const events = Array.from({ length: one.count }, (_, i) => {
      const data = Buffer.from(`{"n":${one.data}}`);
      const hash = createHash('sha256').update(data).digest();
      const keyed = one.key === undefined ? {} : { idempotencyKey: `k${one.key + i}`, hash };
      return this.#world.event(lanes, { tenant, data, ...keyed });
    });
    await this.#both((s) => {
      const newest = this.#versions.get(s) ?? 0;
      // Where versions are not counted alike, a step back may concern somebody else.
      const version = one.stale ? (this.#counted ? newest - 1 : 0) : newest;
      return s.lanes.ingest([{ events }, { events: [] }], version, this.#now);
    });
    this.#events.push(...events);
  }

  async #complete(one: Operation & { do: 'complete' }): Promise<void> {
    const node = pick(this.#nodes, one.node) ?? 0;
    const row = pick(this.#rows, one.row);
    const at = this.#now + one.wait;
    const kind = one.next;
    const next: Next = kind === 'retry' || kind === 'keep' ? { kind, at } : { kind };
    const results = row ? [this.#resultOf(row, next, one)] : [];
    const place = row ?? keyOf(this.#endpoints[0] as Endpoint);
    const failing = { notBefore: at, failingSince: this.#now, failures: one.wait };
    const release = one.release ? [{ slot: place.slot, lane: place.lane, ...failing }] : [];
    await this.#both((s) => s.lanes.complete(node, { results, release }, this.#now));
    await this.#both(async (s) => {
      const { items } = await s.config.changes(0, 100, KINDS);
      this.#versions.set(s, items.at(-1)?.version ?? 0);
    });
  }

  #resultOf(row: Due, next: Next, one: Operation & { do: 'complete' }): Result {
    const endpoint = this.#endpoints.find((e) => laneOf(e) === row.lane) as Endpoint;
    const { id, tenant } = endpoint;
    const type = this.#events.find((event) => event.id === row.event)?.type ?? '';
    const result = this.#world.result(row, next, { endpoint: id, tenant, type });
    const disable = one.disable ? ({ reason: 'gone' } as const) : undefined;
    if (one.tell === undefined) return { ...result, disable };
    const lanes = this.#endpoints.filter((e) => e.tenant === tenant).map(laneOf);
    const event = this.#world.event(lanes, { tenant, type: 'told' });
    this.#events.push(event);
    return { ...result, disable, notices: [{ event, when: one.tell }] };
  }

  async #other(one: Operation): Promise<void> {
    const now = this.#now;
    const node = 'node' in one ? (pick(this.#nodes, one.node) ?? 0) : 0;
    const row = 'row' in one ? pick(this.#rows, one.row) : undefined;
    const of = 'of' in one ? pick(this.#endpoints, one.of) : undefined;
    if (one.do === 'acquire') {
      await this.#both(async (s) => sorted(await s.lanes.acquire(node, 100, now)));
    } else if (one.do === 'join') {
      const joined = await this.#both((s) => s.lanes.join({ name: '', version: '' }, 15_000, now));
      this.#nodes.push(joined ?? 0);
    } else if (one.do === 'leave') await this.#both((s) => s.lanes.leave(node, now));
    else if (one.do === 'reap') await this.#both((s) => s.lanes.reap(now));
    else if (one.do === 'heartbeat') await this.#both((s) => s.lanes.heartbeat(node, 15_000, now));
    else if (one.do === 'maintain') await this.#maintain();
    else if (one.do === 'erase') await this.#erase(one.row);
    else if (one.do === 'start' && row) await this.#both((s) => s.lanes.start(node, row));
    else if ('limit' in one && of) await this.#fetch(keyOf(of), one.limit + 1);
    else if ('what' in one && row) {
      const { slot, lane, event, run } = row;
      const command = { slot, lane, event, run, do: one.what } as const;
      await this.#both((s) => s.lanes.command([command], now));
    } else if ('event' in one && of) await this.#requeue(of, one);
    else if ('change' in one && of) await this.#change(of, one.change);
  }

  async #fetch({ slot, lane }: LaneKey, limit: number): Promise<void> {
    const cursor = { slot, lane, after: undefined, limit };
    const rows = await this.#both((s) => s.lanes.fetch([cursor], this.#now));
    this.#rows = [...(rows ?? []), ...this.#rows].slice(0, 12);
    await this.#both((s) => s.lanes.load(rows ?? []));
  }

  async #requeue(endpoint: Endpoint, one: Operation & { do: 'requeue' }): Promise<void> {
    const event = pick(this.#events, one.event);
    if (!event || event.tenant !== endpoint.tenant) return;
    const { after, ownId } = one;
    const what = { ...keyOf(endpoint), event: event.id, after, ownId };
    // Fan-outs grow by it, and are counted as they were.
    await this.#world.stats.follow({ rows: 1000, docs: 0 }, this.#now);
    await this.#both((s) => s.lanes.requeue([what], this.#now));
  }

  async #erase(which: number): Promise<void> {
    const event = pick(this.#events, which);
    if (!event) return;
    const what = { tenant: event.tenant, event: event.id, from: 0 };
    await this.#both((s) => s.log.erase(what, this.#now));
  }

  async #change(endpoint: Endpoint, change: string): Promise<void> {
    if (change === 'delete') {
      const { id, tenant } = endpoint;
      const gone = { kind: 'endpoint', id, tenant, value: null, expected: undefined } as const;
      await this.#write(gone);
    } else if (change === 'tell') {
      const event = this.#world.event([laneOf(endpoint)], { tenant: endpoint.tenant });
      const type = { kind: 'event-type', id: 'a', tenant: 'a', value: {} } as const;
      await this.#write({ ...type, expected: undefined }, [event]);
      this.#events.push(event);
    } else if (change === 'order') {
      await this.#put({ ...endpoint, ordering: 'endpoint' });
    } else {
      await this.#put({ ...endpoint, paused: change === 'pause' });
    }
  }

  async #put(value: Endpoint): Promise<void> {
    const { id, tenant } = value;
    const change = { kind: 'endpoint', id, tenant, value, expected: undefined } as const;
    const written = await this.#write(change);
    const known = this.#endpoints.findIndex((e) => e.id === id);
    const stored = written as Endpoint;
    this.#endpoints[known < 0 ? this.#endpoints.length : known] = stored;
  }

  async #maintain(): Promise<void> {
    // Payloads are kept for a shorter time than their log.
    const policy = { ...RETENTION, payloadMs: 20 * DAY, chunk: 4 };
    const done = await this.#both(async (store) => {
      const sum = { expanded: 0, cancelled: 0, expired: 0, removed: 0, erased: 0 };
      for (;;) {
        const { more, ...step } = await store.log.maintain(policy, this.#now);
        for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += step[name];
        if (!more) return sum;
      }
    });
    this.#removed += done?.removed ?? 0;
  }

  /** What filters choose is chosen in the same order. */
  async compareFiltered(): Promise<void> {
    for (const tenant of new Set(TENANTS)) await this.#compareFilteredIn(tenant);
  }

  async #compareFilteredIn(tenant: string): Promise<void> {
    const middle = Math.floor((T0 + this.#now) / 2);
    const queries: Partial<LogQuery>[] = [
      { type: 'told' },
      { type: '*o*' },
      { type: 'user.*', state: 'succeeded' },
      { status: { least: 500, most: 599 } },
      { state: 'failed', fault: 'expired' },
      { state: 'pending' },
      { from: middle },
      { to: middle },
    ];
    for (const query of queries) {
      const whole = { tenant, limit: 4, ...query };
      await this.#both((s) => everyPage((cursor) => s.log.attempts({ ...whole, cursor })));
      if (query.state !== undefined) continue;
      await this.#both((s) => everyPage((cursor) => s.log.events({ ...whole, cursor })));
    }
  }

  /** What is found by its words, or by a subject that nothing has, comes by event. */
  async compareSearches(): Promise<void> {
    const texts = ['1', '500', 'user 0', 'tol*', '500 cre*', 'nothing'];
    for (const tenant of new Set(TENANTS)) {
      for (const text of texts.map(parseSearch) as SearchText[]) {
        const query = { tenant, limit: 3, text };
        await this.#both((s) => everyPage((cursor) => s.log.events({ ...query, cursor })));
        await this.#both((s) => everyPage((cursor) => s.log.deliveries({ ...query, cursor })));
        await this.#both((s) => everyPage((cursor) => s.log.attempts({ ...query, cursor })));
        const narrow = { ...query, state: 'failed', from: T0 + DAY } as const;
        await this.#both((s) => everyPage((cursor) => s.log.attempts({ ...narrow, cursor })));
      }
    }
  }

  async compareStats(): Promise<void> {
    const ids = this.#endpoints.map(({ id }) => id);
    await this.#both((s) => s.stats.endpoints(ids, '30d', this.#now));
    for (const tenant of new Set(TENANTS)) {
      await this.#both((s) => s.stats.tenant(tenant, '24h', this.#now));
    }
  }

  async compareLists(): Promise<void> {
    await this.#both(async (s) => {
      // Only PostgreSQL makes room ahead.
      const { attempts, roomUntil: _, ...rest } = await s.log.stats(this.#now);
      // SQLite counts from the first row to the last, so gaps that housekeeping left count.
      return this.#removed > 0 ? rest : { attempts, ...rest };
    });
    for (const endpoint of this.#endpoints) {
      const { tenant } = endpoint;
      const one = { tenant, limit: 3, endpoint: endpoint.id };
      await this.#both((s) => everyPage((cursor) => s.log.deliveries({ ...one, cursor })));
      await this.#both((s) => everyPage((cursor) => s.log.attempts({ ...one, cursor })));
      await this.#fetch({ slot: slotOf(tenant), lane: laneOf(endpoint) }, 100);
    }
    for (const tenant of new Set(TENANTS)) {
      const all = { tenant, limit: 4 };
      await this.#both((s) => s.log.pending(tenant));
      await this.#both((s) => everyPage((cursor) => s.log.events({ ...all, cursor })));
      await this.#both((s) => everyPage((cursor) => s.log.deliveries({ ...all, cursor })));
      for (const state of ['pending', 'succeeded', 'failed', 'cancelled'] as const) {
        await this.#both((s) => everyPage((cursor) => s.log.deliveries({ ...all, state, cursor })));
      }
    }
    await this.#both(async (s) => (await s.config.changes(0, 100, KINDS)).items);
  }
}

function pick<T>(list: readonly T[], at: number): T | undefined {
  return list[at % Math.max(list.length, 1)];
}

/** Which lanes a node was given matters, not in what order equal ones came. */
function sorted(acquired: Acquired): Acquired {
  const byPlace = (a: LaneKey, b: LaneKey) => a.slot - b.slot || a.lane - b.lane;
  return {
    ...acquired,
    lanes: acquired.lanes.toSorted(byPlace),
    commanded: acquired.commanded.toSorted(byPlace),
  };
}

/**
 * Comparable: bytes as text, refusals by kind, and no ids or wording of decisions that each store
 * makes up by itself.
 */
function plain(answer: PromiseSettledResult<unknown>, without: readonly string[]): unknown {
  if (answer.status === 'rejected') return { refused: (answer.reason as { kind?: string }).kind };
  return JSON.parse(
    JSON.stringify(answer.value ?? null, function (this: Record<string, unknown>, name, value) {
      if (without.includes(name)) return undefined;
      if (name === 'id' && String(value).startsWith('att_')) return 'att_';
      // Asked of the holder: a Buffer has been made a list before it comes as `value`.
      const bytes = this[name];
      return bytes instanceof Uint8Array ? Buffer.from(bytes).toString('hex') : value;
    }),
  );
}
