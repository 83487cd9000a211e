import { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import { ADMIN_KEY, listen, receiver, startNode, type TestNode, until } from './nodes.suite.ts';
import { hasPostgres, needing, TestPostgres } from './store/postgres/cluster.suite.ts';
import { divide } from './store/postgres/divide.ts';

/** The product on two databases. `other` lives in the first of them, `default` in the second. */

const TENANTS = ['other', 'default'] as const;

describe.skipIf(!hasPostgres)(needing('a store divided over two databases'), () => {
  const postgres = new TestPostgres();

  async function twoDatabases() {
    const urls = [await postgres.database(), await postgres.database()] as const;
    const start = () => startNode(urls[0], { shards: urls[1] });
    const node = await start();
    await node.api.putTenant({ tenant: 'other', body: { name: 'Other' } });
    return { urls, node, start };
  }

  async function subscribe(node: TestNode, tenant: string, eventTypes: string[] = ['order.*']) {
    const { url, got } = await receiver();
    await node.api.createEndpoint({ tenant, body: { url, eventTypes } });
    return got;
  }

  const send = (node: TestNode, tenant: string, id: string) =>
    fetch(`${node.url}/api/v1/tenants/${tenant}/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ type: 'order.paid', id, data: { id } }),
    });

  const ready = async (node: TestNode) => (await fetch(`${node.url}/readyz`)).json();

  /** Nobody gets in until the returned function is called. */
  async function away(url: string): Promise<() => Promise<void>> {
    const name = new URL(url).pathname.slice(1);
    const client = new Client({ connectionString: url.replace(`/${name}`, '/postgres') });
    await client.connect();
    await client.query(`alter database ${name} allow_connections false`);
    await client.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1',
      [name],
    );
    return async () => {
      await client.query(`alter database ${name} allow_connections true`);
      await client.end();
    };
  }

  async function copyOf(url: string): Promise<string> {
    const name = new URL(url).pathname.slice(1);
    const client = new Client({ connectionString: url.replace(`/${name}`, '/postgres') });
    await client.connect();
    await client.query(`create database ${name}_copy template ${name}`);
    await client.end();
    return url.replace(`/${name}`, `/${name}_copy`);
  }

  async function count(url: string, sql: string): Promise<number> {
    const client = new Client({ connectionString: url });
    await client.connect();
    const { rows } = await client.query(sql);
    await client.end();
    return Number(Object.values(rows[0] ?? {})[0]);
  }

  async function inboxesOf(node: TestNode, urls: readonly [string, string]): Promise<void> {
    const inbox = await node.api.createInbox({ tenant: 'default', body: { name: 'shop' } });
    await node.api.createInbox({ tenant: 'other', body: { name: 'theirs' } });
    const { send: tell, next } = await listen(node, 'shop', { responder: false });
    const asked = ['shop', 'theirs', 'shop'].map((name) => fetch(`${node.url}/in/${name}/x`));
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([200, 200, 200]);
    for (let n = 0; n < 2; n++) {
      const { seq } = (await next('open')).head;
      tell({ type: 'ack', results: [{ seq, status: 200, ms: 1, error: null, truncated: false }] });
    }
    const { items } = await node.api.listCaptures({ tenant: 'default', inbox: inbox.id });
    expect(items).toHaveLength(2);
    expect(await count(urls[1], 'select count(*) from posthorn.capture')).toBe(2);
    expect(await count(urls[0], 'select count(*) from posthorn.capture')).toBe(1);
  }

  /** Tenants of the second are taken in and sent, and nothing is configured. */
  async function withoutTheFirst(
    node: TestNode,
    { urls, got }: { urls: readonly [string, string]; got: { readonly ids: string[] } },
  ): Promise<void> {
    const back = await away(urls[0]);
    for (let n = 1; n <= 2; n++) {
      const before = got.ids.length;
      expect((await send(node, 'default', `first${n}`)).status).toBe(202);
      await until('it is sent', () => got.ids.length > before);
    }
    expect((await send(node, 'other', 'x')).status).toBe(503);
    expect(await ready(node)).toMatchObject({ checks: { shard1: 'unavailable', shard2: 'ok' } });
    await expect(subscribe(node, 'default')).rejects.toMatchObject({ status: 503 });
    await back();
    await until('it is configured again', () => subscribe(node, 'other').catch(() => false));
  }

  test('events and captures of tenants in both are stored where they belong, sent, and told of', async () => {
    const { urls, node } = await twoDatabases();
    for (const [shard, tenant] of TENANTS.entries()) {
      const own = await subscribe(node, tenant, ['endpoint.*']);
      const got = await subscribe(node, tenant);
      expect((await send(node, tenant, 'e1')).status).toBe(202);
      await until('the event is delivered', () => got.bodies.length === 1);
      await until('the new endpoint is told of', () => own.bodies.length === 1);
      const where = `select count(*) from posthorn.event where tenant = '${tenant}'`;
      expect(await count(urls[shard] as string, where)).toBe(2);
      expect(await count(urls[1 - shard] as string, where)).toBe(0);
      const { items } = await node.api.listAttempts({ tenant });
      expect(items.map(({ type }) => type)).toContain('order.paid');
    }
    expect(await ready(node)).toMatchObject({ checks: { shard1: 'ok', shard2: 'ok' } });
    expect((await node.api.listNodes()).items).toHaveLength(1);
    await inboxesOf(node, urls);
  });

  test('one database away, then the other: its tenants lose nothing, those of the other notice nothing', async () => {
    const { urls, node, start } = await twoDatabases();
    const [other, own] = [await subscribe(node, 'other'), await subscribe(node, 'default')];
    expect((await send(node, 'default', 'before')).status).toBe(202);
    const back = await away(urls[1]);
    for (let n = 1; n <= 3; n++) {
      const refused = await send(node, 'default', 'during');
      expect([refused.status, await refused.json()]).toMatchObject([
        503,
        { code: 'store_unavailable' },
      ]);
      expect((await send(node, 'other', `n${n}`)).status).toBe(202);
      await until('the other goes on', () => other.bodies.length === n);
    }
    expect(await ready(node)).toMatchObject({ checks: { shard1: 'ok', shard2: 'unavailable' } });
    const metrics = await (await fetch(`${node.url}/metrics`)).text();
    expect(metrics).toMatch(
      /^posthorn_shard_up\{shard="1"\} 1\nposthorn_shard_up\{shard="2"\} 0$/m,
    );
    await expect(subscribe(node, 'default')).rejects.toMatchObject({ status: 503 });
    await subscribe(node, 'other', ['nothing']);
    const late = await start();
    expect((await send(late, 'other', 'late')).status).toBe(202);
    expect((await send(late, 'default', 'during')).status).toBe(503);
    await back();
    await until('it is taken again', async () => (await send(node, 'default', 'during')).ok);
    await until('also there', async () => (await send(late, 'default', 'during')).ok);
    await until('both are nodes of both', async () => {
      const sql = 'select count(*) from posthorn.node';
      return (await count(urls[1], sql)) === 2 && (await count(urls[0], sql)) === 2;
    });
    await until('all is delivered', () => new Set(own.ids).size === 2);
    const where = `select count(*) from posthorn.event where tenant = 'default'`;
    expect(await count(urls[1], where)).toBe(2);
    await withoutTheFirst(node, { urls, got: own });
  });

  test('an undivided store and a copy of it become one of two, with all that it had and owes', async () => {
    const url = await postgres.database();
    const one = await startNode(url);
    await one.api.putTenant({ tenant: 'other', body: { name: 'Other' } });
    const { url: to, got } = await receiver();
    const scope = 'all' as const;
    const body = { url: to, eventTypes: ['order.*'], scope };
    const { id: endpoint } = await one.api.createEndpoint({ tenant: 'default', body });
    for (const tenant of TENANTS) await send(one, tenant, 'sent');
    await until('both are sent', () => got.ids.length === 2);
    await one.api.pauseEndpoint({ tenant: 'default', endpoint });
    for (const tenant of TENANTS) await send(one, tenant, 'owed');
    await one.api.createInbox({ tenant: 'default', body: { name: 'shop' } });
    await fetch(`${one.url}/in/shop/x`);
    const { items } = await one.api.listAttempts({ tenant: 'default' });
    const attempt = items[0]?.id as `att_${string}`;
    let tables = Number.POSITIVE_INFINITY;
    const progress = () => {
      tables -= 1;
      if (tables === 0) throw new Error('killed');
    };
    const parts = (...urls: string[]) => divide({ urls, masterKey: 'm'.repeat(32), progress });
    await expect(parts(url, await postgres.database())).rejects.toThrow(/a node is at work/);
    await one.app.close();
    const copy = await copyOf(url);
    await expect(parts(url, await postgres.database())).rejects.toThrow(/is not a copy/);
    await expect(startNode(url, { shards: copy })).rejects.toThrow(/posthorn divide/);

    tables = 20;
    await expect(parts(url, copy)).rejects.toThrow('killed');
    await expect(startNode(url, { shards: copy })).rejects.toThrow(/let posthorn divide finish/);
    await expect(startNode(copy)).rejects.toThrow(/let posthorn divide finish/);
    tables = Number.POSITIVE_INFINITY;
    const kept = await parts(url, copy);
    expect(kept.map(({ event, delivery, capture }) => [event, delivery, capture])).toEqual([
      [2, 1, 0],
      [2, 1, 1],
    ]);
    expect(await parts(url, copy)).toEqual(kept);
    const node = await startNode(url, { shards: copy });
    expect((await node.api.listAttempts({ tenant: 'default' })).items).toHaveLength(1);
    expect(await node.api.getAttempt({ tenant: 'default', attempt })).toMatchObject({ n: 1 });
    expect(await (await send(node, 'default', 'sent')).json()).toMatchObject({ duplicate: true });
    await node.api.resumeEndpoint({ tenant: 'default', endpoint });
    await until('what was owed is sent', () => got.ids.length === 4);
    expect(new Set(got.ids).size).toBe(4);
    for (const tenant of TENANTS) await send(node, tenant, 'new');
    await until('the new ones too', () => got.ids.length === 6);
  });
});
