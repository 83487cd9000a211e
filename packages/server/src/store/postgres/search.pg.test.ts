import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Endpoint } from '../../core/model.ts';
import { slotOf } from '../../core/routing.ts';
import { masterKey } from '../sqlite/open-for-suite.suite.ts';
import type { LogQuery } from '../store.ts';
import { begin, purge } from '../suite/purge.suite.ts';
import { DAY, everyPage, laneOf, T0, World } from '../suite/world.suite.ts';
import { hasPostgres, needing, TestPostgres } from './cluster.suite.ts';
import { openPostgres } from './open.ts';

/** What search.suite.ts does not know: volumes, plans, several nodes, and what stands in the tables. */
describe.skipIf(!hasPostgres)(needing('text search on PostgreSQL'), () => {
  const postgres = new TestPostgres();
  let client: Client;
  beforeAll(async () => {
    if (!hasPostgres) return;
    await (await postgres.open({ directory: '', now: T0, limits: {} })).close();
    client = await postgres.connect();
  });
  afterAll(() => client?.end());

  const small = (sql: string) => sql.replace('docs >= $2', 'docs >= least($2, 3)');

  async function world(rewrite?: (sql: string) => string) {
    const w = new World((options) => postgres.open(options, rewrite));
    await w.open();
    return { w, endpoint: await w.endpoint() };
  }

  const said = (word: string) => ({ data: Buffer.from(JSON.stringify({ word })) });
  const asked = (word: string, more: Partial<LogQuery> = {}): LogQuery => {
    return { tenant: 'default', limit: 50, text: { words: [word], prefixes: [] }, ...more };
  };
  const found = async (w: World, word: string, limit = 50) => {
    const rows = await everyPage((cursor) => w.log.events(asked(word, { limit, cursor })));
    return rows.map(({ id }) => id);
  };
  const count = async (sql: string) => Number((await client.query(sql)).rows[0].n);

  const docs = () => count('select count(*) as n from posthorn.doc');
  const volumes = () => count('select count(*) as n from posthorn.doc_volume');
  const follow = (w: World) => w.stats.follow({ rows: 100, docs: 100 }, w.now);

  async function send(w: World, endpoint: Endpoint, words: readonly string[]) {
    const events = words.map((word) => w.event([laneOf(endpoint)], said(word)));
    await w.ingest(...events);
    return events.map(({ id }) => id);
  }

  test('volumes are walked from the newest on, and events stored late find theirs', async () => {
    const { w, endpoint } = await world(small);
    await using _ = w;
    const late = w.event([laneOf(endpoint)], said('word'));
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) {
      w.now += 1000;
      ids.push(...(await send(w, endpoint, ['word', 'word', 'word'])));
      await follow(w);
    }
    await w.ingest(late);
    expect(await found(w, 'word', 2)).toEqual([late.id, ...ids].toReversed());
    expect(await volumes()).toBe(5);
    const span = { from: w.now - 1000, to: w.now };
    const { items } = await w.log.events(asked('word', span));
    expect(items.map(({ id }) => id)).toEqual(ids.slice(9, 12).toReversed());
  });

  test('days that go take their volumes along, and what outlives them has no words left', async () => {
    const { w, endpoint } = await world(small);
    await using _ = w;
    const paused = await w.endpoint({ paused: true });
    await send(w, endpoint, ['old', 'old', 'old']);
    await follow(w);
    const [kept] = await send(w, paused, ['old']);
    await send(w, endpoint, ['old', 'old']);
    await follow(w);
    await send(w, endpoint, ['old']);
    await follow(w);
    const about = { endpoint: endpoint.id };
    const due = await w.due(endpoint);
    const results = due.map((key) => w.result(key, { kind: 'succeeded' }, about));
    await w.lanes.complete(await w.node(), { results, release: [] }, w.now);
    expect(await volumes()).toBe(3);
    w.now += 31 * DAY;
    await w.maintain();
    // Its delivery expired today, so its log is young; its payload went.
    expect(await w.log.event('default', kept as never)).toMatchObject({ erasedAt: w.now });
    expect(await found(w, 'old')).toEqual([]);
    expect([await docs(), await volumes()]).toEqual([0, 1]);
  });

  test('a page looks into a thousand volumes at most, and says where to go on', async () => {
    const { w, endpoint } = await world();
    await using _ = w;
    const ids = await send(w, endpoint, ['word']);
    await follow(w);
    await client.query(
      `insert into posthorn.doc_volume
       select n + 1, rpad(lpad(to_hex($1::bigint + n), 12, '0'), 32, '0')::uuid, 0
       from generate_series(1, 1000) n`,
      [w.now],
    );
    const page = await w.log.events(asked('word'));
    expect(page).toMatchObject({ items: [], next: expect.any(String) });
    expect(await found(w, 'word')).toEqual(ids);
  });

  test('words leave the tables with their event, whoever takes it', async () => {
    const { w, endpoint } = await world();
    await using _ = w;
    const [erased] = await send(w, endpoint, ['xylophone', 'quartz']);
    await follow(w);
    const having = (word: string) =>
      count(`select count(*) as n from posthorn.doc where terms::text like '%${word}%'`);
    expect([await having('xylophone'), await having('quartz')]).toEqual([1, 1]);
    await w.log.erase({ tenant: 'default', event: erased as never, from: 0 }, w.now);
    expect([await having('xylophone'), await having('quartz')]).toEqual([0, 1]);
    await send(w, endpoint, ['obsidian']);
    const [step] = await Promise.all([
      follow(w),
      w.log.erase({ tenant: 'default', event: erased as never, from: 0 }, w.now),
    ]);
    expect(step.indexed).toBe(1);
    await purge(w, await begin(w, 'default'));
    expect(await docs()).toBe(0);
  });

  test('nodes that follow at once read each event once, and one that dies loses nothing', async () => {
    const { w, endpoint } = await world();
    await using _ = w;
    const url = await postgres.url;
    const nodes = await Promise.all(
      [1, 2, 3].map(() => openPostgres({ url, masterKey, now: () => w.now })),
    );
    const ids = await send(
      w,
      endpoint,
      Array.from({ length: 60 }, () => 'word'),
    );
    // Dies between its words and its place.
    await client.query('begin');
    await client.query('select * from posthorn.indexed for update');
    const busy = await Promise.all(nodes.map(({ stats }) => stats.follow(STEP, w.now)));
    expect(busy.map(({ indexed }) => indexed)).toEqual([0, 0, 0]);
    await client.query('rollback');
    let indexed = 0;
    while (indexed < 60) {
      for (const { stats } of nodes) {
        const steps = await Promise.all([stats.follow(STEP, w.now), stats.follow(STEP, w.now)]);
        for (const step of steps) indexed += step.indexed;
      }
    }
    expect(indexed).toBe(60);
    expect(await found(w, 'word')).toEqual(ids.toReversed());
    await Promise.all(nodes.map((node) => node.close()));
  });

  test('switched off, the words leave; switched on again, they are read from the log', async () => {
    const { w, endpoint } = await world();
    await using _ = w;
    const ids = await send(w, endpoint, ['word']);
    expect(await found(w, 'word')).toEqual(ids);
    const url = await postgres.url;
    await (await openPostgres({ url, masterKey, search: false, now: () => w.now })).close();
    expect(await docs()).toBe(0);
    expect(await found(w, 'word')).toEqual(ids);
  });

  test('words lead to events, however few rows the server believes there are', async () => {
    // With connections of its own: one tells what it did as it ends.
    const { w, endpoint } = await world((sql) => sql);
    await using _ = w;
    await client.query('analyze posthorn.doc');
    const day = Math.floor(w.now / DAY);
    await client.query(
      `insert into posthorn.doc select ${slotOf('default')}, ${day}, gen_random_uuid(), 'default',
         array_to_tsvector(array['other' || n]) from generate_series(1, ${ROWS}) n`,
    );
    const before = await rowsRead();
    const ids = await send(w, endpoint, ['word']);
    expect(await found(w, 'word')).toEqual(ids);
    await w.close();
    while ((await rowsRead()).byWords === before.byWords) await new Promise(setImmediate);
    const after = await rowsRead();
    expect(after.others - before.others).toBeLessThan(ROWS);
  });

  /** Entries that the index of words led to, and rows that were read in any other way. */
  async function rowsRead() {
    const { rows } = await client.query(
      `select (select sum(idx_tup_read) from pg_stat_user_indexes where indexrelname ~ '^doc_.*terms') as words,
         (select sum(idx_tup_read) from pg_stat_user_indexes where indexrelname ~ '^doc_.*pkey')
         + (select sum(seq_tup_read) from pg_stat_user_tables where relname ~ '^doc_[0-9]') as others`,
    );
    return { byWords: Number(rows[0].words), others: Number(rows[0].others) };
  }
});

const ROWS = 20_000;
const STEP = { rows: 100, docs: 20 };
