import { expect, test } from 'vitest';
import type { Page } from '../store.ts';
import { everyPage, laneOf, World } from '../suite/world.suite.ts';
import { openForSuite } from './open-for-suite.suite.ts';
import { SCAN_MAX } from './scan.ts';

/** How much work a page may be. */

async function pages<T>(read: (cursor: string | undefined) => Promise<Page<T>>): Promise<number[]> {
  const sizes: number[] = [];
  await everyPage(async (cursor) => {
    const page = await read(cursor);
    sizes.push(page.items.length);
    return page;
  });
  return sizes;
}

test('a page that has looked at its limit of rows says where to go on', async () => {
  await using w = new World(openForSuite);
  await w.open();
  const endpoint = await w.endpoint();
  const lanes = [laneOf(endpoint)];
  await w.ingest(w.event(lanes, { type: 'rare' }));
  const many = Array.from({ length: SCAN_MAX }, () => w.event(lanes, { type: 'common' }));
  await w.ingest(...many);
  const node = await w.node();
  const results = (await w.due(endpoint, SCAN_MAX + 1)).map((key, i) =>
    w.result(key, { kind: 'succeeded' }, { type: i === 0 ? 'rare' : 'common' }),
  );
  const attempts = results.map((result) => ({
    ...result,
    attempt: { ...result.attempt, endpoint: endpoint.id },
  }));
  await w.lanes.complete(node, { results: attempts, release: [] }, w.now);
  const rare = { tenant: 'default', limit: 10, type: 'rare' };
  const succeeded = { ...rare, state: 'succeeded' } as const;
  for (const sizes of [
    await pages((cursor) => w.log.events({ ...rare, cursor })),
    await pages((cursor) => w.log.attempts({ ...rare, cursor })),
    await pages((cursor) => w.log.attempts({ ...rare, endpoint: endpoint.id, cursor })),
    await pages((cursor) => w.log.deliveries({ ...succeeded, cursor })),
  ]) {
    expect(sizes).toEqual([0, 1]);
  }
  const plain = await w.log.attempts({ tenant: 'default', limit: 10 });
  expect(plain.items).toHaveLength(10);
});
