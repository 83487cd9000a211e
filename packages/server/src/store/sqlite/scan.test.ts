import { expect, test } from 'vitest';
import type { Endpoint } from '../../core/model.ts';
import type { Page } from '../store.ts';
import { everyPage, laneOf, World } from '../suite/world.suite.ts';
import { openForSuite } from './open-for-suite.suite.ts';
import { SCAN_MAX } from './scan.ts';

/** How much work a page may be. */

/** One page cannot look at so many, also when the first ones are read into the index. */
const LONG = SCAN_MAX + 1000;

async function pages<T>(read: (cursor: string | undefined) => Promise<Page<T>>): Promise<number[]> {
  const sizes: number[] = [];
  await everyPage(async (cursor) => {
    const page = await read(cursor);
    sizes.push(page.items.length);
    return page;
  });
  return sizes;
}

async function longLog(w: World): Promise<Endpoint> {
  const endpoint = await w.endpoint();
  const lanes = [laneOf(endpoint)];
  const meta = JSON.stringify({ subject: 'rare' });
  await w.ingest(w.event(lanes, { type: 'rare', meta }));
  w.now += 60_000;
  await w.ingest(...Array.from({ length: LONG }, () => w.event(lanes, { type: 'common' })));
  const node = await w.node();
  const results = (await w.due(endpoint, LONG + 1)).map((key, i) => {
    const said = i === 0 ? { type: 'rare', status: 299, startedAt: w.now - 50_000 } : {};
    const about = { type: 'common', endpoint: endpoint.id, ...said };
    return w.result(key, { kind: 'succeeded' }, about);
  });
  await w.lanes.complete(node, { results, release: [] }, w.now);
  return endpoint;
}

test('a page that has looked at its limit of rows says where to go on', async () => {
  await using w = new World(openForSuite);
  await w.open();
  const endpoint = await longLog(w);
  const rare = { tenant: 'default', limit: 10, subject: 'rare' };
  for (const sizes of [
    await pages((cursor) => w.log.events({ ...rare, cursor })),
    await pages((cursor) => w.log.attempts({ ...rare, cursor })),
    await pages((cursor) => w.log.attempts({ ...rare, endpoint: endpoint.id, cursor })),
  ]) {
    expect(sizes).toEqual([0, 1]);
  }
  const plain = await w.log.attempts({ tenant: 'default', limit: 10 });
  expect(plain.items).toHaveLength(10);
});

test('rare types, statuses and times are found at once in a long log', async () => {
  await using w = new World(openForSuite);
  await w.open();
  const endpoint = await longLog(w);
  while ((await w.stats.follow({ rows: 1000, docs: 0 }, w.now)).more);
  const [early, late] = [w.now - 55_000, w.now - 45_000];
  const page = { tenant: 'default', limit: 10 };
  const whole = { ...page, endpoint: endpoint.id };
  for (const query of [
    { ...page, type: 'rare' },
    { ...page, type: 'r*e' },
    { ...whole, type: 'rare', state: 'succeeded' as const },
    { ...page, status: { least: 299, most: 299 } },
    { ...page, type: 'rare', status: { least: 200, most: 299 } },
    { ...page, from: early, to: late },
  ]) {
    expect(await pages((cursor) => w.log.attempts({ ...query, cursor }))).toEqual([1]);
  }
  expect(await pages((cursor) => w.log.events({ ...page, type: 'rare', cursor }))).toEqual([1]);
  const deliveries = { ...page, type: 'rare', state: 'succeeded' } as const;
  expect(await pages((cursor) => w.log.deliveries({ ...deliveries, cursor }))).toEqual([1]);
  const none = { ...page, type: 'common', status: { least: 299, most: 299 } };
  expect((await w.log.attempts(none)).items).toEqual([]);
});

test('a subject is found at once in a long log, and behind the index too', async () => {
  await using w = new World(openForSuite);
  await w.open();
  const endpoint = await longLog(w);
  const followed = async () => (await w.stats.follow({ rows: 5000, docs: 100 }, w.now)).moreDocs;
  while (await followed());
  const meta = JSON.stringify({ subject: 'rare' });
  const many = Array.from({ length: 900 }, (_, i) =>
    w.event([laneOf(endpoint)], { type: 'common', meta: i % 300 === 299 ? meta : '' }),
  );
  await w.ingest(...many);
  const rare = { tenant: 'default', limit: 3, subject: 'rare' };
  expect(await pages((cursor) => w.log.events({ ...rare, cursor }))).toEqual([3, 1]);
  expect(await pages((cursor) => w.log.events({ ...rare, limit: 10, cursor }))).toEqual([4]);
  expect(await pages((cursor) => w.log.deliveries({ ...rare, limit: 10, cursor }))).toEqual([4]);
  const word = { words: ['rare'], prefixes: [] };
  const page = await w.log.events({ tenant: 'default', limit: 10, text: word });
  expect(page.searchedTo).toBeDefined();
});

test('what was logged since is found before it is counted', async () => {
  await using w = new World(openForSuite);
  await w.open();
  const endpoint = await longLog(w);
  const again = w.event([laneOf(endpoint)], { type: 'rare' });
  await w.ingest(again);
  const node = await w.node();
  const result = w.result(await w.first(endpoint), { kind: 'failed' }, { type: 'rare' });
  const attempt = { ...result.attempt, endpoint: endpoint.id };
  await w.lanes.complete(node, { results: [{ ...result, attempt }], release: [] }, w.now);
  const { items } = await w.log.attempts({ tenant: 'default', limit: 10, type: 'rare' });
  expect(items.map(({ event }) => event)).toContain(again.id);
});
