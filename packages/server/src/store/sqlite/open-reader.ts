import { join } from 'node:path';
import type { JobStore } from '../jobs.ts';
import type { StatsStore } from '../stats.ts';
import type { ConfigStore, LogStore } from '../store.ts';
import { createVault } from '../vault.ts';
import { readCandidates } from './candidates.ts';
import { listItems, readItems } from './config.ts';
import { Database, loadDriver } from './database.ts';
import { SqliteDerived } from './derived/derived.ts';
import { countEvents, listJobs } from './job-rows.ts';
import { SqliteLogReader } from './log.ts';

/** What only reads, on a connection that no commit waits for. */
export type SqliteReader = Pick<
  LogStore,
  'events' | 'event' | 'deliveries' | 'attempts' | 'attempt' | 'tail'
> &
  Pick<ConfigStore, 'list' | 'readMany'> & {
    readonly jobs: Pick<JobStore, 'list' | 'candidates' | 'eventsOf'>;
    readonly stats: StatsStore;
    close(): Promise<void>;
  };

/** A second way into a store that is open: call it after `openSqlite`, in any thread. */
export async function openSqliteReader(options: {
  readonly directory: string;
  readonly masterKey: string;
  /** What was derived from the log is made anew. */
  readonly replaced: (reason: string) => void;
  /** Keep a text index. */
  readonly search: boolean;
}): Promise<SqliteReader> {
  const driver = await loadDriver();
  const db = new Database(driver, { path: join(options.directory, 'posthorn.db'), readOnly: true });
  const vault = createVault(options.masterKey);
  const { directory, replaced, search } = options;
  const stats = new SqliteDerived({ driver, directory, log: db, replaced, search });
  stats.open();
  const log = new SqliteLogReader(db, vault, stats);
  return {
    events: (query) => log.events(query),
    event: (tenant, id) => log.event(tenant, id),
    deliveries: (query) => log.deliveries(query),
    attempts: (query) => log.attempts(query),
    attempt: (tenant, id) => log.attempt(tenant, id),
    jobs: {
      list: async (query) => listJobs(db, query),
      candidates: async (query) => readCandidates(db, query),
      eventsOf: async (tenant, max) => countEvents(db, tenant, max),
    },
    tail: (tenant, after, limit) => log.tail(tenant, after, limit),
    stats,
    list: async (kind, query) => listItems({ db, vault }, kind, query),
    readMany: async (kind, ids) => readItems({ db, vault }, kind, ids),
    async close() {
      stats.close();
      db.close();
    },
  };
}
