import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createClient } from '@posthorn/api';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type App, startApp } from '../../app.ts';
import { loadConfig } from '../../config.ts';
import { eventually } from '../../delivery/harness.suite.ts';
import { createLogger, createMetrics } from '../../telemetry.ts';
import { hasPostgres, needing, TestPostgres } from './cluster.suite.ts';

/** Publishing inside the transaction of whoever publishes, through the whole product. */

const KEY = 'test-admin-key-of-32-characters-or-more';

describe.skipIf(!hasPostgres)(needing('PostgreSQL: posthorn.publish()'), () => {
  const postgres = new TestPostgres();
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-publish-'));
  const received: string[] = [];
  const receiver = createServer(async (req, res) => {
    received.push(await text(req));
    res.end();
  });
  let app: App;
  let url: string;
  let producer: Client;

  beforeAll(async () => {
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    url = await postgres.database();
    app = await startApp({
      config: loadConfig({
        command: 'dev',
        flags: { data: directory, port: '0', adminKey: KEY, databaseUrl: url, masterKey: KEY },
        env: {},
        cwd: directory,
      }),
      logger: createLogger({ level: 'silent', format: 'json', stream: process.stdout }),
      metrics: createMetrics(),
      inline: true,
    });
    const { port } = receiver.address() as AddressInfo;
    const body = { url: `http://127.0.0.1:${port}/`, eventTypes: ['order.*'] };
    await createClient({ baseUrl: app.url, key: KEY }).createEndpoint({ tenant: 'default', body });
    producer = new Client({ connectionString: url });
    await producer.connect();
  }, 60_000);

  afterAll(async () => {
    await producer?.end();
    await app?.close();
    receiver.closeAllConnections();
    receiver.close();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  const got = (part: string) => received.filter((body) => body.includes(part));
  const arrival = (part: string) => eventually(() => got(part).length > 0, part);

  test('what is committed is sent, byte for byte; what is rolled back never is', async () => {
    await producer.query('begin');
    await producer.query(
      `select posthorn.publish('default', 'order.paid', '{"n": 1.0, "x": "rolled back"}')`,
    );
    await producer.query('rollback');
    await producer.query('begin');
    await producer.query('create temp table mine (id int) on commit drop');
    await producer.query(
      `select posthorn.publish('default', 'order.paid', '{"n": 1.0,  "x": "kept"}')`,
    );
    await producer.query('commit');
    await arrival('"data":{"n": 1.0,  "x": "kept"}');
    expect(got('rolled back')).toEqual([]);
  });

  test('jsonb, bytes, and all that can be said of an event are taken', async () => {
    await producer.query(
      `select posthorn.publish('default', 'order.sent', $1::jsonb, occurred_at => $2, subject => 'o/1',
         actor => '{"id":"u1"}', channels => array['a'])`,
      [{ kind: 'jsonb' }, new Date('2026-01-02T03:04:05.678Z')],
    );
    await producer.query(`select posthorn.publish('default', 'order.sent', $1::bytea)`, [
      Buffer.from('{"kind":"bytes é"}'),
    ]);
    await arrival('bytes é');
    await arrival('"kind": "jsonb"');
    expect(got('jsonb')[0]).toContain('2026-01-02T03:04:05.678Z');
  });

  test('the same id is one event, and another content under it is kept aside with the reason', async () => {
    for (const n of [1, 1, 2]) {
      await producer.query(
        `select posthorn.publish('default', 'order.once', $1::text, id => 'once')`,
        [`{"once":${n}}`],
      );
    }
    const refused = async () =>
      (await producer.query('select id, code from posthorn.staged_refused')).rows;
    await eventually(async () => (await refused()).length > 0, 'the refusal');
    expect(await refused()).toEqual([{ id: 'once', code: 'idempotency_conflict' }]);
    await arrival('"once":1');
    expect(got('"once"')).toHaveLength(1);
    expect((await producer.query('select from posthorn.staged')).rowCount).toBe(0);
  });

  test('what could never be sent fails in the transaction of its producer', async () => {
    const refusals: [string, RegExp][] = [
      [`'nobody', 'order.paid', '{}'`, /no tenant nobody/],
      [`'default', 'no type!', '{}'`, /is not an event type/],
      [`'default', 'order.paid', '{"a":'`, /invalid input syntax for type json/],
      [`'default', 'order.paid', '{}', id => 'with space'`, /printable ASCII/],
      [`'default', 'order.paid', null::text`, /must not be null/],
      [`'default', 'order.paid', to_json(repeat('x', 1100000))::text`, /more than 1 MiB/],
    ];
    for (const [args, reason] of refusals) {
      await expect(producer.query(`select posthorn.publish(${args})`)).rejects.toThrow(reason);
    }
  });

  test('a role can be given the right to publish, and nothing else', async () => {
    await producer.query(`create role shop login; grant usage on schema posthorn to shop`);
    const shop = new Client({ connectionString: url.replace('postgres@', 'shop@') });
    await shop.connect();
    const publish = `select posthorn.publish('default', 'order.role', '{"by":"shop"}'::text)`;
    await expect(shop.query(publish)).rejects.toThrow(/permission denied for function publish/);
    await producer.query(
      'grant execute on function posthorn.publish(text, text, text, text, timestamptz, text, jsonb, jsonb, jsonb, text, text[]) to shop',
    );
    await shop.query(publish);
    await expect(shop.query('select * from posthorn.item')).rejects.toThrow(/permission denied/);
    await expect(shop.query('delete from posthorn.staged')).rejects.toThrow(/permission denied/);
    await shop.end();
    await arrival('"by":"shop"');
  });
});
