import type { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import { keyOf, World } from '../suite/world.suite.ts';
import { hasPostgres, needing, TestPostgres } from './cluster.suite.ts';

const BACKLOG = 20_000;
const OUTCOMES = 20;
const LANES = 5000;
const TAKEN = 100;

/**
 * A queue is often empty when its statistics are taken, and a planner believes them: it would rather
 * walk the whole of a table that it thinks has no rows than look up a thousand keys in it.
 */
describe.skipIf(!hasPostgres)(needing('PostgreSQL'), () => {
  const postgres = new TestPostgres();

  /** Entries read of an index, once more than `before` are told: a connection tells as it ends. */
  async function read(client: Client, index: string, before = -1): Promise<number> {
    for (;;) {
      const { rows } = await client.query(
        'select idx_tup_read as n from pg_stat_user_indexes where indexrelname = $1',
        [index],
      );
      const n = Number(rows[0]?.n);
      if (n > before) return n;
    }
  }

  test('a node that takes lanes reads as many as it takes, however many are ready', async () => {
    await using w = new World((options) => postgres.open(options, (sql) => sql));
    await w.open();
    const client = await postgres.connect();
    await client.query('delete from posthorn.lane');
    await client.query('analyze posthorn.lane');
    await client.query(
      `insert into posthorn.endpoint (number, id, tenant, fifo, held, closed, version)
       select n, 'ep_' || n, 'default', false, false, false, 0 from generate_series(1, ${LANES}) n`,
    );
    await client.query(
      `insert into posthorn.lane (slot, id, held, closed, next_at)
       select n % 256, n * 16, false, false, ${w.now} - n from generate_series(1, ${LANES}) n`,
    );
    const before = await read(client, 'lane_ready');
    const node = await w.join();
    const { lanes, nextAt } = await w.lanes.acquire(node, TAKEN, w.now);
    expect([lanes.length, nextAt]).toEqual([TAKEN, w.now - LANES + TAKEN]);
    await w.close();
    expect((await read(client, 'lane_ready', before)) - before).toBeLessThan(4 * TAKEN);
    await client.end();
  });

  test('outcomes are looked up by key, although the table was empty when it was analysed', async () => {
    await using w = new World((options) => postgres.open(options, (sql) => sql));
    await w.open();
    const endpoint = await w.endpoint();
    const client = await postgres.connect();
    const { slot, lane } = keyOf(endpoint);
    const add = (count: number) =>
      client.query(
        `insert into posthorn.delivery (slot, lane, due_at, event, run)
         select ${slot}, ${lane}, ${w.now} + n, gen_random_uuid(), 0 from generate_series(1, ${count}) n`,
      );
    await add(BACKLOG);
    await client.query('delete from posthorn.delivery');
    await client.query('analyze posthorn.delivery');
    await w.feed(endpoint, OUTCOMES);
    await add(BACKLOG);
    const node = await w.node();
    await client.query('select pg_stat_force_next_flush()');
    const rows = await w.due(endpoint);
    const results = rows.map((key) =>
      w.result(key, { kind: 'succeeded' }, { endpoint: endpoint.id }),
    );
    const before = await read(client, 'delivery_pkey');
    await w.lanes.complete(node, { results, release: [] }, w.now);
    await w.close();
    expect(results).toHaveLength(OUTCOMES);
    const walked = (await read(client, 'delivery_pkey', before + OUTCOMES - 1)) - before;
    expect(walked).toBeLessThan(BACKLOG);
    await client.end();
  });
});
