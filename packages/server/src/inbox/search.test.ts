import { expect, test } from 'vitest';
import { stage } from '../cli/tunnel/harness.suite.ts';
import { startServer } from '../http/harness.suite.ts';

/** Finding captures, and waiting for one. */

async function shop() {
  const server = await startServer();
  const { id } = await server.admin.createInbox({ tenant: 'default', body: { name: 'shop' } });
  const place = { tenant: 'default', inbox: id };
  const send = (path: string, init: RequestInit = {}) =>
    fetch(`${server.url}/in/shop${path}`, { method: 'POST', ...init });
  const find = async (q: string, more: object = {}) =>
    (await server.admin.listCaptures({ ...place, q, ...more })).items.map(({ seq }) => seq);
  return { server, place, send, find };
}

test('captures are found by method, path, header, body, time and words', async () => {
  const { server, send, find } = await shop();
  await send('/orders?x=1', { headers: { 'X-Event': 'push' }, body: '{"user":{"id":42}}' });
  await send('/refunds', {
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: 'state=Done&user=ann',
  });
  server.clock.now += 7_200_000;
  await send('/list', { method: 'PUT', body: '{"items":[{"sku":"a"},{"sku":"b"}]}' });
  expect(await find('method:POST headers.x-event:push body.user.id:42')).toEqual([1]);
  expect(await find('created:[now-1h TO now]')).toEqual([3]);
  expect(await find('body.items.sku:b OR query.x:1')).toEqual([3, 1]);
  expect(await find('body.state:done')).toEqual([2]);
  expect(await find('"user=ann"')).toEqual([2]);
  expect(await find('status:200 size>20')).toEqual([3]);
  expect(await find('-method:PUT', { after: 0 })).toEqual([1, 2]);
  await expect(find('metod:PUT')).rejects.toThrow(/q: "metod" at 1 is no field/);
});

test('pages of a search go through everything, once', async () => {
  const { server, place, send } = await shop();
  for (let i = 1; i <= 25; i++) await send(i % 5 === 0 ? '/five' : '/other');
  const seen: number[] = [];
  let cursor: string | undefined;
  do {
    const page = await server.admin.listCaptures({
      ...place,
      q: 'path:/five',
      limit: 2,
      ...(cursor ? { cursor } : {}),
    });
    seen.push(...page.items.map(({ seq }) => seq));
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  expect(seen).toEqual([25, 20, 15, 10, 5]);
});

test('a program waits for the next capture that fits, and no longer than it said', async () => {
  const { server, place, send } = await shop();
  await send('/a');
  const waiting = server.admin.listCaptures({ ...place, after: 1, wait: 30, q: 'path:/c' });
  for (const path of ['/b', '/c', '/d']) await send(path);
  const found = await waiting;
  expect(found.items.map(({ path }) => path)).toEqual(['/c']);
  expect(found.next).toBe('3');
  const none = await server.admin.listCaptures({ ...place, after: 4, wait: 1 });
  expect(none.items).toEqual([]);
  await expect(server.admin.listCaptures({ ...place, wait: 5 })).rejects.toThrow(/needs after/);
});

test('a listener gets what fits its filter, and its place goes past the rest', async () => {
  const { attach, send, client } = await stage({ live: false });
  const wrong = client({ filter: 'metod:x' });
  expect(await wrong.end).toMatchObject({ reason: 'bad_request' });
  const first = await attach({ filter: 'body.type:user.*' });
  for (const type of ['user.created', 'order.paid', 'user.deleted', 'order.paid']) {
    await send('/', { body: JSON.stringify({ type }) });
  }
  await first.done(2);
  expect(first.results.map(({ seq }) => seq)).toEqual([1, 3]);
  await first.stop();
  expect((await attach()).welcomes[0]?.backlog).toBe(0);
});
