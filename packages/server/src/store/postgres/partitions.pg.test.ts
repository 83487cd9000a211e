import { describe, expect, test } from 'vitest';
import { DAY, keyOf, RETENTION, World } from '../suite/world.suite.ts';
import { hasPostgres, needing, TestPostgres } from './cluster.suite.ts';
import { dayOf, partitionOf } from './partitions.ts';

describe.skipIf(!hasPostgres)(needing('PostgreSQL'), () => {
  const postgres = new TestPostgres({ daysAhead: 7 });

  async function world(): Promise<World> {
    const made = new World((options) => postgres.open(options));
    await made.open();
    return made;
  }

  const tableOf = (w: World, days: number) =>
    `posthorn.${partitionOf('event', dayOf(w.now) + days)}`;

  test('the days ahead are there, and a missing one is told and made again', async () => {
    await using w = await world();
    const day = Math.floor(w.now / DAY) * DAY;
    expect((await w.log.stats(w.now)).roomUntil).toBe(day + 8 * DAY);
    const client = await postgres.connect();
    await client.query(`drop table ${tableOf(w, 1)}`);
    await client.end();
    expect((await w.log.stats(w.now)).roomUntil).toBe(day + DAY);
    await w.log.maintain(RETENTION, w.now);
    w.now += 60 * 60_000;
    await w.log.maintain(RETENTION, w.now);
    expect((await w.log.stats(w.now)).roomUntil).toBe(day + 8 * DAY);
  });

  test('a clock that jumps over the days ahead finds a day of its own', async () => {
    await using w = await world();
    const endpoint = await w.endpoint();
    await w.feed(endpoint);
    w.now += 100 * DAY;
    await w.feed(endpoint);
    await w.node();
    expect(await w.due(endpoint)).toHaveLength(2);
    expect((await w.log.stats(w.now)).roomUntil).toBe(Math.floor(w.now / DAY) * DAY + DAY);
    await w.log.maintain(RETENTION, w.now);
    expect((await w.log.stats(w.now)).roomUntil).toBe(Math.floor(w.now / DAY) * DAY + 8 * DAY);
  });

  /** A day with an event that owes nothing any more, and then so late that it goes. */
  async function withOldDay(w: World): Promise<string> {
    const endpoint = await w.endpoint();
    await w.feed(endpoint);
    const node = await w.node();
    const key = await w.first(endpoint);
    await w.settle(node, endpoint, { key, next: { kind: 'succeeded' } });
    await w.release(node, keyOf(endpoint));
    const old = tableOf(w, 0);
    w.now += 32 * DAY;
    return old;
  }

  async function maintainFully(w: World): Promise<void> {
    for (let more = true; more; ) ({ more } = await w.log.maintain(RETENTION, w.now));
  }

  test('a day goes while somebody reads the table: events are stored meanwhile', async () => {
    await using w = await world();
    const old = await withOldDay(w);
    const endpoint = await w.endpoint();
    await w.feed(endpoint);
    const reader = await postgres.connect();
    await reader.query('begin');
    await reader.query('select count(*) from posthorn.event');
    const dropped = maintainFully(w);
    const watcher = await postgres.connect();
    const detaching = async () => {
      const { rows } = await watcher.query(
        `select 1 from pg_stat_activity where query like '%detach partition%concurrently'
         and state = 'active' and wait_event is not null and datname = current_database()`,
      );
      return rows.length > 0;
    };
    while (!(await detaching())) await new Promise(setImmediate);
    await w.feed(endpoint);
    await reader.query('commit');
    await dropped;
    const { rows } = await watcher.query('select to_regclass($1) as there', [old]);
    expect(rows).toEqual([{ there: null }]);
    await Promise.all([reader.end(), watcher.end()]);
  });

  test('a day that was detached by a process that died is dropped by the next pass', async () => {
    await using w = await world();
    const old = await withOldDay(w);
    const client = await postgres.connect();
    await client.query(`alter table posthorn.event detach partition ${old} concurrently`);
    await maintainFully(w);
    const { rows } = await client.query('select to_regclass($1) as there', [old]);
    expect(rows).toEqual([{ there: null }]);
    await client.end();
  });
});
