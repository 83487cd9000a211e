import { cpSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { migrateStore } from '../../admin/migrate.ts';
import {
  eventually,
  type Harness,
  type Received,
  start,
  startReceiver,
  temporaryDirectory,
  VirtualClock,
} from '../../delivery/harness.suite.ts';
import { hasPostgres, needing, TestPostgres } from '../postgres/cluster.suite.ts';

/** A store moves from SQLite to PostgreSQL: nothing is lost, nothing is doubled, nobody is half-way. */

const tenant = 'default';
const masterKey = 'm'.repeat(32);

/** Everything there is of everything, and a clock that stands still. */
async function sourceStore() {
  const clock = new VirtualClock();
  const harness = await start({ clock, flags: { masterKey } });
  let down = true;
  const answer = ({ path }: Received) => (path.startsWith('/bad') && down ? 500 : 204);
  const receiver = await startReceiver(clock, answer);
  const good = await harness.endpoint({ url: `${receiver.url}good`, eventTypes: ['a.*'] });
  const retryPolicy = { schedule: [3600, 3600], jitter: 0 };
  const bad = await harness.endpoint({
    ...{ url: `${receiver.url}bad`, retryPolicy },
    headers: [{ name: 'Authorization', value: 'Bearer very-secret' }],
  });
  const paused = await harness.endpoint({ url: `${receiver.url}paused` });
  await harness.api.pauseEndpoint({ tenant, endpoint: paused.id });
  const ordered = await harness.endpoint({
    url: `${receiver.url}bad/fifo`,
    ordering: 'endpoint',
    retryPolicy,
  });
  await harness.publishMany(7, (i) => ({
    type: 'a.b',
    data: { i, text: 'ü\u0000' },
    subject: `s${i}`,
  }));
  await harness.publish({ id: 'mine', type: 'c.d', data: [1, 2, 3] });
  await harness.attempted(7 + 8 + 1);
  const inbox = await harness.api.createInbox({ tenant, body: { name: 'shop' } });
  const big = Buffer.alloc(700_000, 'x');
  const url = `${harness.app.url}/in/shop`;
  await fetch(`${url}/big`, { method: 'POST', body: big });
  await fetch(`${url}/secret`, { headers: { authorization: 'Bearer x' } });
  const key = await harness.api.createKey({ body: { name: 'k', tenant, scopes: ['read'] } });
  const seen = await look(harness, inbox.id);
  await harness.close();
  return {
    ...{ clock, harness, receiver, seen, inbox, good, bad, ordered, key },
    recover: () => {
      down = false;
    },
  };
}

async function look({ api }: Pick<Harness, 'api'>, inbox: `inb_${string}`) {
  const attempts = await api.listAttempts({ tenant, limit: 200 });
  const whole = await Promise.all(
    attempts.items.map(({ id }) => api.getAttempt({ tenant, attempt: id })),
  );
  const captures = await api.listCaptures({ tenant, inbox });
  const bodies = await Promise.all(
    captures.items.map(({ id }) => api.getCapture({ tenant, inbox, capture: id })),
  );
  return {
    whole,
    bodies,
    captures: captures.items,
    events: (await api.listEvents({ tenant })).items,
    deliveries: (await api.listDeliveries({ tenant, limit: 200 })).items,
    endpoints: (await api.listEndpoints({ tenant })).items,
    keys: (await api.listKeys({})).items,
  };
}

describe.skipIf(!hasPostgres)(needing('posthorn migrate'), () => {
  const postgres = new TestPostgres();
  const quiet = { masterKey, progress: () => {} };

  test('what was there is there, and what was owed is sent once', async () => {
    const { clock, harness, receiver, seen, inbox, recover } = await sourceStore();
    const to = await postgres.database();
    const { checks } = await migrateStore({ ...quiet, from: `sqlite:${harness.directory}`, to });
    const said = new Map(checks.map(({ what, target }) => [what, target]));
    expect([said.get('events'), said.get('attempts'), said.get('captures')]).toEqual([8, 16, 2]);
    expect(said.get('deliveries owed')).toBe(8 + 8 + 8);

    const before = receiver.requests.length;
    const moved = await start({ clock, flags: { databaseUrl: to, masterKey } });
    expect(await look(moved, inbox.id)).toEqual(seen);
    const again = await moved.publish({ id: 'mine', type: 'c.d', data: [1, 2, 3] });
    expect(again.duplicate).toBe(true);

    recover();
    clock.advance(3_601_000);
    const all = () => receiver.requests.length >= before + 8 + 8;
    await eventually(all, 'what is owed is sent', () => clock.advance(50));
    await eventually(
      async () => (await moved.app.store.log.stats(clock.now())).pending === 8,
      'only what is held is owed',
      () => clock.advance(50),
    );
    const since = receiver.requests.slice(before);
    expect(since.filter(({ path }) => path === '/bad').length).toBe(8);
    expect(since.filter(({ path }) => path === '/good')).toEqual([]);
    const sequence = since
      .filter(({ path }) => path === '/bad/fifo')
      .map(({ body }) => String(body));
    expect(sequence).toEqual([...new Set(sequence)]);
    expect(sequence.length).toBe(8);
  });

  test('cut off anywhere, it goes on where it was, and nothing is doubled', async () => {
    const { harness } = await sourceStore();
    const to = await postgres.database();
    const from = `sqlite:${harness.directory}`;
    let runs = 0;
    for (;;) {
      runs += 1;
      let calls = 0;
      const progress = () => {
        calls += 1;
        if (calls === 2) throw new Error('killed');
      };
      const end = await migrateStore({ masterKey, from, to, progress }).catch((error) => error);
      if (!(end instanceof Error)) break;
      expect(end.message).toBe('killed');
      // Half a store is nobody's.
      if (runs === 3) {
        await expect(start({ flags: { databaseUrl: to, masterKey } })).rejects.toThrow(
          /not whole yet/,
        );
      }
      if (runs > 50) throw new Error('it does not come to an end');
    }
    expect(runs).toBeGreaterThan(10);
  });

  test('a store in use, a target in use, another key, another source: refused, with what to do', async () => {
    const { harness } = await sourceStore();
    const from = `sqlite:${harness.directory}`;
    const to = await postgres.database();
    const other = temporaryDirectory();
    cpSync(harness.directory, other, { recursive: true });
    await expect(migrateStore({ ...quiet, from, to, masterKey: 'n'.repeat(32) })).rejects.toThrow(
      /POSTHORN_MASTER_KEY is not the key/,
    );
    const running = await start({ directory: other, flags: { masterKey } });
    await expect(migrateStore({ ...quiet, from: `sqlite:${other}`, to })).rejects.toThrow(
      /Another Posthorn already uses/,
    );
    await running.close();
    await expect(migrateStore({ ...quiet, from: 'sqlite:/nowhere', to })).rejects.toThrow(
      /There is no store/,
    );

    const used = await postgres.database();
    await (await start({ flags: { databaseUrl: used, masterKey } })).close();
    await expect(migrateStore({ ...quiet, from, to: used })).rejects.toThrow(/in use already/);

    await migrateStore({ ...quiet, from, to });
    await expect(start({ directory: harness.directory, flags: { masterKey } })).rejects.toThrow(
      /was carried over to PostgreSQL/,
    );
    await expect(migrateStore({ ...quiet, from, to: await postgres.database() })).rejects.toThrow(
      /was carried over to PostgreSQL/,
    );
  });
});
