import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@posthorn/api';
import { expect, onTestFinished, test } from 'vitest';
import { eventually, startReceiver } from './delivery/harness.suite.ts';
import { createPosthorn, type PosthornOptions } from './index.ts';

/** Text search as its users meet it: over HTTP, with events that were really sent. */

const adminKey = 'embedded-admin-key-of-32-characters!';
const tenant = 'default';

async function start(options: Partial<PosthornOptions> = {}) {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'posthorn-search-'));
  const common = { dataDirectory, inline: true, adminKey, logLevel: 'silent' } as const;
  const all = { ...common, allowHttp: true, allowLoopback: true, ...options };
  const first = await createPosthorn(all);
  const world = {
    hooks: first,
    api: createClient({ baseUrl: first.url, key: adminKey }),
    derived: join(dataDirectory, 'derived.db'),
    /** Again, after `between`. */
    async restart(between: () => void, changed: Partial<PosthornOptions> = {}) {
      await world.hooks.close();
      between();
      world.hooks = await createPosthorn({ ...all, ...changed });
      world.api = createClient({ baseUrl: world.hooks.url, key: adminKey });
    },
  };
  onTestFinished(async () => {
    await world.hooks.close();
    rmSync(dataDirectory, { recursive: true, force: true });
  });
  return world;
}

type World = Awaited<ReturnType<typeof start>>;

async function send({ hooks, api }: World, data: unknown, answer = 200, body = '') {
  const receiver = await startReceiver({ now: Date.now }, () => ({ status: answer, body }));
  await api.createEndpoint({ tenant, body: { url: receiver.url } });
  const { id } = await hooks.publish({ type: 'order.paid', data: data as never });
  await receiver.request(1);
  return id;
}

/** The ids of events that the words find, once they find `count`. */
async function finds({ api }: World, q: string, count: number): Promise<string[]> {
  const { items } = await eventually(async () => {
    const page = await api.listEvents({ tenant, q });
    return page.items.length === count && page.searchedTo === null && page;
  }, `${count} events with ${q}`);
  return items.map(({ id }) => id);
}

test('what was sent is found by its words in events, deliveries and attempts', async () => {
  const w = await start();
  const id = await send(w, { customer: 'alice@example.com' }, 500, 'database is locked');
  await w.hooks.publish({ type: 'order.paid', data: { customer: 'bob@example.com' } });
  const q = 'alice lock* 500';
  expect(await finds(w, q, 1)).toEqual([id]);
  const deliveries = await w.api.listDeliveries({ tenant, q });
  expect(deliveries.items).toMatchObject([{ event: id, state: 'pending' }]);
  const attempts = await w.api.listAttempts({ tenant, q, status: '5xx' });
  expect(attempts.items).toMatchObject([{ event: id, status: 500 }]);
  expect((await w.api.listAttempts({ tenant, q, status: '4xx' })).items).toEqual([]);
  expect(await w.api.listEvents({ tenant })).not.toHaveProperty('searchedTo');
});

test('an id that is pasted as words is looked up', async () => {
  const w = await start();
  const { id } = await w.hooks.publish({ type: 'a.b', data: {} });
  await w.hooks.publish({ type: 'a.b', data: {} });
  expect((await w.api.listEvents({ tenant, q: ` ${id} ` })).items).toMatchObject([{ id }]);
});

test('a search that cannot be made is refused with what to do', async () => {
  const w = await start();
  const refused: [string, RegExp][] = [
    ['?!', /no word to look for/],
    ['al*', /at least 3 characters before the asterisk/],
    ['a b c d e f g h i', /more than 8 words/],
    ['', /q: .*>=1 char/],
    ['x'.repeat(201), /q: .*<=200 char/],
  ];
  for (const list of ['listEvents', 'listDeliveries', 'listAttempts'] as const) {
    for (const [q, detail] of refused) {
      await expect(w.api[list]({ tenant, q })).rejects.toMatchObject({
        status: 400,
        problem: { code: 'invalid_request', detail: expect.stringMatching(detail) },
      });
    }
  }
});

test('an index that was removed is made again from the log', async () => {
  const w = await start();
  const id = await send(w, { customer: 'alice' });
  await w.restart(() => rmSync(w.derived, { force: true }));
  expect(await finds(w, 'alice', 1)).toEqual([id]);
});

test('switched off there is no index: searches are refused, other filters work', async () => {
  const w = await start({ search: false });
  const id = await send(w, { customer: 'kumquat' });
  await expect(w.api.listEvents({ tenant, q: 'kumquat' })).rejects.toMatchObject({
    status: 400,
    problem: { code: 'invalid_request', detail: expect.stringMatching(/POSTHORN_SEARCH/) },
  });
  expect((await w.api.listEvents({ tenant, q: id })).items).toMatchObject([{ id }]);
  expect((await w.api.listEvents({ tenant, type: 'order.*' })).items).toMatchObject([{ id }]);
  await w.restart(() => expect(readFileSync(w.derived).includes('umquat')).toBe(false));
  await w.restart(() => {}, { search: true });
  expect(await finds(w, 'kumquat', 1)).toEqual([id]);
});

test('an erased event is not found any more', async () => {
  const w = await start();
  const id = await send(w, { customer: 'kumquat' }, 500, 'pomegranate');
  await finds(w, 'kumquat pomegranate', 1);
  await w.api.erasePayload({ tenant, event: id });
  for (const q of ['kumquat', 'pomegranate', 'paid']) expect(await finds(w, q, 0)).toEqual([]);
});
