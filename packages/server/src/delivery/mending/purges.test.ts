import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApiError, type Purge } from '@posthorn/api';
import { expect, test } from 'vitest';
import {
  crashed,
  eventually,
  gate,
  type Harness,
  type Receiver,
  start,
  startReceiver,
} from '../harness.suite.ts';

/** Purges through the API: what goes, what stays, and what is left in the files. */

const CANARY = 'canary-5b1e77';
const tenant = 'acme';

/** A tenant that has some of everything, with the canary in all of it. */
async function populated(app: Harness, receiver: Receiver, name = tenant) {
  const { api } = app;
  await api.putTenant({ tenant: name, body: { name: CANARY, metadata: { note: CANARY } } });
  const body = { url: `${receiver.url}?${CANARY}`, headers: [{ name: 'X-A', value: CANARY }] };
  const endpoint = await api.createEndpoint({ tenant: name, body });
  await api.putEventType({ tenant: name, type: 'a.b', body: { description: CANARY } });
  const scopes = ['read' as const];
  const key = await api.createKey({ body: { name: CANARY, tenant: name, scopes } });
  const inbox = await api.createInbox({ tenant: name, body: { title: CANARY } });
  const request = { method: 'POST', body: `${CANARY}${'.'.repeat(300_000)}${CANARY}` };
  await fetch(new URL(`/in/${inbox.name}`, app.app.url), request);
  return { endpoint, key, inbox };
}

async function publish(app: Harness, count: number, name = tenant): Promise<void> {
  const body = Array.from({ length: count }, (_, n) => ({
    type: 'a.b',
    subject: CANARY,
    data: { n, name: CANARY, large: `${CANARY}${'.'.repeat(9000)}` },
  }));
  await app.api.publishEvents({ tenant: name, body });
}

async function purge(app: Harness, body: { descendants?: boolean } = {}, name = tenant) {
  const answer = await app.api.purgeTenant({ tenant: name, body });
  if (!('purges' in answer)) throw new Error('was only counted');
  return answer.purges;
}

async function done(app: Harness, { id }: Pick<Purge, 'id'>): Promise<Purge> {
  return eventually(
    async () => {
      const one = await app.api.getPurge({ job: id });
      return one.state === 'done' && one;
    },
    'the purge is done',
    () => app.clock.advance(100),
  );
}

async function refusal(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ApiError)) throw new Error('was not refused', { cause: error });
  return `${error.code}: ${error.message}`;
}

/** Names of the files that hold it. */
function holding(directory: string): string[] {
  return readdirSync(directory).filter((name) =>
    readFileSync(join(directory, name)).includes(CANARY),
  );
}

test('a tenant goes with all that it has, others stay, and the count was told before', async () => {
  const app = await start();
  const receiver = await startReceiver(app.clock);
  const { key } = await populated(app, receiver);
  await publish(app, 5);
  await app.endpoint({ url: receiver.url });
  await app.publish();
  await app.settled();
  const counted = await app.api.purgeTenant({ tenant, body: { dryRun: true } });
  const events = { count: 5, atLeast: false };
  const rest = { endpoints: 1, keys: 1, eventTypes: 1, inboxes: 1 };
  expect(counted).toEqual({ tenants: [{ tenant, events, ...rest }] });
  expect((await app.api.listEvents({ tenant })).items).toHaveLength(5);
  const [begun] = await purge(app);
  expect(begun).toMatchObject({ tenant, state: 'running', done: 0, total: events });
  const ended = await done(app, begun as Purge);
  expect(ended).toMatchObject({ done: 5, endedAt: expect.any(String) });
  expect(await refusal(app.api.listEvents({ tenant }))).toMatch(/^not_found/);
  expect(await refusal(app.client(key.key).getTenant({ tenant }))).toMatch(/^unauthorized/);
  expect((await app.deliveries()).map(({ state }) => state)).toEqual(['succeeded']);
  expect((await app.api.listPurges({})).items).toEqual([ended]);
  // Created anew it has nothing of the old one.
  await app.api.putTenant({ tenant, body: {} });
  expect((await app.api.listEvents({ tenant })).items).toEqual([]);
  expect((await app.api.listEndpoints({ tenant })).items).toEqual([]);
  expect((await app.api.listInboxes({ tenant })).items).toEqual([]);
});

test('nothing of it is left in any file of the data directory', async () => {
  const app = await start();
  const receiver = await startReceiver(app.clock, () => ({
    status: 500,
    headers: { 'x-answer': CANARY },
  }));
  await populated(app, receiver);
  await publish(app, 8);
  await app.attempted(8);
  const { directory, clock } = app;
  // An orderly end moves the logs into the databases and removes them.
  await app.close();
  expect(holding(directory).sort()).toEqual(['captures.db', 'posthorn.db']);
  const next = await start({ directory, clock });
  const [begun] = await purge(next);
  expect(await done(next, begun as Purge)).toMatchObject({ done: 8 });
  await next.close();
  expect(holding(directory)).toEqual([]);
});

/** A purge that is held up by what is being sent: all else of the tenant is gone already. */
async function halfPurged() {
  const app = await start();
  const hold = gate();
  const receiver = await startReceiver(app.clock, async () => {
    await hold.opened;
    return 500;
  });
  await populated(app, receiver);
  await publish(app, 40);
  await receiver.request(1);
  const [begun] = await purge(app);
  await eventually(
    async () => (await app.api.getPurge({ job: begun?.id as Purge['id'] })).done > 0,
    'what is not being sent is gone',
    () => app.clock.advance(100),
  );
  return { app, hold, receiver, begun: begun as Purge };
}

test('what is being sent leaves nothing, and nothing more is sent', async () => {
  const { app, hold, receiver, begun } = await halfPurged();
  const sent = receiver.requests.length;
  hold.open();
  expect(await done(app, begun)).toMatchObject({ done: 40 });
  app.clock.advance(10_000_000);
  await app.settled();
  expect(receiver.requests).toHaveLength(sent);
});

test('killed, a purge goes on where it was', async () => {
  const { app, hold, begun } = await halfPurged();
  const directory = crashed(app);
  const { clock } = app;
  hold.open();
  await app.close();
  const next = await start({ directory, clock });
  expect(await done(next, begun)).toMatchObject({ done: 40 });
  await next.close();
  expect(holding(directory)).toEqual([]);
});

test('while it goes on the tenant cannot be created, and asking again is asking once', async () => {
  const app = await start();
  const hold = gate();
  const receiver = await startReceiver(app.clock, async () => {
    await hold.opened;
    return 204;
  });
  await populated(app, receiver);
  await publish(app, 1);
  await receiver.request(1);
  const [first] = await purge(app);
  const [second] = await purge(app);
  expect(second?.id).toBe(first?.id);
  expect(await refusal(app.api.putTenant({ tenant, body: {} }))).toBe(
    'conflict: The tenant is being purged: wait until its purge is done, then create it anew.',
  );
  hold.open();
  await done(app, first as Purge);
  await app.api.putTenant({ tenant, body: {} });
});

test('descendants go with it when that is asked for, children first', async () => {
  const app = await start();
  for (const [name, parent] of [
    ['acme', null],
    ['acme-eu', 'acme'],
    ['acme-eu-1', 'acme-eu'],
    ['other', null],
  ] as const) {
    await app.api.putTenant({ tenant: name, body: { parent } });
  }
  await publish(app, 2, 'acme-eu-1');
  expect(await refusal(purge(app))).toMatch(/^conflict: The tenant has children: move or purge/);
  const purges = await purge(app, { descendants: true });
  expect(purges.map((one) => one.tenant)).toEqual(['acme-eu-1', 'acme-eu', 'acme']);
  for (const one of purges) await done(app, one);
  const { items } = await app.api.listTenants({});
  expect(items.map(({ id }) => id).sort()).toEqual(['default', 'other']);
});

test('what was left of a deleted tenant can be purged', async () => {
  const app = await start();
  await app.api.putTenant({ tenant, body: {} });
  await publish(app, 2);
  await app.api.deleteTenant({ tenant });
  const [begun] = await purge(app);
  expect(await done(app, begun as Purge)).toMatchObject({ done: 2 });
  expect(await refusal(purge(app))).toMatch(/^not_found: There is no such tenant/);
});

test('default is refused, and who is no operator may not', async () => {
  const app = await start();
  expect(await refusal(purge(app, {}, 'default'))).toMatch(/^conflict: The tenant default always/);
  const scopes = ['write' as const];
  const { key } = await app.api.createKey({ body: { name: '', tenant: 'default', scopes } });
  const call = app.client(key).purgeTenant({ tenant: 'default', body: {} });
  expect(await refusal(call)).toMatch(/^forbidden/);
  const job = 'job_00000000000000000000000000';
  expect(await refusal(app.api.getPurge({ job }))).toMatch(/^not_found: There is no such purge/);
});
