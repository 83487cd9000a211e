import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type At, nowhere } from '../../core/crash-sites.ts';
import type { Ms, TenantId } from '../../core/model.ts';
import { numberOfLane, slotOf } from '../../core/routing.ts';
import type { LaneEntry } from '../lane-book.ts';
import type { StatsStore } from '../stats.ts';
import {
  type LogStore,
  type MaintenanceReport,
  type RetentionPolicy,
  STORE_LIMITS,
  type Store,
  StoreError,
  type StoreLimits,
  type StoreStats,
} from '../store.ts';
import { createVault } from '../vault.ts';
import { applyCommand, carryOut } from './complete.ts';
import { SqliteConfig } from './config.ts';
import { Database, loadDriver, storeError } from './database.ts';
import { SqliteDerived } from './derived/derived.ts';
import { Engine } from './engine.ts';
import { eraseJob } from './erase.ts';
import { SqliteJobs } from './jobs.ts';
import { SqliteLanes } from './lanes.ts';
import { SqliteLogReader } from './log.ts';
import { maintainJob } from './maintain.ts';
import { readMoved } from './moved.ts';
import { migrate } from './schema.ts';

export interface SqliteOptions {
  /** Made if missing; holds posthorn.db, its WAL, the lock and the ballast. */
  readonly directory: string;
  readonly masterKey: string;
  readonly now: () => Ms;
  readonly limits?: Partial<StoreLimits>;
  /** Events noted at once by a survey of what is owed: 40 bytes of memory each. */
  readonly owedMax?: number;
  /** Size of the database; writes beyond it reject `full`. Default: what the disk has. */
  readonly bytesMax?: number | undefined;
  /**
   * Another thread reads (open-reader.ts), derives, and moves pages out of the log (checkpoint.ts): the
   * writer moves only what is left, and statistics are asked of the other.
   */
  readonly readsElsewhere?: boolean;
  /** What was derived from the log is made anew. */
  readonly replaced?: (reason: string) => void;
  /** Keep a text index. Default true. */
  readonly search?: boolean;
  readonly at?: At;
  /** The store can't be trusted until it is opened again; the process should end. */
  readonly fatal?: (error: Error) => void;
}

/** 64 MiB of log: another thread has moved all but the last moments of it. */
const LEFT_PAGES = 16_000;

/** Freed when the disk is full, so that what is stored can still be opened, read and deleted. */
const BALLAST_BYTES = 4 * 1024 * 1024;

export async function openSqlite(options: SqliteOptions): Promise<Store> {
  const driver = await loadDriver();
  const { directory } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const lock = lockDirectory(driver, directory);
  try {
    const moved = readMoved(directory);
    if (moved !== undefined) throw new StoreError('fatal', moved);
    return openOrMakeRoom(driver, options, lock);
  } catch (error) {
    lock.close();
    throw error;
  }
}

function openOrMakeRoom(driver: Driver, options: SqliteOptions, lock: { close(): void }): Store {
  const ballast = join(options.directory, 'ballast');
  try {
    const store = openStore(driver, options, lock);
    if (!existsSync(ballast)) tryWriteBallast(ballast);
    return store;
  } catch (cause) {
    const error = named(storeError(cause), options.directory);
    const other = error.kind !== 'fatal';
    if (other && dropBallast(ballast)) return openStore(driver, options, lock);
    throw error;
  }
}

/** What is no fault that SQLite names is a value that we never stored. */
function named(error: Error, directory: string): StoreError {
  if (error instanceof StoreError) return error;
  const message = `The database in ${directory} can't be read (${error.message}): it may be damaged. Keep it, look at the disk, and restore a backup (posthorn restore).`;
  return new StoreError('fatal', message, error);
}

/** false = there was nothing to free. */
function dropBallast(path: string): boolean {
  if (!existsSync(path)) return false;
  try {
    rmSync(path);
    return true;
  } catch {
    // Read-only: then it is not the space that is missing.
    return false;
  }
}

function openStore(driver: Driver, options: SqliteOptions, lock: { close(): void }): Store {
  const closers: (() => void)[] = [];
  try {
    const path = join(options.directory, 'posthorn.db');
    const writer = new Database(driver, {
      path,
      readOnly: false,
      bytesMax: options.bytesMax,
      checkpointPages: options.readsElsewhere ? LEFT_PAGES : undefined,
    });
    closers.unshift(() => writer.close());
    migrate(writer);
    const vault = createVault(options.masterKey);
    const engine = new Engine({
      db: writer,
      vault,
      at: options.at ?? nowhere,
      fatal: options.fatal ?? (() => {}),
      limits: { ...STORE_LIMITS, ...options.limits },
      owedMax: options.owedMax ?? 200_000,
    });
    checkMasterKey(engine);
    engine.open(options.now());
    applyLeftCommands(engine, options.now());
    const reader = new Database(driver, { path, readOnly: true });
    closers.unshift(() => reader.close());
    const derived = options.readsElsewhere ? undefined : openDerived(driver, options, reader);
    if (derived) closers.unshift(() => derived.close());
    closers.push(() => lock.close());
    return {
      lanes: new SqliteLanes(engine),
      config: new SqliteConfig(engine),
      log: logStore(engine, new SqliteLogReader(reader, vault, derived)),
      stats: derived ?? ELSEWHERE,
      jobs: new SqliteJobs(engine, reader),
      async close() {
        const closing = closers.splice(0);
        try {
          if (closing.length > 0) await engine.close();
        } finally {
          for (const close of closing) close();
        }
      },
    };
  } catch (error) {
    for (const close of closers) close();
    throw error;
  }
}

function openDerived(driver: Driver, options: SqliteOptions, log: Database): SqliteDerived {
  const { directory, replaced = () => {}, search = true } = options;
  return new SqliteDerived({ driver, directory, log, replaced, search });
}

const askTheReader = () =>
  Promise.reject(new StoreError('unavailable', 'Statistics are asked of the reader.'));
const ELSEWHERE: StatsStore = {
  tenant: askTheReader,
  endpoints: askTheReader,
  follow: askTheReader,
};

type Driver = Awaited<ReturnType<typeof loadDriver>>;

/**
 * SQLite's own file lock on a file of its own, held for the life of the process: the kernel drops it
 * when the process dies, however it dies.
 */
export function lockDirectory(driver: Driver, directory: string): { close(): void } {
  const path = join(directory, 'lock');
  let db: InstanceType<Driver['DatabaseSync']> | undefined;
  try {
    db = new driver.DatabaseSync(path);
    db.exec('pragma busy_timeout = 0');
    db.exec('pragma journal_mode = memory');
    db.exec('begin exclusive');
    return db;
  } catch (cause) {
    db?.close();
    const busy = String((cause as Error).message).includes('locked');
    throw new StoreError(
      'fatal',
      busy
        ? `Another Posthorn already uses ${directory}. Stop it, or give this one another data directory (POSTHORN_DATA).`
        : `The data directory ${directory} can't be used (${(cause as Error).message}). Check that it is writable and that the disk has space.`,
      cause,
    );
  }
}

function tryWriteBallast(path: string): void {
  try {
    writeFileSync(path, new Uint8Array(BALLAST_BYTES));
  } catch {
    // No room for it now; the next start tries again.
    rmSync(path, { force: true });
  }
}

/** A value sealed at the first start: a wrong master key is refused before it can do harm. */
function checkMasterKey(engine: Engine): void {
  const known = engine.meta('master_key_check');
  if (known === null) {
    const sealed = Buffer.from(engine.vault.seal(Buffer.from('posthorn'), 'check')).toString(
      'base64',
    );
    engine.setMeta('master_key_check', sealed);
    return;
  }
  try {
    engine.vault.open(Buffer.from(String(known), 'base64'), 'check');
  } catch (cause) {
    throw new StoreError(
      'fatal',
      'POSTHORN_MASTER_KEY is not the key this store was made with: its secrets cannot be read. Start with the old key.',
      cause,
    );
  }
}

/** Commands for lanes whose holder died before it could carry them out. */
function applyLeftCommands(engine: Engine, now: Ms): void {
  engine.readCommands();
  const left = [...engine.book.all()].flatMap((entry) => engine.book.takeCommands(entry));
  if (left.length === 0) return;
  const effects = engine.db.transaction(() => {
    engine.db.run('delete from command');
    return left.map((command) => applyCommand(engine, command, now));
  });
  for (const effect of effects) carryOut(engine, effect);
}

function logStore(engine: Engine, reader: SqliteLogReader): LogStore {
  return {
    events: (query) => reader.events(query),
    event: (tenant, id) => reader.event(tenant, id),
    deliveries: (query) => reader.deliveries(query),
    attempts: (query) => reader.attempts(query),
    attempt: (tenant, id) => reader.attempt(tenant, id),
    tail: (tenant, after, limit) => reader.tail(tenant, after, limit),
    stats: async (now) => ({
      ...bookStats(engine, now),
      ...reader.counts(),
      events: engine.events,
    }),
    pending: async (tenant) => openIn(lanesOfTenant(engine, tenant)),
    pendingOf: async (endpoints) => endpoints.map(({ id }) => openIn(engine.book.ofEndpoint(id))),
    erase: (what, now) => engine.committer.run(eraseJob(engine, what, now)),
    maintain: (policy: RetentionPolicy, now: Ms): Promise<MaintenanceReport> =>
      engine.committer.run(maintainJob(engine, policy, now)),
  };
}

function* lanesOfTenant(engine: Engine, tenant: TenantId): Iterable<LaneEntry> {
  const slot = slotOf(tenant);
  for (const entry of engine.book.all()) {
    if (entry.slot !== slot || entry.open === 0) continue;
    if (engine.endpoints.get(numberOfLane(entry.lane))?.tenant === tenant) yield entry;
  }
}

function openIn(lanes: Iterable<LaneEntry>): number {
  let open = 0;
  for (const entry of lanes) open += entry.open;
  return open;
}

function bookStats(engine: Engine, now: Ms): Omit<StoreStats, 'events' | 'attempts' | 'newestAt'> {
  let pending = 0;
  let lanesAwake = 0;
  let lanesHeld = 0;
  let oldestDueAt: Ms | undefined;
  for (const entry of engine.book.all()) {
    pending += entry.open;
    if (entry.owner !== 0) lanesHeld += 1;
    else if (!entry.held && !entry.closed && entry.nextAt <= now) {
      lanesAwake += 1;
      oldestDueAt = Math.min(oldestDueAt ?? entry.nextAt, entry.nextAt);
    }
  }
  return { pending, lanesAwake, lanesHeld, oldestDueAt };
}
