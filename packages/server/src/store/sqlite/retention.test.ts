import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Endpoint } from '../../core/model.ts';
import { DAY, keyOf, laneOf, RETENTION, World } from '../suite/world.suite.ts';
import { Database, loadDriver } from './database.ts';
import { openSqlite } from './open.ts';
import { masterKey, openForSuite } from './open-for-suite.suite.ts';
import { OwedSet } from './owed-set.ts';

/** How much one step does, and where the space goes; what retention does is in the suite. */

const KIB = 1024;

async function settleAll(w: World, endpoint: Endpoint, body = randomBytes(100)): Promise<void> {
  const node = await w.node();
  const results = (await w.due(endpoint)).map((key) =>
    w.result(key, { kind: 'succeeded' }, { endpoint: endpoint.id, responseBody: body }),
  );
  await w.lanes.complete(node, { results, release: [] }, w.now);
  await w.lanes.leave(node, w.now);
}

/** Looks at the file beside the store. */
async function look(w: World): Promise<Database> {
  const path = join(w.directory, 'posthorn.db');
  const db = new Database(await loadDriver(), { path, readOnly: true });
  onTestFinished(() => db.close());
  return db;
}

function sizes(db: Database) {
  return db.get<{ rows: number; bytes: number }>(
    `select (select count(*) from event) + (select count(*) from attempt) as rows,
       (select ifnull(sum(length(data)), 0) from event)
       + (select ifnull(sum(length(res_body)), 0) from attempt) as bytes`,
  ) as { rows: number; bytes: number };
}

/** Most rows and bytes that left in one step, and how many steps there were. */
async function busiestStep(w: World, policy: typeof RETENTION) {
  const db = await look(w);
  let [rows, bytes, steps] = [0, 0, 0];
  for (let more = true; more; steps++) {
    const before = sizes(db);
    more = (await w.log.maintain(policy, w.now)).more;
    const after = sizes(db);
    rows = Math.max(rows, before.rows - after.rows);
    bytes = Math.max(bytes, before.bytes - after.bytes);
  }
  return { rows, bytes, steps, left: sizes(db) };
}

test('a step removes a bounded number of rows, however many there are', async () => {
  await using w = new World(openForSuite);
  await w.open();
  const endpoint = await w.endpoint();
  await w.feed(endpoint, 1000);
  await settleAll(w, endpoint);
  w.now += 31 * DAY;
  const { rows, steps, left } = await busiestStep(w, { ...RETENTION, chunk: 20 });
  expect(rows).toBeLessThanOrEqual(40);
  expect(steps).toBeGreaterThan(50);
  expect(left.rows).toBe(0);
});

test.each([
  ['log', { logMs: 30 * DAY, chunk: 200 }],
  ['payloads', { logMs: 90 * DAY, payloadMs: 30 * DAY, chunk: 200 }],
] as const)('a step over %s takes few bytes, however large the rows are', async (_, policy) => {
  await using w = new World(openForSuite);
  await w.open();
  const endpoint = await w.endpoint();
  const data = Buffer.from(JSON.stringify('x'.repeat(300 * KIB)));
  await w.ingest(...Array.from({ length: 20 }, () => w.event([laneOf(endpoint)], { data })));
  await settleAll(w, endpoint, randomBytes(300 * KIB));
  w.now += 31 * DAY;
  const { bytes, left } = await busiestStep(w, policy);
  // A mebibyte of attempts, one of events, and the row with which each was full.
  expect(bytes).toBeLessThan(2 * (1024 + 301) * KIB);
  expect(left.bytes).toBe(0);
});

test('an event with more attempts than a step takes goes over several', async () => {
  await using w = new World(openForSuite);
  await w.open();
  const endpoints = await Promise.all(Array.from({ length: 25 }, () => w.endpoint()));
  w.version = (await w.store.config.changes(0, 100)).version;
  await w.ingest(w.event(endpoints.map(laneOf)), w.event(endpoints.map(laneOf)));
  for (const endpoint of endpoints) await settleAll(w, endpoint);
  w.now += 31 * DAY;
  const { rows, left } = await busiestStep(w, { ...RETENTION, chunk: 10 });
  expect(rows).toBeLessThanOrEqual(20);
  expect(left.rows).toBe(0);
});

test('space that was freed is used again: the file does not grow', async () => {
  await using w = new World(openForSuite);
  await w.open();
  const endpoint = await w.endpoint();
  const db = await look(w);
  const pages = () => db.get<{ page_count: number }>('pragma page_count')?.page_count ?? 0;
  const turn = async () => {
    await w.feed(endpoint, 500);
    await settleAll(w, endpoint, randomBytes(2 * KIB));
    w.now += 31 * DAY;
    await w.maintain();
    return pages();
  };
  const first = await turn();
  for (let i = 0; i < 3; i++) expect(await turn()).toBeLessThan(first * 1.05);
});

test('where more is owed than can be noted, a pass takes one window after the other', async () => {
  await using w = new World(({ directory, now }) =>
    openSqlite({ directory, masterKey, now: () => now, owedMax: 4 }),
  );
  await w.open();
  const [paused, endpoint] = [await w.endpoint({ paused: true }), await w.endpoint()];
  const owed: string[] = [];
  for (let i = 0; i < 30; i++) {
    const lanes = [laneOf(endpoint), ...(i % 2 === 0 ? [laneOf(paused)] : [])];
    const event = w.event(lanes);
    if (i % 2 === 0) owed.push(event.id);
    await w.ingest(event);
  }
  await settleAll(w, endpoint);
  w.now += 3 * DAY;
  const policy = { ...RETENTION, payloadMs: DAY, chunk: 5 };
  expect(await w.maintain(policy)).toMatchObject({ erased: 15 });
  const { items } = await w.log.events({ tenant: 'default', limit: 50 });
  const kept = items.filter(({ erasedAt }) => erasedAt === undefined).map(({ id }) => id);
  expect(kept.sort()).toEqual(owed.sort());
  await settleAll(w, await w.put({ ...paused, paused: false }));
  w.now += DAY;
  expect(await w.maintain(policy)).toMatchObject({ erased: 15 });
});

test('what is made due behind a survey that is under way keeps its payload', async () => {
  await using w = new World(openForSuite);
  await w.open();
  const endpoint = await w.endpoint();
  await w.feed(endpoint, 12);
  const node = await w.node();
  const rows = await w.due(endpoint);
  const retry = { kind: 'retry', at: w.now + 10 * DAY } as const;
  for (const key of rows) await w.settle(node, endpoint, { key, next: retry });
  await w.release(node, keyOf(endpoint));
  w.now += 3 * DAY;
  const policy = { ...RETENTION, payloadMs: DAY, chunk: 1 };
  // Begins, and looks at the first five.
  for (let i = 0; i < 2; i++) await w.log.maintain(policy, w.now);
  const { event } = rows.at(-1) ?? { event: 'evt_' };
  const { slot, lane } = keyOf(endpoint);
  await w.lanes.command([{ slot, lane, event, run: 0, do: 'retryNow' }], w.now);
  expect(await w.maintain(policy)).toMatchObject({ erased: 0 });
  expect(await w.log.event('default', event)).toMatchObject({ erasedAt: undefined });
});

test('a set of what is owed ends its window where it would be too large', () => {
  const owed = new OwedSet({ from: 10, until: 100 }, 4);
  for (const seq of [50, 9, 100, 20, 30, 40]) owed.add(seq);
  expect([owed.until, owed.has(50), owed.has(9)]).toEqual([100, true, false]);
  owed.add(25);
  expect(owed.until).toBe(40);
  expect([20, 25, 30, 40, 50].map((seq) => owed.has(seq))).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
  owed.add(60);
  expect(owed.has(60)).toBe(false);
});
