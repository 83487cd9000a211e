import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { WorkerPerformance } from 'node:worker_threads';
import type { Clock } from './core/clock.ts';
import { type At, crashAt, nowhere } from './core/crash-sites.ts';
import type { Outbound, Probe } from './core/exchange.ts';
import { COUNTERS, createIdFactory } from './core/ids.ts';
import type { InboxPlaces, InboxSink } from './core/inside.ts';
import type { Ms } from './core/model.ts';
import type { Role } from './core/roles.ts';
import type { Tracer } from './core/tracing.ts';
import { AttemptSpans } from './delivery/attempt-spans.ts';
import { Guard, parseEgressAllow } from './delivery/guard.ts';
import { Housekeeper } from './delivery/housekeeper.ts';
import { insideOutbound } from './delivery/inside.ts';
import { Lease, type LeaseOptions } from './delivery/lease.ts';
import { JobRunner, waking } from './delivery/mending/job-runner.ts';
import { erasing, lanesOf, offering, telling } from './delivery/offering.ts';
import { OwnEvents } from './delivery/own-events.ts';
import { NameResolver } from './delivery/resolver.ts';
import { createSender } from './delivery/sender.ts';
import type { WorkerLog } from './delivery/worker-options.ts';
import { Workers } from './delivery/workers.ts';
import { ConfigView } from './store/config-view.ts';
import { Follower, REPLACED } from './store/follower.ts';
import { openSqlite } from './store/sqlite/open.ts';
import type { StatsStore } from './store/stats.ts';
import type { LaneKey, Result, RetentionPolicy, Store } from './store/store.ts';
import { systemClock } from './system-clock.ts';
import { createMetrics, DURATION_BUCKETS } from './telemetry.ts';
import { createTracer } from './tracing.ts';

/** What the engine needs to know; plain data, because it may cross into a thread. */
export interface EngineSettings {
  readonly directory: string;
  /** PostgreSQL's, shared with other nodes; undefined = SQLite in the directory. */
  readonly databaseUrl: string | undefined;
  /** Further databases, over which the store is divided. */
  readonly shardUrls: readonly string[];
  readonly masterKey: string;
  readonly egressAllow: readonly string[];
  readonly allowLoopback: boolean;
  readonly allowHttp: boolean;
  readonly caFile: string | undefined;
  readonly concurrency: number;
  readonly retention: Omit<RetentionPolicy, 'chunk'>;
  /** Keep a text index. */
  readonly search: boolean;
  /** Receivers are told to which trace a request belongs. */
  readonly passTrace: boolean;
  readonly name: string;
  readonly version: string;
  readonly roles: readonly Role[];
  readonly crashAt: string | undefined;
}

export interface EngineParts {
  /** Of this machine; `Engine.clock` is the one to tell time by. */
  readonly clock: Clock;
  readonly log: WorkerLog;
  /** The process must end: the store can't be trusted until it is opened again. */
  readonly fatal: (error: Error) => void;
  /** Delivery changed the configuration (an endpoint was disabled). */
  readonly configChanged: () => void;
  /** What is sent to an inbox of this server goes here, and never to a socket. */
  readonly inside: InboxSink;
  /** Stands between the house and its store, for tests of its faults. */
  readonly wrapStore?: ((store: Store) => Store) | undefined;
  /** Another thread answers lists, derives from the log, and keeps SQLite's files short. */
  readonly readsElsewhere?: boolean;
}

/** The store and what sends from it. They share a thread: a delivery crosses none. */
export interface Engine {
  /** What is ingested through it is sent. */
  readonly store: Store;
  /** The time that all nodes of the store agree on. */
  readonly clock: Clock;
  /** Starts sending; before that the store may be looked at and changed. */
  start(): Promise<void>;
  /** Somebody else changed the configuration. */
  configChanged(): void;
  /**
   * The ports this process listens on, and where its inboxes are: what is sent to them stays inside, all
   * else that is sent to these ports is refused.
   */
  listening(places: InboxPlaces): void;
  /** `listener` is told when attempts were logged, not more often than people can see; one at most. */
  watch(listener: (() => void) | undefined): void;
  /** Its part of `/metrics`. */
  metrics(): Promise<string>;
  /** Sends one request that is no delivery, through the same guard; it is neither logged nor counted. */
  readonly probe: Probe;
  /** Stops sending: waits for what is in flight, at most `drainMs`. The store stays open. */
  drain(drainMs: Ms): Promise<void>;
  close(): Promise<void>;
}

export function crashPoint(spec: string | undefined): At {
  // SIGKILL: no handler, no flush, nothing a process could still do.
  return spec === undefined ? nowhere : crashAt(spec, () => process.kill(process.pid, 'SIGKILL'));
}

export function createGuard(
  settings: Pick<EngineSettings, 'egressAllow' | 'allowLoopback' | 'allowHttp'>,
  ownPorts: () => readonly number[],
): Guard {
  return new Guard({
    allow: settings.egressAllow.flatMap(parseEgressAllow),
    allowLoopback: settings.allowLoopback,
    allowHttp: settings.allowHttp,
    ownPorts,
  });
}

function createOutbound(
  settings: EngineSettings,
  inside: InboxSink,
  places: () => InboxPlaces | undefined,
): Outbound {
  const resolver = new NameResolver();
  const sender = createSender({
    guard: createGuard(settings, () => places()?.ports ?? []),
    resolver,
    ...(settings.caFile === undefined ? {} : { tlsCa: readFileSync(settings.caFile, 'utf8') }),
  });
  const outbound: Outbound = {
    send: (request, signal) => sender.send(request, signal),
    async close() {
      await sender.close();
      resolver.close();
    },
  };
  return insideOutbound({ outbound, places, sink: inside, now: () => performance.now() });
}

/** Gives the share of its time that a thread has worked since it was asked last. */
export function measureLoad(of: WorkerPerformance): () => number {
  let last = of.eventLoopUtilization();
  return () => {
    const next = of.eventLoopUtilization();
    const { utilization } = of.eventLoopUtilization(next, last);
    last = next;
    return utilization;
  };
}

/** Within a second of its end nothing is sent to an endpoint, whichever node ended it. */
const CONFIG_POLL_MS = 500;
/** What follows the log in this thread gives way to the rest of its work. */
const PRESSURE_EVERY_MS = 500;

export async function openEngine(settings: EngineSettings, given: EngineParts): Promise<Engine> {
  const { log } = given;
  const at = crashPoint(settings.crashAt);
  const { opened, clock } = await openStore(settings, given, at);
  const parts = { ...given, clock };
  const store = parts.wrapStore?.(opened) ?? opened;
  let places: InboxPlaces | undefined;
  const outbound = createOutbound(settings, parts.inside, () => places);
  const view = new ConfigView(store.config, ['tenant', 'endpoint']);
  const refresh = () =>
    void view.refresh().catch((err: unknown) => log.warn({ err }, 'configuration not read'));
  const meter = createMeter();
  const teller = new Teller(clock);
  const own = await openOwnEvents(store, view, clock);
  const shared = settings.databaseUrl !== undefined;
  const tracer = createTracer(settings.version);
  const since = store.shards && clock.now();
  const worker = new Workers({
    stores: store.shards?.lanes ?? [store.lanes],
    shardOf: (slot) => store.shards?.of(slot) ?? 0,
    since,
    view,
    outbound,
    clock,
    log,
    random: Math.random,
    at,
    name: settings.name,
    version: settings.version,
    roles: settings.roles,
    concurrency: settings.concurrency,
    shared,
    load: measureLoad(performance),
    spans: new AttemptSpans({ tracer, passOn: settings.passTrace }),
    tell: (outcome, now) => own.ofDelivery(outcome, now),
    attempted(result) {
      meter.attempted(result);
      teller.attempted();
    },
    configChanged() {
      refresh();
      parts.configChanged();
    },
  });
  meter.watch(worker);
  const presence = presenceOf(settings, { store, since, clock, log });
  const background = backgroundOf({ settings, parts, store, view, worker, at, tracer });
  const stopPolling = repeat(clock, CONFIG_POLL_MS, refresh);
  return {
    clock,
    store: sendingFrom({ store, worker, background, shared }),
    async start() {
      await view.refresh();
      if (settings.roles.includes('deliver')) await worker.start();
      else await presence.start();
      if (settings.roles.includes('maintain')) background.start();
    },
    configChanged: refresh,
    listening(given) {
      places = given;
    },
    watch: (listener) => teller.watch(listener),
    metrics: async () => meter.text(),
    probe: ({ url, ...request }) => outbound.send({ ...request, url: new URL(url) }),
    async drain(drainMs) {
      stopPolling();
      await background.stop();
      if (settings.roles.includes('deliver')) await worker.stop(drainMs);
      else await presence.stop();
      await outbound.close();
    },
    close: () => store.close(),
  };
}

/** What happened, as lists, statistics and the live feed ask for it. */
export function logOf(engine: Engine, { search }: EngineSettings) {
  const { log, stats } = engine.store;
  return {
    log,
    stats,
    searches: search,
    watchLog: (listener: (() => void) | undefined) => engine.watch(listener),
  };
}

async function openStore(
  settings: EngineSettings,
  { clock, readsElsewhere = false, fatal, log }: EngineParts,
  at: At,
): Promise<{ opened: Store; clock: Clock }> {
  const { databaseUrl, shardUrls, directory, masterKey, search } = settings;
  if (databaseUrl === undefined) {
    const now = () => clock.now();
    const replaced = (reason: string) => log.warn({ reason }, REPLACED);
    const how = { now, at, readsElsewhere, replaced, search, fatal };
    const opened = await openSqlite({ directory, masterKey, ...how });
    return { opened, clock };
  }
  // Loaded here, so that who keeps everything in SQLite does not pay for it.
  const { openPostgres } = await import('./store/postgres/open.ts');
  const { openShardedPostgres } = await import('./store/postgres/open-shards.ts');
  const machine = clock === systemClock;
  const now = machine ? {} : { now: () => clock.now() };
  const how = { masterKey, search, at, ...now };
  const opened =
    shardUrls.length === 0
      ? await openPostgres({ ...how, url: databaseUrl })
      : await openShardedPostgres({
          ...how,
          urls: [databaseUrl, ...shardUrls],
          trouble: tellTrouble(log, clock),
        });
  return { opened, clock: machine ? { ...clock, now: opened.now } : clock };
}

const TROUBLE_MS = 60_000;

/** One line a minute for each shard: what is done every second fails every second. */
function tellTrouble(log: WorkerLog, clock: Clock): (shard: number, err: unknown) => void {
  const quietUntil = new Map<number, Ms>();
  return (shard, err) => {
    const now = clock.now();
    if (now < (quietUntil.get(shard) ?? 0)) return;
    quietUntil.set(shard, now + TROUBLE_MS);
    log.warn({ err, shard: shard + 1 }, 'a shard failed; what lies in the others goes on');
  };
}

/** The same store; what is put into it is sent. */
function sendingFrom(of: {
  readonly store: Store;
  readonly worker: Workers;
  readonly background: ReturnType<typeof backgroundOf>;
  readonly shared: boolean;
}): Store {
  const { store, worker, background, shared } = of;
  return {
    ...store,
    config: telling(store.config, (events) => {
      background.poke();
      worker.asked(lanesOf(events));
    }),
    jobs: waking(store.jobs, {
      created: background.jobCreated,
      erased: (event) => worker.erased(event),
    }),
    log: erasing(store.log, (event) => worker.erased(event)),
    lanes: offering(store.lanes, {
      ...(shared ? { coming: (events) => worker.coming(events) } : {}),
      offer: (events) => worker.offer(events),
      stored(lanes) {
        background.poke();
        worker.asked(lanes);
      },
      asked: (lanes) => worker.asked(lanes),
    }),
  };
}

async function openOwnEvents(store: Store, view: ConfigView, clock: Clock): Promise<OwnEvents> {
  const { newestAt: after } = await store.log.stats(clock.now());
  const ids = createIdFactory(randomBytes, { after, counters: COUNTERS.delivering });
  return new OwnEvents({ view, ids });
}

/** A node that sends nothing is a node all the same: people see it, and that it lives. */
function presenceOf(
  { name, version, roles, databaseUrl }: EngineSettings,
  {
    store,
    since,
    ...of
  }: Pick<LeaseOptions, 'clock' | 'log'> & { store: Store; since: Ms | undefined },
) {
  const shared = databaseUrl !== undefined;
  const info = { name, version, roles, since };
  const leases = (store.shards?.lanes ?? [store.lanes]).map(
    (lanes) => new Lease({ ...of, store: lanes, info, shared, lost() {}, renewed() {} }),
  );
  return {
    start: () => Promise.all(leases.map((lease) => lease.start())),
    stop: () => Promise.all(leases.map((lease) => lease.leave())),
  };
}

/** What goes on beside sending: housekeeping, and the jobs that people started. */
function backgroundOf(of: {
  readonly settings: EngineSettings;
  readonly parts: EngineParts;
  readonly store: Store;
  readonly view: ConfigView;
  readonly worker: Workers;
  readonly at: At;
  readonly tracer: Tracer | undefined;
}) {
  const { settings, store, view, worker, at, tracer } = of;
  const { clock, log } = of.parts;
  const { retention } = settings;
  const poke = () => worker.poke();
  const housekeeper = new Housekeeper({ log: store.log, clock, logger: log, retention, poke });
  const asked = (lanes: readonly LaneKey[]) => worker.asked(lanes);
  const follower = of.parts.readsElsewhere
    ? undefined
    : new Follower({ stats: leadingOnly(store), clock, logger: log });
  const load = measureLoad(performance);
  let stopMeasuring = () => {};
  const { leads } = store;
  const runner = new JobRunner({ jobs: store.jobs, view, clock, log, at, leads, tracer, asked });
  return {
    poke: () => housekeeper.poke(),
    jobCreated: () => runner.poke(),
    start() {
      housekeeper.start();
      runner.start();
      if (!follower) return;
      follower.start();
      stopMeasuring = repeat(clock, PRESSURE_EVERY_MS, () => follower.pressure(load()));
    },
    stop() {
      stopMeasuring();
      return Promise.all([housekeeper.stop(), runner.stop(), follower?.stop()]);
    },
  };
}

/** What is derived is derived by one node; another one's steps would be dropped. */
function leadingOnly({ stats, leads = () => true }: Store): Pick<StatsStore, 'follow'> {
  const nothing = { counted: 0, more: false, indexed: 0, moreDocs: false };
  return {
    follow: async (budget, now) => (leads(now) ? stats.follow(budget, now) : nothing),
  };
}

/** An attempt is in the log a few milliseconds after it was made; 50 ms later nobody looks in vain. */
const TELL_AFTER_MS = 50;

/** Tells who follows the log that it grew. Nobody does most of the time: then it costs a look. */
class Teller {
  readonly #clock: Clock;
  #listener: (() => void) | undefined;
  #scheduled = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  watch(listener: (() => void) | undefined): void {
    this.#listener = listener;
  }

  attempted(): void {
    if (!this.#listener || this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.after(TELL_AFTER_MS, () => {
      this.#scheduled = false;
      this.#listener?.();
    });
  }
}

/** The change feed is polled beside being told: a change must arrive even if nobody could tell. */
export function repeat(clock: Clock, everyMs: Ms, task: () => void): () => void {
  let cancel = () => {};
  const next = () => {
    cancel = clock.after(everyMs, () => {
      task();
      next();
    });
  };
  next();
  return () => cancel();
}

const OUTCOMES = ['succeeded', 'retry', 'failed', 'cancelled'] as const;

interface Meter {
  attempted(result: Result): void;
  watch(worker: Workers): void;
  text(): string;
}

function createMeter(): Meter {
  const metrics = createMetrics();
  const attempts = metrics.counter({
    name: 'posthorn_attempts_total',
    help: 'Exchanges with receivers, by what followed.',
    labels: { outcome: OUTCOMES },
  });
  const seconds = metrics.histogram({
    name: 'posthorn_attempt_duration_seconds',
    help: 'Name resolution to last byte of the response.',
    buckets: DURATION_BUCKETS,
  });
  return {
    attempted({ next, attempt }) {
      attempts.add(1, { outcome: next.kind === 'keep' ? 'retry' : next.kind });
      seconds.observe(attempt.timings.totalMs / 1000);
    },
    watch(worker) {
      metrics.observed(
        { name: 'posthorn_deliveries_in_flight', help: 'Requests being sent now.' },
        () => worker.stats.inFlight,
      );
      metrics.observed(
        { name: 'posthorn_lanes_held', help: 'Lanes this node sends for now.' },
        () => worker.stats.held,
      );
    },
    text: () => metrics.text(),
  };
}
