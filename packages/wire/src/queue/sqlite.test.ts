import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openSqlite } from '../../test/sqlite.ts';
import { defineEvents, type StandardSchema } from '../catalogue-types.ts';
import type { Delivery } from '../delivery.ts';
import type { SqliteDatabase } from '../idempotency/sqlite.ts';
import { createReceiver } from '../receiver.ts';
import * as schemes from '../schemes/index.ts';
import { createTestKit } from '../testkit/index.ts';
import { type QueueFailure, type QueueWorker, sqliteQueue } from './sqlite.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const kit = createTestKit({ scheme: schemes.standard(), secret: SECRET });

let directory: string;
let db: SqliteDatabase & { close(): void };
let workers: QueueWorker[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'posthorn-queue-'));
  db = openSqlite(join(directory, 'db'));
  workers = [];
});

afterEach(async () => {
  for (const worker of workers) await worker.stop();
  db.close();
  rmSync(directory, { recursive: true });
});

interface Setup {
  readonly handler: (delivery: Delivery) => unknown;
  readonly now?: () => number;
}

function setup({ handler, now = Date.now }: Setup) {
  const queue = sqliteQueue(db, { now });
  const receiver = createReceiver({
    scheme: schemes.standard(),
    secrets: SECRET,
    ack: 'queued',
    queue,
    now,
  })
    .onAny(handler)
    .onError(() => undefined);
  const failures: QueueFailure[] = [];
  const start = () => {
    const onFailure = (failure: QueueFailure) => failures.push(failure);
    workers.push(queue.start(receiver, { onFailure }));
  };
  return { queue, receiver, failures, start };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

describe('queue', () => {
  test('works on what comes while it runs, and on what was there before', async () => {
    const ids: string[] = [];
    const { queue, receiver, start } = setup({ handler: ({ id }) => ids.push(id) });
    expect((await kit.event('a', 1).id('before').send(receiver)).status).toBe(202);
    expect(queue.counts()).toEqual({ waiting: 1, aside: 0 });
    start();
    expect((await kit.event('a', 1).id('while').send(receiver)).status).toBe(202);
    await until(() => queue.counts().waiting === 0);
    expect(ids).toEqual(['before', 'while']);
  });

  test('hands on the exact bytes, headers and who verified them', async () => {
    const seen: Delivery[] = [];
    const { receiver, queue, start } = setup({ handler: (delivery) => seen.push(delivery) });
    const body = '{"type":"a", "data":{"n":12345678901234567890,"ü":1.0}}';
    await kit.raw(body).id('m').header('x-own', 'v').send(receiver);
    start();
    await until(() => queue.counts().waiting === 0);
    expect(Buffer.from(seen[0]?.raw ?? []).toString()).toBe(body);
    expect(seen[0]?.headers.get('x-own')).toBe('v');
    expect(seen[0]?.verified.sentAt).toBeInstanceOf(Date);
  });

  test('a message whose handler fails is tried again, later each time', async () => {
    let nowMs = Date.now();
    let calls = 0;
    const handler = () => {
      calls += 1;
      if (calls < 3) throw new Error(`not yet ${calls}`);
    };
    const { queue, receiver, failures, start } = setup({ handler, now: () => nowMs });
    await kit.event('a', 1).send(receiver);
    for (const [attempt, waitMs] of [
      [1, 1000],
      [2, 2000],
    ] as const) {
      start();
      await until(() => failures.length === attempt);
      expect(failures[attempt - 1]).toMatchObject({ attempts: attempt, again: true });
      nowMs += waitMs - 1;
      await workers.pop()?.stop();
      start();
      await new Promise((resolve) => setTimeout(resolve, 10));
      expect(calls).toBe(attempt);
      await workers.pop()?.stop();
      nowMs += 1;
    }
    start();
    await until(() => queue.counts().waiting === 0);
    expect(calls).toBe(3);
  });

  test('what no retry can help is set aside, and kept', async () => {
    const { queue, receiver } = setup({ handler: () => undefined });
    await kit.event('a', 1).send(receiver);
    const refusing: StandardSchema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => ({ issues: [{ message: 'never fits' }] }),
      },
    };
    const stricter = createReceiver({
      scheme: schemes.standard(),
      secrets: SECRET,
      events: defineEvents({ a: refusing }),
      log: { error: () => undefined },
    });
    const failures: QueueFailure[] = [];
    workers.push(queue.start(stricter, { onFailure: (failure) => failures.push(failure) }));
    await until(() => failures.length === 1);
    expect(failures[0]).toMatchObject({ again: false, error: { code: 'schema_mismatch' } });
    expect(queue.counts()).toEqual({ waiting: 0, aside: 1 });
  });

  test('what was in flight when a process died comes back with the next start', async () => {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const first = setup({ handler: () => gate });
    await kit.event('a', 1).id('m').send(first.receiver);
    first.start();
    await new Promise((resolve) => setTimeout(resolve, 5));

    const ids: string[] = [];
    const second = setup({ handler: ({ id }) => ids.push(id) });
    second.start();
    await until(() => ids.length === 1);
    expect(ids).toEqual(['m']);
    release();
  });

  test('a connection that may lose commits is refused', () => {
    db.exec('pragma synchronous = normal');
    expect(() => sqliteQueue(db)).toThrow(/synchronous = full/);
  });
});
