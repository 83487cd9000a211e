import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { StoreError } from '../store.ts';
import { laneOf, World } from '../suite/world.suite.ts';
import { Committer } from './committer.ts';
import { Database, loadDriver } from './database.ts';
import { openSqlite } from './open.ts';
import { masterKey, openForSuite } from './open-for-suite.suite.ts';

async function opened(bytesMax?: number): Promise<World> {
  const w = new World(({ directory, now }) =>
    openSqlite({ directory, masterKey, now: () => now, bytesMax }),
  );
  await w.open();
  return w;
}

test('a directory in use is refused, and says what to do', async () => {
  await using w = await opened();
  const second = openForSuite({ directory: w.directory, now: w.now, limits: {} });
  await expect(second).rejects.toThrow(/Another Posthorn already uses .*POSTHORN_DATA/);
  await expect(second).rejects.toMatchObject({ kind: 'fatal' });
  await w.close();
  await w.open();
});

test('another master key is refused, and the right one still opens', async () => {
  await using w = await opened();
  await w.endpoint();
  await w.close();
  const { directory } = w;
  const options = { directory, masterKey: 'x'.repeat(32), now: () => w.now };
  await expect(openSqlite(options)).rejects.toThrow(/POSTHORN_MASTER_KEY is not the key/);
  await w.open();
  expect((await w.store.config.list('endpoint', ALL)).items).toHaveLength(1);
});

test('configuration that an older release stored comes in the shape of this one', async () => {
  await using w = await opened();
  const { alias, fields, standardHeaders, ...endpoint } = await w.endpoint();
  const defaults = { retryPolicy: null, timeoutMs: 9000, rateLimit: null, maxConcurrency: null };
  const old = [
    { kind: 'endpoint', id: endpoint.id, tenant: 'default', value: endpoint },
    { kind: 'tenant', id: 'old', tenant: 'old', value: { id: 'old', parent: null, defaults } },
  ] as const;
  await w.store.config.put(
    old.map((change) => ({ ...change, expected: undefined })),
    w.now,
  );
  await w.open();
  expect((await w.store.config.read('endpoint', endpoint.id))?.value).toEqual({
    ...endpoint,
    alias,
    fields,
    standardHeaders,
  });
  const { items } = await w.store.config.changes(0, 100);
  expect(items.find((item) => item.id === 'old')?.value).toMatchObject({
    alias: null,
    defaults: { dialect: null, validation: null, timeoutMs: 9000 },
  });
});

test('a store of a newer release is refused and left as it is', async () => {
  await using w = await opened();
  await w.close();
  const path = join(w.directory, 'posthorn.db');
  const db = new Database(await loadDriver(), { path, readOnly: false });
  db.exec('pragma user_version = 99');
  db.close();
  await expect(w.open()).rejects.toThrow(/newer Posthorn \(schema 99/);
});

test('secrets of endpoints and sealed heads are not in the files, but come back', async () => {
  await using w = await opened();
  const value = 'whsec_c2VjcmV0LW9mLXRoZS1lbmRwb2ludA';
  const header = { name: 'Authorization', value: 'Bearer hidden-header-value' };
  const secrets = [{ value, expiresAt: null }];
  const endpoint = await w.endpoint({ secrets, headers: [header] });
  await w.feed(endpoint, 2);
  const node = await w.node();
  const [sealed, plain] = await w.due(endpoint);
  if (!sealed || !plain) throw new Error('two are due');
  const head = (text: string) => Buffer.from(`POST / HTTP/1.1\r\nHost: a\r\nX: ${text}\r\n`);
  const about = { endpoint: endpoint.id, responseHead: head('hidden-answer') };
  const results = [
    w.result(sealed, DONE, { ...about, requestHead: head('hidden-ask'), secretHeads: true }),
    w.result(plain, DONE, { endpoint: endpoint.id, requestHead: head('open-ask') }),
  ];
  await w.lanes.complete(node, { results, release: [] }, w.now);
  const attempts = await w.log.attempts({ tenant: 'default', event: sealed.event, limit: 1 });
  const whole = await w.log.attempt('default', attempts.items[0]?.id ?? 'att_');
  expect(Buffer.from(whole?.requestHead ?? '').toString()).toContain('hidden-ask');
  const read = await w.store.config.read('endpoint', endpoint.id);
  expect(read?.value).toMatchObject({ secrets, headers: [header] });

  for (const when of ['open', 'closed']) {
    if (when === 'closed') await w.close();
    const files = readdirSync(w.directory).map((name) => readFileSync(join(w.directory, name)));
    const found = (text: string) => files.some((bytes) => bytes.includes(text));
    expect(found('open-ask')).toBe(true);
    for (const text of [value, 'hidden-header-value', 'hidden-ask', 'hidden-answer']) {
      expect([text, found(text)]).toEqual([text, false]);
    }
  }
});

test('a full store refuses as full, keeps what it has, and works again when there is room', async () => {
  await using w = await opened(400_000);
  const endpoint = await w.endpoint({ paused: true });
  const data = randomBytes(4000);
  const stored: string[] = [];
  const full = await (async () => {
    for (;;) {
      const event = w.event([laneOf(endpoint)], { data });
      const error = await w.ingest(event).catch((e: unknown) => e);
      if (error instanceof Error) return error;
      stored.push(event.id);
    }
  })();
  expect(full).toMatchObject({ name: 'StoreError', kind: 'full' });
  expect(await w.deliveries()).toHaveLength(stored.length);
  expect((await w.log.stats(w.now)).pending).toBe(stored.length);
  await w.close();
  await using more = new World((options) => openForSuite({ ...options, directory: w.directory }));
  await more.open();
  more.version = w.version;
  more.now = w.now + 1;
  expect(await more.deliveries()).toHaveLength(stored.length);
  await more.feed(endpoint);
  expect(await more.deliveries()).toHaveLength(stored.length + 1);
});

test('a full store works again in the same process once housekeeping made room', async () => {
  await using w = await opened(400_000);
  const data = randomBytes(4000);
  const fill = async () => {
    for (;;) await w.ingest(w.event([], { data }));
  };
  await expect(fill()).rejects.toMatchObject({ kind: 'full' });
  await expect(w.ingest(w.event([], { data }))).rejects.toMatchObject({ kind: 'full' });
  w.now += 1000;
  expect((await w.maintain({ logMs: 500, chunk: 10 })).removed).toBeGreaterThan(50);
  await w.ingest(w.event([], { data }));
});

test('closing commits what was asked; what is asked later is refused', async () => {
  await using w = await opened();
  const endpoint = await w.endpoint();
  const { lanes, close } = { lanes: w.store.lanes, close: w.store.close };
  const asked = w.feed(endpoint, 3);
  await close();
  expect(await asked).toHaveLength(3);
  const late = lanes.ingest([], w.version, w.now);
  await expect(late).rejects.toBeInstanceOf(StoreError);
  await expect(lanes.fetch([CURSOR], w.now)).rejects.toBeInstanceOf(StoreError);
  await w.open();
  expect(await w.due(endpoint)).toHaveLength(3);
});

test('a job that fails in a group commit fails alone; the others are committed together', async () => {
  const { db, committer, count } = await committing();
  const insert = (n: number) => committer.run({ durable: true, execute: () => db.run(INSERT, n) });
  const outcomes = await Promise.allSettled([1, 2, 2, 3, 1, 4].map(insert));
  expect(outcomes.map(({ status }) => status)).toEqual([
    'fulfilled',
    'fulfilled',
    'rejected',
    'fulfilled',
    'rejected',
    'fulfilled',
  ]);
  expect(outcomes[2]).toMatchObject({ reason: { name: 'StoreError', kind: 'unavailable' } });
  expect(count()).toBe(4);
  db.close();
});

test('after a fault that only a restart heals, nothing is written any more', async () => {
  const { db, committer, fatal } = await committing();
  const error = new StoreError('fatal', 'the disk failed to flush');
  const failing = committer.run({
    durable: true,
    execute() {
      throw error;
    },
  });
  const beside = committer.run({ durable: true, execute: () => db.run(INSERT, 1) });
  await expect(failing).rejects.toBe(error);
  await expect(beside).rejects.toBe(error);
  await expect(committer.run({ durable: true, execute: () => db.run(INSERT, 2) })).rejects.toBe(
    error,
  );
  expect(fatal).toEqual([error]);
  db.close();
});

test('what is ingested runs before what else its transaction holds', async () => {
  const { db, committer } = await committing();
  const order: string[] = [];
  const job = (name: string, first: boolean) =>
    committer.run({ durable: true, first, execute: () => order.push(name) });
  await Promise.all([
    job('put', false),
    job('ingest', true),
    job('put', false),
    job('ingest', true),
  ]);
  expect(order).toEqual(['ingest', 'ingest', 'put', 'put']);
  db.close();
});

test('a flush that fails ends the store: what it should have covered is refused, and all after it', async () => {
  const { db, committer, fatal } = await committing(() => Promise.reject(new Error('EIO')));
  const lazy = committer.run({ durable: false, execute: () => 'committed' });
  const covered = committer.run({ durable: true, execute: () => 'lost?' });
  expect(await lazy).toBe('committed');
  await expect(covered).rejects.toMatchObject({ kind: 'fatal' });
  await expect(committer.run({ durable: true, execute: () => 1 })).rejects.toMatchObject({
    kind: 'fatal',
  });
  expect(fatal).toHaveLength(1);
  db.close();
});

const ALL = { tenant: undefined, limit: 10, after: undefined };
const DONE = { kind: 'succeeded' } as const;
const CURSOR = { slot: 0, lane: 16, after: undefined, limit: 1 };
const INSERT = 'insert into t (n) values (?)';

async function committing(flush?: () => Promise<void>) {
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-commit-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const db = new Database(await loadDriver(), { path: join(directory, 'x.db'), readOnly: false });
  db.exec('create table t (n integer unique)');
  const fatal: Error[] = [];
  const committer = new Committer({
    db,
    at: () => {},
    flush: flush ?? (() => db.flush()),
    rolledBack: () => {},
    fatal: (error) => void fatal.push(error),
  });
  const count = () => db.get<{ n: number }>('select count(*) as n from t')?.n;
  return { db, committer, fatal, count };
}
