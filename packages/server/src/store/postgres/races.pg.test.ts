import type { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import { keyOf, World } from '../suite/world.suite.ts';
import { hasPostgres, needing, TestPostgres } from './cluster.suite.ts';
import { dayOf, partitionOf } from './partitions.ts';

/**
 * The races that such a queue loses without its locks (docs/decisions/0011-postgresql.md). Each is run
 * twice: as the store is, and with the lock taken away, which must show what it is for.
 */
describe.skipIf(!hasPostgres)(needing('PostgreSQL'), () => {
  const postgres = new TestPostgres();
  const asItIs = (sql: string) => sql;

  async function world(rewrite: (sql: string) => string): Promise<World> {
    const made = new World((options) => postgres.open(options, rewrite));
    await made.open();
    return made;
  }

  /** Whether so many wait for a lock. */
  async function waits(client: Client, count = 1): Promise<boolean> {
    const { rows } = await client.query(
      "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
    );
    return rows.length >= count;
  }

  /** An ingest that has seen its lane held and has written nothing yet; then the lane is released. */
  async function releasedWhileIngesting(rewrite: (sql: string) => string) {
    await using w = await world(rewrite);
    const endpoint = await w.endpoint();
    await w.feed(endpoint);
    const node = await w.node();
    const key = await w.first(endpoint);
    await w.settle(node, endpoint, { key, next: { kind: 'succeeded' } });
    const gate = await postgres.connect();
    await gate.query('begin');
    // Of the day's own table, which the statement comes to once it has looked at its lanes.
    await gate.query(`lock table posthorn.${partitionOf('event', dayOf(w.now))} in share mode`);
    const stored = w.feed(endpoint);
    const watcher = await postgres.connect();
    while (!(await waits(watcher))) await new Promise(setImmediate);
    const released = w.release(node, keyOf(endpoint));
    // Let go as soon as the release waits for the ingest, or has ended without it.
    let over = false;
    const ended = released.then(() => {
      over = true;
    });
    const blocked = async () => {
      while (!over) {
        const { rows } = await watcher.query(
          `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%for update%'
           and datname = current_database()`,
        );
        if (rows.length > 0) return;
      }
    };
    await Promise.race([ended, blocked()]);
    await gate.query('commit');
    await Promise.all([stored, released]);
    await Promise.all([gate.end(), watcher.end()]).catch(() => {});
    const { lanes } = await w.lanes.acquire(node, 1, w.now);
    const { pending } = await w.log.stats(w.now);
    return { pending, taken: lanes.length };
  }

  test('lost wake-up: a lane that is released while it is ingested into is awake', async () => {
    expect(await releasedWhileIngesting(asItIs)).toEqual({ pending: 1, taken: 1 });
  });

  test('lost wake-up: without the ingest’s lock the delivery is stranded', async () => {
    const without = (sql: string) => sql.replace('for key share of l', '');
    expect(await releasedWhileIngesting(without)).toEqual({ pending: 1, taken: 0 });
  });

  test('stale snapshot: what was finished before a lane was taken is not read with it', async () => {
    await using w = await world(asItIs);
    const endpoint = await w.endpoint();
    await w.feed(endpoint, 2);
    const node = await w.node();
    const client = await postgres.connect();
    // Both in one statement, whose snapshot is older than the lock: it waits before it locks.
    const together = client.query(
      `with waited as materialized (select pg_sleep(0.5)),
       picked as materialized (
         select l.slot, l.id from waited, posthorn.lane l
         where l.owner is null or l.owner = ${node} for no key update of l skip locked)
       select d.event from picked p cross join lateral (
         select event from posthorn.delivery d where d.slot = p.slot and d.lane = p.id) d`,
    );
    const rows = await w.due(endpoint);
    const results = rows.map((key) =>
      w.result(key, { kind: 'succeeded' }, { endpoint: endpoint.id }),
    );
    await w.lanes.complete(node, { results: results.slice(0, 1), release: [] }, w.now);
    expect((await together).rows).toHaveLength(2);
    expect(await w.due(endpoint)).toHaveLength(1);
    await client.end();
  });

  /** A node that is believed dead reports a failure after another has taken its lane. */
  async function lateRetry(rewrite: (sql: string) => string) {
    await using w = await world(rewrite);
    const endpoint = await w.endpoint();
    await w.feed(endpoint);
    const zombie = await w.node();
    const key = await w.first(endpoint);
    w.now += 20_000;
    await w.lanes.reap(w.now);
    await w.node();
    await w.settle(zombie, endpoint, { key, next: { kind: 'retry', at: w.now + 9000 } });
    return w.due(endpoint);
  }

  test('zombie: what a node reports after its lease ended moves nothing', async () => {
    expect(await lateRetry(asItIs)).toHaveLength(1);
  });

  test('zombie: without the look at its own row it moves the delivery under the new owner', async () => {
    const without = (sql: string) =>
      sql.replaceAll(
        /exists \(select 1 from alive\) and exists \(\s*select 1 from lane[^)]*\)/g,
        'true',
      );
    expect(await lateRetry(without)).toHaveLength(0);
  });

  test('a lane that another transaction is making: what comes second is owed too', async () => {
    await using w = await world(asItIs);
    const endpoint = await w.endpoint();
    const gate = await postgres.connect();
    await gate.query('begin');
    await gate.query(`lock table posthorn.${partitionOf('event', dayOf(w.now))} in share mode`);
    const first = w.feed(endpoint);
    const watcher = await postgres.connect();
    while (!(await waits(watcher))) await new Promise(setImmediate);
    const second = w.feed(endpoint);
    while (!(await waits(watcher, 2))) await new Promise(setImmediate);
    await gate.query('commit');
    await Promise.all([first, second]);
    await Promise.all([gate.end(), watcher.end()]);
    const node = await w.node();
    expect(await w.due(endpoint)).toHaveLength(2);
    await w.release(node, keyOf(endpoint));
  });
});
