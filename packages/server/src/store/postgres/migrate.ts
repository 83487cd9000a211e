import { setTimeout as delay } from 'node:timers/promises';
import { StoreError } from '../store.ts';
import type { Database, Querying } from './database.ts';
import { MIGRATIONS, type Migration } from './schema.ts';

/** One migrator at a time, over all nodes. */
const LOCK = 7_067_845;
const WAIT_MS = 60_000;
const POLL_MS = 500;

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
    await db.writes.transaction((tx) => step(tx, migrations, next));
  }
}

async function step(tx: Querying, migrations: readonly Migration[], next: Migration) {
  await tx.run("set local lock_timeout = '2s'");
  await tx.run('set local statement_timeout = 0');
  await tx.get(`select pg_advisory_xact_lock(${LOCK})`);
  const { schema = 0 } = (await readSchema(tx)) ?? {};
  // Another node was quicker.
  if (migrations[schema] !== next) return;
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
}

export async function readSchema(db: Querying): Promise<Found | undefined> {
  const there = await db.get<{ there: boolean }>(
    "select to_regclass('posthorn.meta') is not null as there",
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
