import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Endpoint } from '../../../core/model.ts';
import { DAY, laneOf, World } from '../../suite/world.suite.ts';
import { Database, loadDriver } from '../database.ts';
import { openSqlite } from '../open.ts';
import { masterKey } from '../open-for-suite.suite.ts';
import { SqliteDerived } from './derived.ts';

/** The file of what is derived may be lost, damaged, full or of another log: it never stops the store. */

interface Derived {
  readonly w: World;
  readonly endpoint: Endpoint;
  readonly replaced: string[];
  readonly path: string;
}

async function derived(test: (d: Derived) => Promise<void>): Promise<void> {
  const replaced: string[] = [];
  await using w = new World(({ directory, now }) => {
    writeFileSync(join(directory, 'ballast'), '');
    const told = (reason: string) => void replaced.push(reason);
    return openSqlite({ directory, masterKey, now: () => now, replaced: told });
  });
  await w.open();
  const endpoint = await w.endpoint();
  await test({ w, endpoint, replaced, path: join(w.directory, 'derived.db') });
}

/** A database as one file that no connection knows: also a closed one may be held for a while. */
async function detach(path: string): Promise<void> {
  const db = new Database(await loadDriver(), { path, readOnly: false });
  db.get('pragma wal_checkpoint(truncate)');
  db.close();
  cpSync(path, `${path}.new`);
  remove(path);
  renameSync(`${path}.new`, path);
}

function remove(path: string): void {
  for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true });
}

async function send(w: World, endpoint: Endpoint, count: number): Promise<void> {
  await w.ingest(...Array.from({ length: count }, () => w.event([laneOf(endpoint)])));
  const node = await w.node();
  const about = { endpoint: endpoint.id };
  const due = await w.due(endpoint, count);
  const results = due.map((key) => w.result(key, { kind: 'succeeded' }, about));
  await w.lanes.complete(node, { results, release: [] }, w.now);
  await w.lanes.leave(node, w.now);
}

const total = async (w: World) => {
  const stats = await w.stats.tenant('default', '24h', w.now);
  const { events, succeeded } = stats.total;
  return { events, succeeded, countedTo: stats.countedTo };
};
const counted = (count: number) => ({ events: count, succeeded: count, countedTo: undefined });

test('a file that is missing is made again from the log, in bounded steps', () =>
  derived(async ({ w, endpoint, replaced, path }) => {
    await send(w, endpoint, 30);
    expect(await total(w)).toEqual(counted(30));
    await w.close();
    remove(path);
    await w.open();
    const steps = [];
    do steps.push(await w.stats.follow({ rows: 7, docs: 0 }, w.now));
    while (steps.at(-1)?.more);
    expect(steps.length).toBeGreaterThan(4);
    expect(steps.every((step) => step.counted <= 14)).toBe(true);
    expect(await total(w)).toEqual(counted(30));
    expect(replaced).toEqual([]);
  }));

test('a reader is told how far the log was counted when there is much left', () =>
  derived(async ({ w, endpoint }) => {
    const first = w.now;
    await send(w, endpoint, 2000);
    w.now += 60_000;
    await send(w, endpoint, 2000);
    expect(await total(w)).toEqual({ events: 2000, succeeded: 2000, countedTo: first });
    await total(w);
    expect(await total(w)).toEqual(counted(4000));
  }));

test.each([
  ['no database', 'nonsense'.repeat(1000)],
  ['empty', ''],
])('a file that is %s is thrown away and made again', (_, content) =>
  derived(async ({ w, endpoint, replaced, path }) => {
    await send(w, endpoint, 3);
    await w.close();
    remove(path);
    writeFileSync(path, content);
    await w.open();
    expect(await total(w)).toEqual(counted(3));
    expect(replaced).toHaveLength(content === '' ? 0 : 1);
  }),
);

test('damage that is met while it is used: sending goes on, and the file is made again', () =>
  derived(async ({ w, endpoint, replaced, path }) => {
    await send(w, endpoint, 300);
    await total(w);
    await w.close();
    await detach(path);
    const bytes = readFileSync(path);
    // All but the first page, so that it opens.
    writeFileSync(path, bytes.fill(0xff, 4096));
    await w.open();
    await send(w, endpoint, 2);
    for (let i = 0; i < 3 && replaced.length === 0; i++) await total(w).catch(() => {});
    expect(replaced).toHaveLength(1);
    expect(await total(w)).toEqual(counted(302));
  }));

test('a file of another store is not believed', () =>
  derived(async ({ w, endpoint, replaced, path }) => {
    await send(w, endpoint, 5);
    await total(w);
    await w.close();
    await detach(path);
    remove(join(w.directory, 'posthorn.db'));
    await w.open();
    expect((await total(w)).events).toBe(0);
    expect(replaced).toEqual(['it is of another log']);
  }));

test('a log that lost its end is counted on from there', () =>
  derived(async ({ w, endpoint, replaced }) => {
    await send(w, endpoint, 5);
    await total(w);
    await w.close();
    const log = join(w.directory, 'posthorn.db');
    await detach(log);
    cpSync(log, `${log}.backup`);
    await w.open();
    await send(w, endpoint, 5);
    await total(w);
    await w.close();
    remove(log);
    cpSync(`${log}.backup`, log);
    await w.open();
    await w.stats.follow({ rows: 0, docs: 0 }, w.now);
    await send(w, endpoint, 2);
    // The five that were lost did happen.
    expect(await total(w)).toEqual(counted(12));
    expect(replaced).toEqual([]);
  }));

test('a full disk stops the counting and not the reading, and it goes on when there is room', () =>
  derived(async ({ w, endpoint }) => {
    await send(w, endpoint, 3);
    await total(w);
    const driver = await loadDriver();
    const path = join(w.directory, 'posthorn.db');
    const log = new Database(driver, { path, readOnly: true });
    const directory = join(w.directory, 'small');
    mkdirSync(directory);
    const small = { driver, directory, log, replaced: () => {}, search: true };
    const room = new SqliteDerived({ ...small, bytesMax: 14 * 4096 });
    await room.tenant('default', '24h', w.now);
    const many = await Promise.all(Array.from({ length: 400 }, () => w.endpoint()));
    w.version = (await w.store.config.changes(0, 1000)).version;
    await w.ingest(w.event(many.map(laneOf)));
    const stats = await room.tenant('default', '24h', w.now);
    expect(stats.total.events).toBe(3);
    expect(stats.countedTo).toBeDefined();
    await expect(room.follow({ rows: 100, docs: 0 }, w.now)).rejects.toMatchObject({
      kind: 'full',
    });
    room.close();
    const roomy = new SqliteDerived(small);
    expect((await roomy.tenant('default', '24h', w.now)).total.events).toBe(4);
    roomy.close();
    log.close();
  }));

/** Follows until nothing is left to do. */
async function settle(w: World): Promise<void> {
  for (let more = true; more; ) {
    const step = await w.stats.follow({ rows: 1000, docs: 100 }, w.now);
    more = step.more || step.moreDocs;
  }
}

async function hits(w: World, text: string): Promise<string[]> {
  const query = { tenant: 'default', limit: 10, text: { words: [text], prefixes: [] } };
  return (await w.log.events(query)).items.map(({ id }) => id);
}

const said = (word: string) => ({ data: Buffer.from(JSON.stringify({ word })) });

test('words of what was erased leave the file, and the others stay', () =>
  derived(async ({ w, endpoint, path }) => {
    const lanes = [laneOf(endpoint)];
    const [secret, other] = [w.event(lanes, said('xylophone')), w.event(lanes, said('quartz'))];
    await w.ingest(secret, other);
    await settle(w);
    expect([await hits(w, 'xylophone'), await hits(w, 'quartz')]).toEqual([
      [secret.id],
      [other.id],
    ]);
    await w.log.erase({ tenant: 'default', event: secret.id, from: 0 }, w.now);
    expect(await hits(w, 'xylophone')).toEqual([]);
    await settle(w);
    w.now += 61_000;
    await settle(w);
    expect([await hits(w, 'xylophone'), await hits(w, 'quartz')]).toEqual([[], [other.id]]);
    await w.close();
    await detach(path);
    const bytes = readFileSync(path);
    // Where a word begins like the one before it, only its end is stored.
    expect([bytes.includes('lophone'), bytes.includes('artz')]).toEqual([false, true]);
    await w.open();
  }));

test('what retention removed is not found, and leaves the file', () =>
  derived(async ({ w, endpoint, path }) => {
    await w.ingest(w.event([laneOf(endpoint)], said('xylophone')));
    const gone = w.result(
      await w.first(endpoint),
      { kind: 'succeeded' },
      { endpoint: endpoint.id },
    );
    await w.lanes.complete(await w.node(), { results: [gone], release: [] }, w.now);
    await settle(w);
    w.now += 31 * DAY;
    const kept = w.event([laneOf(endpoint)], said('quartz'));
    await w.maintain();
    await w.ingest(kept);
    expect([await hits(w, 'xylophone'), await hits(w, 'quartz')]).toEqual([[], [kept.id]]);
    await settle(w);
    w.now += 61_000;
    await settle(w);
    expect(await hits(w, 'quartz')).toEqual([kept.id]);
    await w.close();
    await detach(path);
    expect(readFileSync(path).includes('lophone')).toBe(false);
    await w.open();
  }));

test('the index is made again when the file is lost, and with it what failed', () =>
  derived(async ({ w, endpoint, path }) => {
    await send(w, endpoint, 150);
    const broken = w.event([laneOf(endpoint)], said('quartz'));
    await w.ingest(broken);
    const result = w.result(
      await w.first(endpoint),
      { kind: 'failed' },
      {
        endpoint: endpoint.id,
        status: 500,
        responseBody: Buffer.from('out of marbles'),
      },
    );
    await w.lanes.complete(await w.node(), { results: [result], release: [] }, w.now);
    await settle(w);
    await w.close();
    remove(path);
    await w.open();
    expect(await hits(w, 'quartz')).toEqual([]);
    await settle(w);
    for (const text of ['quartz', 'marbles']) expect(await hits(w, text)).toEqual([broken.id]);
  }));

test('a place where no file can be made: statistics are refused, nothing else is', () =>
  derived(async ({ w, endpoint, path }) => {
    await w.close();
    remove(path);
    mkdirSync(path);
    writeFileSync(join(path, 'file'), '');
    await w.open();
    await send(w, endpoint, 1);
    await expect(w.stats.tenant('default', '24h', w.now)).rejects.toMatchObject({
      kind: 'unavailable',
    });
    rmSync(path, { recursive: true });
    expect(await total(w)).toEqual(counted(1));
    expect(existsSync(path)).toBe(true);
  }));
