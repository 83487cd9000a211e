import { randomUUID } from 'node:crypto';
import { type At, nowhere } from '../../core/crash-sites.ts';
import type { Ms } from '../../core/model.ts';
import { WHOLE } from '../crossing.ts';
import { STORE_LIMITS, type Store, StoreError, type StoreLimits } from '../store.ts';
import { createVault, type Vault } from '../vault.ts';
import { refuseHalf } from './carried.ts';
import { PgConfig } from './config.ts';
import { Context } from './context.ts';
import { Database } from './database.ts';
import { PgJobs } from './jobs.ts';
import { PgLanes } from './lanes.ts';
import { PgLog } from './log.ts';
import { Maintenance } from './maintain.ts';
import { migrate } from './migrate.ts';
import { type CheckedPlace, checkPlace, type Place } from './place.ts';
import { PgSearch } from './search.ts';
import { forgetIndex, PgIndex } from './search-index.ts';
import { PgStaged } from './staged.ts';
import { PgStats } from './stats.ts';
import { DatabaseTime } from './time.ts';

export interface PostgresOptions {
  /** `postgresql://user:password@host:port/database?…`. */
  readonly url: string;
  readonly masterKey: string;
  /** Default: the database's own time. */
  readonly now?: () => Ms;
  readonly limits?: Partial<StoreLimits>;
  /** Keep a text index. Default true. */
  readonly search?: boolean;
  /** Days for which partitions are made ahead. */
  readonly daysAhead?: number;
  readonly at?: At;
  /** Among several that are one store; default: it is one by itself. */
  readonly place?: Place;
  readonly rewrite?: (sql: string) => string;
}

export interface PostgresStore extends Store {
  /** The database's time, kept current by the nodes' heartbeats. */
  now(): Ms;
  /** Among several databases that are one store; undefined = it is one by itself. */
  readonly place: CheckedPlace | undefined;
}

/** Opens the store, and makes or upgrades its schema first. */
export function openPostgres(options: PostgresOptions): Promise<PostgresStore> {
  const { url, rewrite } = options;
  return openOn(new Database({ url, name: 'posthorn', rewrite }), options);
}

/** The same with connections that are there; they are closed with the store. */
export async function openOn(
  db: Database,
  options: Omit<PostgresOptions, 'url' | 'rewrite'>,
): Promise<PostgresStore> {
  try {
    await migrate(db);
    await refuseHalf(db.writes);
    const vault = createVault(options.masterKey);
    await checkMasterKey(db, vault);
    const { place } = options;
    const checked = await checkPlace(db.writes, place);
    const time = new DatabaseTime();
    await time.measure(db.lanes);
    const now = options.now ?? (() => time.now());
    const ctx = new Context({
      db,
      vault,
      time,
      at: options.at ?? nowhere,
      limits: { ...STORE_LIMITS, ...options.limits },
      daysAhead: options.daysAhead,
      part: place?.map.part(place.shard) ?? WHOLE,
    });
    await ctx.partitions.ahead(now());
    const maintenance = new Maintenance(ctx, randomUUID());
    const index = options.search === false ? undefined : new PgIndex(ctx);
    if (!index) await forgetIndex(ctx);
    const lanes = new PgLanes(ctx);
    db.lost = () => lanes.lost();
    let closing: Promise<void> | undefined;
    return {
      now,
      place: checked,
      lanes,
      config: new PgConfig(ctx),
      log: new PgLog(ctx, maintenance, index && new PgSearch(db, index)),
      stats: new PgStats(ctx, index),
      staged: new PgStaged(ctx),
      jobs: new PgJobs(ctx),
      leads: (at) => maintenance.leads(at),
      close() {
        closing ??= closeAll(db, async () => {
          await lanes.leaveAll(now());
          await maintenance.release();
        });
        return closing;
      },
    };
  } catch (error) {
    await db.close();
    throw error;
  }
}

/** A server that is away keeps nobody from closing: leases end by themselves. */
async function closeAll(db: Database, goodbye: () => Promise<void>): Promise<void> {
  try {
    await goodbye();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
  } finally {
    await db.close();
  }
}

/** A value sealed at the first start: a wrong master key is refused before it can do harm. */
export async function checkMasterKey(db: Database, vault: Vault): Promise<void> {
  const sealed = Buffer.from(vault.seal(Buffer.from('posthorn'), 'check')).toString('base64');
  await db.writes.run(
    `insert into meta (key, value) values ('master_key_check', $1) on conflict do nothing`,
    sealed,
  );
  const known = await db.writes.get<{ value: string }>(
    "select value from meta where key = 'master_key_check'",
  );
  try {
    vault.open(Buffer.from(known?.value ?? '', 'base64'), 'check');
  } catch (cause) {
    throw new StoreError(
      'fatal',
      'POSTHORN_MASTER_KEY is not the key this store was made with: its secrets cannot be read. Start with the old key.',
      cause,
    );
  }
}
