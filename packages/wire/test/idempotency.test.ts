import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memory } from '@posthorn/wire/idempotency/memory';
import * as pg from '@posthorn/wire/idempotency/postgres';
import { redis } from '@posthorn/wire/idempotency/redis';
import { once, sqlite } from '@posthorn/wire/idempotency/sqlite';
import { Redis } from 'ioredis';
import postgresDriver from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { IdempotencyStore } from '../src/idempotency/store.ts';
import { hasPostgres, hasRedis, type Service, startPostgres, startRedis } from './services.ts';
import { openSqlite } from './sqlite.ts';

/** One contract for all stores, against the real servers. */

const LEASE = { leaseMs: 60_000 };
const DONE = { fingerprint: 'f1', ttlMs: 60_000 };

interface Clock {
  /** Lets so much time pass as the store sees it. */
  pass(ms: number): Promise<void>;
}

function contract(open: () => { store: IdempotencyStore; clock: Clock }): void {
  let count = 0;
  const fresh = () => {
    count += 1;
    return { ...open(), key: `source:msg_${count} ü'"\\` };
  };
  const taken = async (store: IdempotencyStore, key: string, leaseMs = 60_000): Promise<string> => {
    const claim = await store.claim(key, { leaseMs });
    if (claim.state !== 'new') throw new Error(`expected a new key, it is ${claim.state}`);
    return claim.token;
  };

  test('a claimed key is in progress for others, for what is left of its lease', async () => {
    const { store, key } = fresh();
    await taken(store, key);
    const claim = await store.claim(key, LEASE);
    expect(claim).toMatchObject({ state: 'in_progress' });
    const { retryAfterMs } = claim as { retryAfterMs: number };
    expect(retryAfterMs).toBeGreaterThan(50_000);
    expect(retryAfterMs).toBeLessThanOrEqual(60_000);
  });

  test('a completed key is done, with its fingerprint', async () => {
    const { store, key } = fresh();
    await store.complete(key, await taken(store, key), DONE);
    expect(await store.claim(key, LEASE)).toEqual({ state: 'done', fingerprint: 'f1' });
  });

  test('a released key is new again', async () => {
    const { store, key } = fresh();
    await store.release(key, await taken(store, key));
    expect(await store.claim(key, LEASE)).toMatchObject({ state: 'new' });
  });

  test('a lease that ran out is taken over, and its late holder settles nothing', async () => {
    const { store, key, clock } = fresh();
    const dead = await taken(store, key, 30);
    await clock.pass(40);
    const living = await taken(store, key);
    expect(living).not.toBe(dead);
    await store.complete(key, dead, DONE);
    await store.release(key, dead);
    expect(await store.claim(key, LEASE)).toMatchObject({ state: 'in_progress' });
    await store.complete(key, living, { ...DONE, fingerprint: 'f2' });
    expect(await store.claim(key, LEASE)).toEqual({ state: 'done', fingerprint: 'f2' });
  });

  test('what is done is forgotten when its time is over', async () => {
    const { store, key, clock } = fresh();
    await store.complete(key, await taken(store, key), { ...DONE, ttlMs: 30 });
    await clock.pass(40);
    expect(await store.claim(key, LEASE)).toMatchObject({ state: 'new' });
  });

  test('force takes what is done, not what is in progress', async () => {
    const { store, key } = fresh();
    const token = await taken(store, key);
    expect(await store.claim(key, { ...LEASE, force: true })).toMatchObject({
      state: 'in_progress',
    });
    await store.complete(key, token, DONE);
    expect(await store.claim(key, { ...LEASE, force: true })).toMatchObject({ state: 'new' });
    expect(await store.claim(key, LEASE)).toMatchObject({ state: 'in_progress' });
  });

  test('of 20 claims at once one is new', async () => {
    const { store, key } = fresh();
    const claims = await Promise.all(Array.from({ length: 20 }, () => store.claim(key, LEASE)));
    expect(claims.filter(({ state }) => state === 'new')).toHaveLength(1);
    expect(claims.filter(({ state }) => state === 'in_progress')).toHaveLength(19);
  });
}

function steppedClock() {
  let nowMs = Date.now();
  const pass = async (ms: number): Promise<void> => {
    nowMs += ms;
  };
  return { now: () => nowMs, clock: { pass } };
}

const realClock: Clock = { pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) };

describe('memory', () => {
  contract(() => {
    const { now, clock } = steppedClock();
    return { store: memory({ now }), clock };
  });

  test('forgets the oldest that is done above its bound, never what is in progress', async () => {
    const store = memory({ keysMax: 3 });
    const held = await store.claim('held', LEASE);
    expect(held.state).toBe('new');
    for (const key of ['a', 'b', 'c']) {
      const claim = await store.claim(key, LEASE);
      if (claim.state === 'new') await store.complete(key, claim.token, DONE);
    }
    expect(await store.claim('held', LEASE)).toMatchObject({ state: 'in_progress' });
    expect(await store.claim('c', LEASE)).toMatchObject({ state: 'done' });
    expect(await store.claim('a', LEASE)).toMatchObject({ state: 'new' });
  });
});

describe('SQLite', () => {
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-idempotency-'));
  const path = join(directory, 'db');
  const db = openSqlite(path);
  afterAll(() => {
    db.close();
    rmSync(directory, { recursive: true });
  });

  contract(() => {
    const { now, clock } = steppedClock();
    return { store: sqlite(db, { now }), clock };
  });

  test('prunes what is over once in a while', async () => {
    const { now, clock } = steppedClock();
    const store = sqlite(db, { now });
    const claim = await store.claim('old', LEASE);
    if (claim.state === 'new') await store.complete('old', claim.token, { ...DONE, ttlMs: 1 });
    await clock.pass(10);
    for (let i = 0; i < 1000; i += 1) await store.claim('again', LEASE);
    const count = 'select count(*) as n from posthorn_idempotency where key = ?';
    expect(db.prepare(count).get('old')).toMatchObject({ n: 0 });
  });

  test('once writes the key with the effect, or neither', () => {
    db.exec('create table account (cents integer); insert into account values (0)');
    const pay = () => db.prepare('update account set cents = cents + 5').run();
    const cents = () => (db.prepare('select cents from account').get() as { cents: number }).cents;
    db.exec('begin immediate');
    expect(once(db, 'msg_1', pay)).toMatchObject({ ran: true });
    db.exec('rollback');
    expect(cents()).toBe(0);
    for (const expected of [true, false]) {
      db.exec('begin immediate');
      expect(once(db, 'msg_1', pay).ran).toBe(expected);
      db.exec('commit');
    }
    expect(cents()).toBe(5);
  });

  test('a process killed in the work: the retry runs when its lease is over', async () => {
    // Without the test runner's own flags: it runs what is built.
    const child = fork(new URL('./killed-worker.js', import.meta.url), [path], { execArgv: [] });
    await new Promise((resolve) => child.once('message', resolve));
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    const store = sqlite(db);
    expect(await store.claim('killed', LEASE)).toMatchObject({ state: 'in_progress' });
    const later = sqlite(db, { now: () => Date.now() + 60_001 });
    expect(await later.claim('killed', LEASE)).toMatchObject({ state: 'new' });
  });
});

describe.skipIf(!hasPostgres)('PostgreSQL (apt-get install postgresql)', () => {
  let service: Service;
  let pool: postgresDriver.Pool;
  beforeAll(async () => {
    service = await startPostgres();
    pool = new postgresDriver.Pool({ host: service.socket, user: 'postgres', max: 25 });
    pool.on('error', () => undefined);
    // Programs that start together make the tables together.
    await Promise.all(Array.from({ length: 5 }, () => pg.setup(pool)));
  });
  afterAll(async () => {
    await pool.end();
    await service.stop();
  });

  contract(() => ({ store: pg.postgres(pool), clock: realClock }));

  test('once writes the key with the effect, or neither, also for two at the same time', async () => {
    await pool.query('create table account (cents int); insert into account values (0)');
    const pay = async (key: string, end: 'commit' | 'rollback'): Promise<boolean> => {
      const client = await pool.connect();
      try {
        await client.query('begin');
        const { ran } = await pg.once(client, key, () =>
          client.query('update account set cents = cents + 5'),
        );
        await client.query(end);
        return ran;
      } finally {
        client.release();
      }
    };
    const cents = async () => (await pool.query('select cents from account')).rows[0].cents;
    expect(await pay('msg_1', 'rollback')).toBe(true);
    expect(await cents()).toBe(0);
    const runs = await Promise.all(Array.from({ length: 5 }, () => pay('msg_1', 'commit')));
    expect(runs.filter(Boolean)).toHaveLength(1);
    expect(await cents()).toBe(5);
  });
});

describe.skipIf(!hasRedis)('Redis (apt-get install redis-server)', () => {
  let service: Service;
  let client: Redis;
  beforeAll(async () => {
    service = await startRedis();
    client = new Redis(service.socket);
  });
  afterAll(async () => {
    await client.quit();
    await service.stop();
  });

  contract(() => ({
    store: redis(([name, ...rest]) => client.call(name, ...rest)),
    clock: realClock,
  }));

  test('every key has an end', async () => {
    const store = redis(([name, ...rest]) => client.call(name, ...rest), { prefix: 'own:' });
    const claim = await store.claim('a', LEASE);
    expect(await client.pttl('own:a')).toBeGreaterThan(0);
    if (claim.state === 'new') await store.complete('a', claim.token, DONE);
    expect(await client.pttl('own:a')).toBeGreaterThan(0);
  });
});
