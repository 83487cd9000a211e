import { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import { hasPostgres, needing, TestPostgres } from './cluster.suite.ts';
import { Database } from './database.ts';
import { migrate } from './migrate.ts';
import { MIGRATIONS, type Migration } from './schema.ts';

/** What a later release might do: `expand` adds, `contract` takes away what older code uses. */
const expand: Migration = { safeFrom: 1, sql: 'create table posthorn.later (n int)' };
const contract: Migration = {
  safeFrom: MIGRATIONS.length + 2,
  sql: 'alter table posthorn.lane drop column failures',
};

describe.skipIf(!hasPostgres)(needing('PostgreSQL'), () => {
  const postgres = new TestPostgres();

  async function migrated() {
    const url = await postgres.database();
    const db = new Database({ url, name: 'test' });
    await migrate(db);
    const client = new Client({ connectionString: url });
    await client.connect();
    return {
      db,
      client,
      /** A node of this release that lives. */
      join: () =>
        client.query(
          `insert into posthorn.node (name, release, schema_known, roles, joined_at, beat_at, expires_at)
           values ('old', '1.0.0', ${MIGRATIONS.length}, '{}', 0, 0, extract(epoch from now()) * 1000 + 60000)`,
        ),
      async schema() {
        const { rows } = await client.query("select value from posthorn.meta where key = 'schema'");
        return Number(rows[0].value);
      },
      async [Symbol.asyncDispose]() {
        await client.end();
        await db.close();
      },
    };
  }

  test('what only adds is carried out under living older nodes', async () => {
    await using at = await migrated();
    await at.join();
    await migrate(at.db, [...MIGRATIONS, expand]);
    expect(await at.schema()).toBe(MIGRATIONS.length + 1);
    await migrate(at.db);
  });

  test('what takes away waits until no older node lives, and older code is refused then', async () => {
    await using at = await migrated();
    await at.join();
    let done = false;
    const later = [...MIGRATIONS, expand, contract];
    const upgrade = migrate(at.db, later).then(() => {
      done = true;
    });
    while ((await at.schema()) < MIGRATIONS.length + 1) await new Promise(setImmediate);
    // It has looked by the time it looks again.
    await looks(at.client, 2);
    expect([done, await at.schema()]).toEqual([false, MIGRATIONS.length + 1]);
    await at.client.query('delete from posthorn.node');
    await upgrade;
    expect(await at.schema()).toBe(MIGRATIONS.length + 2);
    await expect(migrate(at.db)).rejects.toThrow('was changed by a newer Posthorn');
    await migrate(at.db, later);
  });

  /** Waits until the migrator has asked for living nodes so many times more. */
  async function looks(client: Client, count: number): Promise<void> {
    const asked = async () => {
      const { rows } = await client.query(
        `select query_start as at from pg_stat_activity
         where query like '%schema_known <%' and application_name = 'test'`,
      );
      return Number(rows[0]?.at ?? 0);
    };
    for (let i = 0; i < count; i++) {
      const before = await asked();
      while ((await asked()) === before) await new Promise(setImmediate);
    }
  }
});
