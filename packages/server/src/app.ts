import { randomBytes } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import type { RequestListener } from 'node:http';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { VERSION } from '@posthorn/wire';
import { refuseHalfRestored } from './admin/restore.ts';
import type { Config } from './config.ts';
import type { Clock } from './core/clock.ts';
import { createIdFactory, type IdFactory } from './core/ids.ts';
import { type InboxPlaces, type InboxSink, inboxOfUrl, notYet } from './core/inside.ts';
import type { Endpoint } from './core/model.ts';
import { withoutSlash } from './core/public-url.ts';
import { SchemaChecker } from './delivery/catalogue/checker.ts';
import { EventJudge, FINDING_CODES } from './delivery/catalogue/judge.ts';
import { Samples } from './delivery/catalogue/samples.ts';
import { startHere } from './delivery/catalogue/schema-runner.ts';
import { Erasing } from './delivery/mending/erasing.ts';
import { Jobs } from './delivery/mending/jobs.ts';
import { Mending } from './delivery/mending/mending.ts';
import { PurgeRunner } from './delivery/mending/purge-runner.ts';
import { Purges, purgeUnderWay } from './delivery/mending/purges.ts';
import { OwnEvents } from './delivery/own-events.ts';
import { Publishing } from './delivery/publishing.ts';
import { Registry } from './delivery/registry/registry.ts';
import { Stager } from './delivery/stager.ts';
import { Tester } from './delivery/tester.ts';
import {
  crashPoint,
  createGuard,
  type Engine,
  type EngineParts,
  type EngineSettings,
  logOf,
  openEngine,
  repeat,
} from './engine.ts';
import { insideSink } from './http/inbox/inside.ts';
import { createHttpServer } from './http/server.ts';
import { InboxView } from './inbox/view.ts';
import { createInboxRoom, type InboxRoom } from './inbox-room.ts';
import { keepAddress, keyFile } from './kept-key.ts';
import { createOAuthRoom } from './oauth-room.ts';
import { builtPages } from './pages.ts';
import { ConfigView } from './store/config-view.ts';
import { ConfigWriter } from './store/config-writer.ts';
import type { InboxStore } from './store/inbox.ts';
import { openSqliteInbox } from './store/sqlite/open-inbox.ts';
import type { Store } from './store/store.ts';
import { readiness, storeMetrics } from './store-health.ts';
import { systemClock } from './system-clock.ts';
import type { Logger, Metrics } from './telemetry.ts';
import {
  type InboxThread,
  startEngineThreads,
  startInboxThread,
  startSchemaThread,
} from './threads.ts';
import { createTracer } from './tracing.ts';

/** As many as have a connection of their own: what queues meanwhile becomes the next batch. */
const POSTGRES_BATCHES = 2;

export interface AppOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Virtual time for tests; implies `inline`. */
  readonly clock?: Clock;
  /** Everything in this thread: tests from source, and hosts that forbid threads. */
  readonly inline?: boolean;
  /** false = no socket: `handler` is mounted in a server of the caller's. */
  readonly listen?: boolean;
  /** Stands between the house and its store, for tests of its faults; implies `inline`. */
  readonly wrapStore?: (store: Store) => Store;
}

export interface App {
  /** Where people reach it; without a socket of its own, what the configuration says of that. */
  readonly url: string;
  /** Answers a request as the own socket would. */
  readonly handler: RequestListener;
  readonly adminKey: {
    /** Known only when it was made or given now, or kept in `file`. */
    readonly text: string | undefined;
    readonly file: string | undefined;
    readonly made: boolean;
  };
  /** A new link that signs one operator in to the dashboard; undefined = there is no dashboard. */
  readonly dashboardLink: () => Promise<string | undefined>;
  readonly publisher: Publishing;
  readonly registry: Registry;
  readonly store: Store;
  /** Stops intake, drains, closes the store. Repeated calls are the same one. */
  close(): Promise<void>;
  /** Resolves when it ends: with what forced it, or without after `close`. */
  readonly closed: Promise<Error | undefined>;
}

/** The composition root: opens the parts in order, and closes them in reverse. */
export async function startApp(options: AppOptions): Promise<App> {
  const closers: (() => Promise<void> | void)[] = [];
  let end: (error: Error | undefined) => void = () => {};
  const closed = new Promise<Error | undefined>((resolve) => {
    end = resolve;
  });
  const closeAll = async () => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const app = await compose(options, { closers, fatal: end });
    let closing: Promise<void> | undefined;
    return {
      ...app,
      closed,
      close: () => {
        closing ??= closeAll().then(() => end(undefined));
        return closing;
      },
    };
  } catch (error) {
    await closeAll().catch((err: unknown) => {
      options.logger.warn({ err }, 'not everything could be closed');
    });
    throw error;
  }
}

interface Lifetime {
  readonly closers: (() => Promise<void> | void)[];
  readonly fatal: (error: Error) => void;
}

interface Stores {
  readonly settings: EngineSettings;
  readonly clock: Clock;
  readonly engine: Engine;
  readonly inboxStore: InboxStore;
  readonly view: ConfigView;
  readonly inboxes: InboxView;
  /** From now on what is sent to our own inboxes is captured. */
  readonly openInside: (sink: InboxSink) => void;
}

/** Keys, inboxes and endpoints that were changed on other nodes are known here so soon. */
const FOREIGN_CHANGES_MS = 100;

/** Everything that keeps something, open, and the configuration read. */
async function openStores(options: AppOptions, lifetime: Lifetime): Promise<Stores> {
  const { config, logger } = options;
  const { closers, fatal } = lifetime;
  makeDirectory(config.dataDirectory);
  refuseHalfRestored(config.dataDirectory);
  const settings = engineSettings(config);
  let view: ConfigView | undefined;
  const configChanged = () =>
    void view?.refresh().catch((err: unknown) => logger.warn({ err }, 'configuration not read'));
  const { wrapStore } = options;
  const machine = options.clock ?? systemClock;
  let sink = notYet;
  const inside: InboxSink = (request) => sink(request);
  const parts = { settings, clock: machine, fatal, configChanged, wrapStore, inside };
  const inbox = startInboxIn(options, { settings, fatal });
  closers.push(() => inbox.end());
  const engine = await openIn(options, parts);
  const { clock } = engine;
  closers.push(() => engine.close());
  const inboxStore = await inbox.open();
  closers.push(() => inboxStore.close());
  view = new ConfigView(engine.store.config);
  const inboxes = new InboxView();
  view.onChange((items) => inboxes.apply(items));
  await view.refresh();
  if (settings.databaseUrl !== undefined) {
    closers.push(repeat(clock, FOREIGN_CHANGES_MS, configChanged));
  }
  const openInside = (opened: InboxSink) => {
    sink = opened;
  };
  return { settings, clock, engine, inboxStore, view, inboxes, openInside };
}

async function compose(
  options: AppOptions,
  lifetime: Lifetime,
): Promise<Omit<App, 'closed' | 'close'>> {
  const { config, logger, metrics } = options;
  const { closers } = lifetime;
  const stores = await openStores(options, lifetime);
  const { settings, clock, engine, view } = stores;
  const { store } = engine;
  let places: InboxPlaces | undefined;
  const guard = createGuard(settings, () => places?.ports ?? []);
  const ids = createIdFactory(randomBytes, {
    after: (await store.log.stats(clock.now())).newestAt,
  });
  const own = new OwnEvents({ view, ids });
  const checker = createChecker(options);
  closers.push(() => checker.close());
  const judgeUrl = (url: URL) =>
    places && inboxOfUrl(url, places) ? undefined : guard.judgeUrl(url);
  const registry = createRegistry({ stores, ids, judgeUrl, own, checker });
  await registry.tenants.ensureDefault();
  const adminKey = await provideAdminKey(registry, config);

  view.onChange(() => engine.configChanged());
  await engine.start();

  const purger = startPurger(options, stores, closers);
  const begun = () => purger.poke();
  const verbs = verbsOf({ options, engine, view, ids, clock, checker, begun });

  let url = config.baseUrl ?? 'http://localhost';
  const pages = builtPages(config, logger);
  const inbox = openInboxRoom({ options, stores, ids, verbs, publicUrl: () => url });
  stores.openInside(insideSink(inbox.deps));
  const { publisher } = verbs;
  const http = await createHttpServer({
    ...verbs,
    roles: config.roles,
    registry,
    oauth: createOAuthRoom({ ...config, store: store.config, view, ids, registry, own, clock }),
    nodes: () => store.lanes.nodes(clock.now()),
    config: view,
    ...logOf(engine, settings),
    tracer: createTracer(VERSION),
    configStore: store.config,
    inbox: inbox.deps,
    ready: async () => readiness(store, clock),
    metrics: async () => metrics.text() + (await measured(engine, clock)),
    version: VERSION,
    publicUrl: () => url,
    ...pages,
    logger,
    now: () => clock.now(),
  });
  startStager({ options, store, publisher, clock }, closers);
  // At once, not one after the other: together they have the time a stop may take.
  closers.push(async () => {
    const answered = Promise.all([publisher.close(), inbox.drain()]);
    await Promise.all([http.close(config.drainMs), engine.drain(config.drainMs)]);
    await answered;
  });
  const open = (ports: readonly number[]) => {
    places = { publicUrl: url, domain: config.inboxDomain, ports };
    engine.listening(places);
  };
  if (options.listen !== false) {
    const address = await http.listen({ host: config.host, port: config.port });
    url = keptUrl(config, address);
    open([address.port]);
  } else if (config.baseUrl !== undefined) open([]);
  const handler: RequestListener = (req, res) => void http.server.emit('request', req, res);
  const dashboardLink = async () => (pages.dashboard ? operatorLink(registry, url) : undefined);
  return { url, handler, adminKey, dashboardLink, publisher, registry, store };
}

interface RegistryParts {
  readonly stores: Stores;
  readonly ids: IdFactory;
  readonly judgeUrl: (url: URL) => string | undefined;
  readonly own: OwnEvents;
  readonly checker: SchemaChecker;
}

function createRegistry({ stores, ids, judgeUrl, own, checker }: RegistryParts): Registry {
  const { engine, clock, view } = stores;
  const { store } = engine;
  return new Registry({
    store: store.config,
    ids,
    now: () => clock.now(),
    random: randomBytes,
    judgeUrl,
    schemaRefusal: (schema, owner) => checker.refusal(schema, owner),
    tell: (before, after, at) => own.ofChange(before, after, at),
    refresh: () => view.refresh(),
    isPurged: async (tenant) => (await purgeUnderWay(store.jobs, tenant)) !== undefined,
  });
}

/** What people and producers ask for, apart from configuration. */
interface VerbParts {
  readonly options: AppOptions;
  readonly engine: Engine;
  readonly view: ConfigView;
  readonly ids: IdFactory;
  readonly clock: Clock;
  readonly checker: SchemaChecker;
  /** A purge was asked for. */
  readonly begun: () => void;
}

function verbsOf(parts: VerbParts) {
  const { engine, view, ids, clock, begun } = parts;
  const { store, probe } = engine;
  const { config, metrics } = parts.options;
  const judge = createJudge(parts);
  const at = crashPoint(config.crashAt);
  const publisher = new Publishing({
    store: store.lanes,
    shards: { count: store.shards?.lanes.length ?? 1, of: (slot) => store.shards?.of(slot) ?? 0 },
    view,
    ids,
    clock,
    queueEventsMax: config.queueEvents,
    queueBytesMax: config.queueBytes,
    at,
    batchesMax: config.databaseUrl === undefined ? undefined : POSTGRES_BATCHES,
    judge: (tenant, drafts) => judge.judge(tenant, drafts),
    undecided: tellUndecided(parts.options, clock),
  });
  describeTo(metrics, publisher);
  const samples = new Samples({ view, store: store.config });
  const tester = new Tester({ view, samples, log: store.log, ids, clock, probe });
  const mending = new Mending({ lanes: store.lanes, log: store.log, view, clock });
  const jobs = new Jobs({ jobs: store.jobs, view, ids, clock, at });
  const erasing = new Erasing({ log: store.log, clock });
  const purges = new Purges({ store: store.config, jobs: store.jobs, ids, clock, at, begun });
  return { publisher, tester, mending, jobs, erasing, purges, judge };
}

function openInboxRoom(of: {
  readonly options: AppOptions;
  readonly stores: Stores;
  readonly ids: IdFactory;
  readonly verbs: ReturnType<typeof verbsOf>;
  readonly publicUrl: () => string;
}): InboxRoom {
  const { options, ids, verbs, publicUrl } = of;
  const { engine, clock, view, inboxStore, inboxes } = of.stores;
  return createInboxRoom({
    config: options.config,
    clock,
    ids,
    store: inboxStore,
    view: inboxes,
    configStore: engine.store.config,
    refresh: () => view.refresh(),
    publicUrl,
    compare: (tenant, event) => verbs.judge.compare(tenant, event),
    probe: (request) => engine.probe(request),
    log: options.logger,
  });
}

/** Beside the engine, as it reaches into the inboxes too. */
function startPurger(
  { config, logger: log }: AppOptions,
  { engine, settings, clock, view, inboxStore: inboxes }: Stores,
  closers: Lifetime['closers'],
): PurgeRunner {
  const { jobs, config: store } = engine.store;
  const now = () => clock.now();
  const writer = new ConfigWriter({ store, now, refresh: () => view.refresh() });
  const shared = settings.databaseUrl !== undefined;
  const at = crashPoint(config.crashAt);
  const tracer = createTracer(VERSION);
  const runner = new PurgeRunner({ jobs, store, writer, inboxes, clock, log, at, shared, tracer });
  if (config.roles.includes('maintain')) runner.start();
  closers.push(() => runner.stop());
  return runner;
}

/** One line a minute: whoever makes it happen may make it happen often. */
function tellUndecided(
  { logger, metrics }: AppOptions,
  clock: Clock,
): (endpoint: Endpoint) => void {
  const count = metrics.counter({
    name: 'posthorn_filters_undecided_total',
    help: 'Events sent although the filter cost too much to be answered.',
  });
  let quietUntil = 0;
  return ({ id, tenant }) => {
    count.add(1);
    const now = clock.now();
    if (now < quietUntil) return;
    quietUntil = now + 60_000;
    logger.warn({ endpoint: id, tenant }, 'a filter costs too much: the event is sent unfiltered');
  };
}

/** Where programs publish in transactions of their own, somebody routes that. */
function startStager(
  of: {
    readonly options: AppOptions;
    readonly store: Store;
    readonly clock: Clock;
    readonly publisher: Publishing;
  },
  closers: Lifetime['closers'],
): void {
  const { store, publisher, clock } = of;
  const { config, logger } = of.options;
  if (!store.staged || !config.roles.includes('maintain')) return;
  const stager = new Stager({ staged: store.staged, publisher, clock, log: logger });
  stager.start();
  closers.push(() => stager.stop());
}

interface EngineOf extends Omit<EngineParts, 'log'> {
  readonly settings: EngineSettings;
}

/** In threads, or here: with virtual time, a store in between, or from source. */
function isInline({ clock, wrapStore, inline = false }: AppOptions): boolean {
  return inline || clock !== undefined || wrapStore !== undefined;
}

function openIn(options: AppOptions, of: EngineOf): Promise<Engine> {
  const { config, logger } = options;
  // No thread waits for PostgreSQL's answers, so there sending needs none of its own.
  const elsewhere = of.settings.databaseUrl !== undefined;
  if (elsewhere || isInline(options)) return openEngine(of.settings, { ...of, log: logger });
  const { settings, fatal, configChanged, inside } = of;
  const { logLevel: level, logFormat: format } = config;
  return startEngineThreads({
    settings,
    fatal,
    configChanged,
    inside,
    logger: { level, format, colors: false },
  });
}

function createChecker(options: AppOptions): SchemaChecker {
  const { logger, metrics } = options;
  const stops = metrics.counter({
    name: 'posthorn_schema_stops_total',
    help: 'Schemas whose check took too long, or too much memory.',
  });
  return new SchemaChecker({
    start: isInline(options) ? startHere : startSchemaThread,
    // Of the machine, not of a test: what it limits is real work.
    clock: systemClock,
    stopped(schema) {
      stops.add();
      logger.warn({ schema }, 'a schema took too long to check and is left alone for a while');
    },
  });
}

function createJudge({ options, view, engine, checker }: VerbParts): EventJudge {
  const { store } = engine;
  const unfit = options.metrics.counter({
    name: 'posthorn_events_unfit_total',
    help: 'Posted events that are not what the catalogue of their tenant says.',
    labels: { validation: ['warn', 'refuse'], reason: FINDING_CODES },
  });
  return new EventJudge({
    view,
    store: store.config,
    checker,
    async isStored(tenant, idempotencyKey) {
      const { items } = await store.log.events({ tenant, idempotencyKey, limit: 1 });
      return items.length > 0;
    },
    found: (validation, { code }) => unfit.add(1, { validation, reason: code }),
  });
}

/** In a thread of its own, or here. It opens beside the engine, whose lock covers its file. */
function startInboxIn(options: AppOptions, of: Pick<EngineOf, 'settings' | 'fatal'>): InboxThread {
  const { directory, masterKey, databaseUrl: url, shardUrls } = of.settings;
  const { fatal } = of;
  const here = (open: InboxThread['open']) => ({ open, end: async () => {} });
  if (url !== undefined && shardUrls.length > 0) {
    return here(async () => {
      const { openShardedPostgresInbox } = await import('./store/postgres/open-shards.ts');
      return openShardedPostgresInbox([url, ...shardUrls], masterKey);
    });
  }
  if (url !== undefined) {
    return here(async () => {
      const { openPostgresInbox } = await import('./store/postgres/open-inbox.ts');
      return openPostgresInbox({ url, masterKey });
    });
  }
  if (isInline(options)) return here(() => openSqliteInbox({ directory, masterKey, fatal }));
  const { logLevel: level, logFormat: format } = options.config;
  return startInboxThread({
    directory,
    masterKey,
    fatal,
    logger: { level, format, colors: false },
  });
}

function engineSettings(config: Config): EngineSettings {
  return {
    directory: config.dataDirectory,
    databaseUrl: config.databaseUrl,
    shardUrls: config.shardUrls,
    roles: config.roles,
    masterKey: config.masterKey ?? keptMasterKey(config.dataDirectory),
    egressAllow: config.egressAllow,
    allowLoopback: config.mode === 'dev',
    allowHttp: config.egressHttp,
    caFile: config.egressCaFile,
    concurrency: config.concurrency,
    retention: {
      logMs: config.retentionMs,
      payloadMs: config.payloadRetentionMs,
      bytesMax: config.storeMaxBytes,
    },
    search: config.search,
    passTrace: config.passTrace,
    name: hostname(),
    version: VERSION,
    crashAt: config.crashAt,
  };
}

/** Recursive mkdir names a read-only file system badly, so the place that exists is asked itself. */
function makeDirectory(path: string): void {
  let place = path;
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.W_OK);
  } catch (cause) {
    while (!existsSync(place) && place !== dirname(place)) place = dirname(place);
    throw new Error(
      `The data directory ${path} can't be used: ${whyNotWritable(place) ?? (cause as Error).message}. Make it writable or choose another (POSTHORN_DATA).`,
      { cause },
    );
  }
}

function whyNotWritable(place: string): string | undefined {
  try {
    accessSync(place, constants.W_OK);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EROFS') return `${place} is on a read-only file system`;
    return `${place} is not writable (${code})`;
  }
}

/** Made at the first start and kept beside the store, readable by its owner only. */
function keptMasterKey(directory: string): string {
  return keptSecret(join(directory, 'master-key'), () => randomBytes(32).toString('base64url'))
    .text;
}

function keptSecret(path: string, make: () => string): { text: string; made: boolean } {
  if (existsSync(path)) return { text: readFileSync(path, 'utf8').trim(), made: false };
  const text = make();
  writeFileSync(path, `${text}\n`, { mode: 0o600, flag: 'wx' });
  chmodSync(path, 0o600);
  return { text, made: true };
}

/**
 * There is an admin key afterwards. The one of the configuration wins; else one is made at the first
 * start, and kept in a file so that a later start (or a script) can find it.
 */
async function provideAdminKey(registry: Registry, config: Config): Promise<App['adminKey']> {
  const made = await registry.keys.ensureAdmin(config.adminKey);
  if (config.adminKey !== undefined) return { text: config.adminKey, file: undefined, made: false };
  const file = keyFile(config.dataDirectory);
  if (made !== undefined) {
    writeFileSync(file, `${made}\n`, { mode: 0o600 });
    chmodSync(file, 0o600);
    return { text: made, file, made: true };
  }
  if (!existsSync(file)) return { text: undefined, file: undefined, made: false };
  return { text: readFileSync(file, 'utf8').trim(), file, made: false };
}

async function operatorLink(registry: Registry, url: string): Promise<string> {
  const grant = { tenant: null, scopes: ['admin'], madeBy: null, theme: null } as const;
  const { token } = await registry.sessions.createLink(grant);
  return `${withoutSlash(url)}/dashboard/#${token}`;
}

function describeTo(metrics: Metrics, publisher: Publishing): void {
  metrics.observed(
    { name: 'posthorn_ingest_queue_events', help: 'Events waiting for their commit.' },
    () => publisher.queued,
  );
  metrics.observed(
    { name: 'process_resident_memory_bytes', help: 'Resident memory of the process.' },
    () => process.memoryUsage.rss(),
  );
  metrics.observed(
    { name: 'process_cpu_seconds', help: 'CPU time of the process, all threads.' },
    () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
  );
}

async function measured(engine: Engine, clock: Clock): Promise<string> {
  return (await storeMetrics(engine.store, clock)) + (await engine.metrics());
}

/** Where people reach it. Commands on this machine find it beside the key. */
function keptUrl(config: Config, address: { address: string; port: number }): string {
  const url = urlOf(config, address);
  keepAddress(config.dataDirectory, [url, urlOf({ ...config, baseUrl: undefined }, address)]);
  return url;
}

function urlOf(config: Config, address: { address: string; port: number }): string {
  if (config.baseUrl !== undefined) return config.baseUrl;
  const anywhere = address.address === '0.0.0.0' || address.address === '::';
  const host = anywhere ? 'localhost' : address.address;
  return `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`;
}
