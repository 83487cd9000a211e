import { setTimeout as delay } from 'node:timers/promises';
import { StoreError } from '../store.ts';
import { codeOf, type Database, type Querying } from './database.ts';
import { MIGRATIONS, type Migration } from './schema.ts';

/** One migrator at a time, over all nodes. */
const LOCK = 7_067_845;
const WAIT_MS = 60_000;
const POLL_MS = 500;
/** PostgreSQL's code for a lock that did not come in time. */
const LOCK_TIMEOUT = '55P03';

/** What the code of this release knows. */
export const SCHEMA_KNOWN = MIGRATIONS.length;

interface Found {
  readonly schema: number;
  /** The oldest schema whose code works with it. */
  readonly safeFrom: number;
}

/**
 * Brings the schema up to what this release knows, each step in a transaction with its number. A
 * newer one is fine as long as it says that this release is safe with it; otherwise it is refused.
 */
export async function migrate(
  db: Database,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  const end = Date.now() + WAIT_MS;
  for (;;) {
    const found = await readSchema(db.writes);
    if (found && found.safeFrom > migrations.length) {
      throw new StoreError(
        'fatal',
        `The store was changed by a newer Posthorn (schema ${found.schema}; code older than schema ${found.safeFrom} is not safe with it, and this release knows ${migrations.length}). Start that release or a later one.`,
      );
    }
    const next = migrations[found?.schema ?? 0];
    if (!next) return;
    await waitForOldNodes(db, next.safeFrom);
    if (await tryStep(db, migrations, next)) continue;
    if (Date.now() > end) {
      throw new StoreError(
        'unavailable',
        'The schema could not be upgraded within a minute: another node is at it, or a long transaction holds a table. Start again when that is over.',
      );
    }
    await delay(POLL_MS / 5);
  }
}

/** false = somebody is in the way: another node that migrates, or who uses a table for long. */
async function tryStep(
  db: Database,
  migrations: readonly Migration[],
  next: Migration,
): Promise<boolean> {
  try {
    return await db.writes.transaction((tx) => step(tx, migrations, next));
  } catch (error) {
    if (codeOf(error) === LOCK_TIMEOUT) return false;
    throw error;
  }
}

async function step(
  tx: Querying,
  migrations: readonly Migration[],
  next: Migration,
): Promise<boolean> {
  await tx.run("set local lock_timeout = '2s'");
  await tx.run('set local statement_timeout = 0');
  const lock = await tx.get<{ mine: boolean }>(`select pg_try_advisory_xact_lock(${LOCK}) as mine`);
  if (!lock?.mine) return false;
  const { schema = 0 } = (await readSchema(tx)) ?? {};
  // Another node was quicker.
  if (migrations[schema] !== next) return true;
  if (schema === 0) {
    await tx.run('create schema if not exists posthorn');
    await tx.run('create table posthorn.meta (key text primary key, value text not null)');
  }
  await tx.script(next.sql);
  for (const [key, value] of [
    ['schema', schema + 1],
    ['safe_from', next.safeFrom],
  ] as const) {
    await tx.run(
      `insert into posthorn.meta (key, value) values ('${key}', ${value}::text)
       on conflict (key) do update set value = excluded.value`,
    );
  }
  return true;
}

export async function readSchema(db: Querying): Promise<Found | undefined> {
  // Read from the catalogue: to_regclass remembers what it did not find, also after waiting for a lock.
  const there = await db.get<{ there: boolean }>(
    `select exists (
       select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname = 'posthorn' and c.relname = 'meta') as there`,
  );
  if (!there?.there) return undefined;
  const rows = await db.all<{ key: string; value: string }>('select key, value from posthorn.meta');
  const value = (key: string) => Number(rows.find((row) => row.key === key)?.value ?? 0);
  return { schema: value('schema'), safeFrom: value('safe_from') };
}

/** A step that takes something away must find nobody who still uses it. */
async function waitForOldNodes(db: Database, safeFrom: number): Promise<void> {
  if (safeFrom <= 1) return;
  const end = Date.now() + WAIT_MS;
  for (;;) {
    const old = await db.writes.all<{ name: string; release: string }>(
      `select name, release from posthorn.node where schema_known < $1
       and expires_at > extract(epoch from clock_timestamp()) * 1000`,
      safeFrom,
    );
    if (old.length === 0) return;
    if (Date.now() > end) {
      const names = old.map(({ name, release }) => `${name} (${release})`).join(', ');
      throw new StoreError(
        'fatal',
        `The schema can't be upgraded while older nodes live: ${names}. Stop them, then start this one again.`,
      );
    }
    await delay(POLL_MS);
  }
}
