import { describe, expect, test } from 'vitest';
import { keyOf, World } from '../suite/world.suite.ts';
import { hasPostgres, needing, TestPostgres } from './cluster.suite.ts';

const BACKLOG = 20_000;
const OUTCOMES = 20;

/**
 * A queue is often empty when its statistics are taken, and a planner believes them: it would rather
 * walk the whole of a table that it thinks has no rows than look up a thousand keys in it.
 */
describe.skipIf(!hasPostgres)(needing('PostgreSQL'), () => {
  const postgres = new TestPostgres();

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
    const read = async (): Promise<number> => {
      const { rows } = await client.query(
        `select idx_tup_read as n from pg_stat_user_indexes where indexrelname = 'delivery_pkey'`,
      );
      return Number(rows[0]?.n);
    };
    await client.query('select pg_stat_force_next_flush()');
    const rows = await w.due(endpoint);
    const results = rows.map((key) =>
      w.result(key, { kind: 'succeeded' }, { endpoint: endpoint.id }),
    );
    const before = await read();
    await w.lanes.complete(node, { results, release: [] }, w.now);
    await w.close();
    expect(results).toHaveLength(OUTCOMES);
    // A connection of its own (not one that is kept) tells what it did as it ends.
    let walked = 0;
    while (walked < OUTCOMES) walked = (await read()) - before;
    expect(walked).toBeLessThan(BACKLOG);
    await client.end();
  });
});
