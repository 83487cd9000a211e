import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EVENT_STREAM } from '@posthorn/api';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Delivery } from './delivery.ts';
import { stage, startLocal } from './harness.suite.ts';
import { LocalServer } from './local-target.ts';

/** The tunnel from a stranger's request to a laptop and back, over real connections. */

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

test('a request reaches the local server byte for byte, and its answer the sender', async () => {
  const { server, local, attach, inbox } = await stage({
    handle: (_, res) => {
      res.writeHead(418, 'x', [
        'X-Twice',
        '1',
        'x-twice',
        '2',
        'Set-Cookie',
        'a=b',
        'X-Ok',
        '\xe9',
      ]);
      res.end('short and stout');
    },
  });
  const client = await attach({ target: { path: '/hooks' } });
  const body = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const head = [
    'POST /in/shop/a%2Fb/./c?x=1&x=2 HTTP/1.1',
    'Host: shop.example.com',
    'X-Odd-cAsE: one',
    'x-odd-case: two',
    'X-Latin: \xe9\xff',
    'content-LENGTH: 256',
    'Connection: close, X-Hop',
    'X-Hop: only here',
  ].join('\r\n');
  const answer = await server.raw(Buffer.concat([Buffer.from(`${head}\r\n\r\n`, 'latin1'), body]));

  const [seen] = local.received;
  expect(seen?.path).toBe('/hooks/a%2Fb/./c?x=1&x=2');
  expect(seen?.rawHeaders.slice(0, 10)).toEqual([
    ...['Host', `127.0.0.1:${local.port}`],
    ...['X-Odd-cAsE', 'one', 'x-odd-case', 'two', 'X-Latin', '\xe9\xff', 'content-LENGTH', '256'],
  ]);
  expect(seen?.headers).toMatchObject({
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-host': 'shop.example.com',
  });
  expect(seen?.headers['x-hop']).toBeUndefined();
  expect(seen?.body.equals(body)).toBe(true);

  expect(answer).toMatch(/^HTTP\/1\.1 418 /);
  expect(answer).toContain('X-Twice: 1\r\nx-twice: 2\r\nX-Ok: \xe9\r\n');
  expect(answer).not.toMatch(/set-cookie/i);
  expect(answer).toContain('Content-Security-Policy: sandbox');
  expect(answer).toMatch(/short and stout/);

  await client.stop();
  const address = { tenant: 'default', inbox: inbox.id };
  const [row] = (await server.admin.listCaptures(address)).items;
  expect(row).toMatchObject({ status: 418, answeredBy: 'live', exchanges: 1 });
  const whole = await server.admin.getCapture({ ...address, capture: row?.id ?? 'cap_' });
  expect(whole.log).toMatchObject([
    { kind: 'live', to: 'laptop', status: 418, response: { body: { text: 'short and stout' } } },
  ]);
});

test('what comes while nobody listens is delivered in order when somebody does, once', async () => {
  const { server, inbox, local, attach, send } = await stage();
  const place = { tenant: 'default', inbox: inbox.id };
  const listed = async () => (await server.admin.listListeners(place)).items;
  const first = await attach();
  expect((await send('/0')).status).toBe(200);
  await first.stop();
  for (let i = 1; i <= 5; i++) expect((await send(`/${i}`)).status).toBe(202);
  expect(local.paths).toEqual(['/0']);
  expect(await listed()).toMatchObject([{ name: 'laptop', backlog: 5, acked: 1, attachments: [] }]);
  const second = await attach();
  expect(second.welcomes[0]).toMatchObject({ backlog: 5, acked: 1 });
  await second.done(5);
  expect(await listed()).toMatchObject([{ attachments: [{ mode: 'fanout', responder: true }] }]);
  await second.stop();
  expect(local.paths).toEqual(['/0', '/1', '/2', '/3', '/4', '/5']);
  const third = await attach();
  expect(third.welcomes[0]?.backlog).toBe(0);
});

test('a backlog may be passed over, and a listener begin anywhere', async () => {
  const { local, attach, send } = await stage();
  await (await attach()).stop();
  for (let i = 1; i <= 4; i++) await send(`/${i}`);
  const skipping = await attach({ backlog: 'skip' });
  await send('/5');
  await skipping.done(1);
  expect(local.paths).toEqual(['/5']);
  await skipping.stop();
  const again = await attach({ listener: 'other', from: 3 });
  await again.done(2);
  expect(local.paths.slice(1)).toEqual(['/4', '/5']);
  await again.stop();
  expect((await attach({ from: 'start' })).welcomes[0]?.backlog).toBe(5);
});

test('while the local port is closed captures are held, and go on by themselves', async () => {
  const { local, attach, send } = await stage({ waitMs: 5000 });
  const client = await attach();
  await local.stop();
  expect((await send('/1')).status).toBe(202);
  expect(client.holds).toEqual([true]);
  expect((await send('/2')).status).toBe(202);
  await local.start();
  await client.done(2);
  expect(local.paths).toEqual(['/1', '/2']);
  expect(client.holds).toEqual([true, false]);
  expect(client.failures).toContain('refused');
  expect((await send('/3')).status).toBe(200);
});

test('an error is an answer: it is recorded and blocks nothing', async () => {
  const { local, attach, send, server, inbox } = await stage({
    live: false,
    handle: ({ path }, res) => {
      res.statusCode = path === '/1' ? 500 : 200;
      res.end();
    },
  });
  const client = await attach();
  for (let i = 1; i <= 3; i++) await send(`/${i}`);
  await client.done(3);
  await client.stop();
  expect(local.paths).toEqual(['/1', '/2', '/3']);
  const { items } = await server.admin.listCaptures({ tenant: 'default', inbox: inbox.id });
  expect(items.map(({ status }) => status)).toEqual([200, 200, 500]);
});

test('a local server that cuts connections is asked again, then passed over', async () => {
  const { local, attach, send, server, inbox } = await stage({
    live: false,
    handle: ({ path }, res) => {
      if (path === '/bad' || (path === '/once' && local.received.length < 5)) res.destroy();
      else res.end();
    },
  });
  const client = await attach();
  for (const path of ['/bad', '/once', '/good']) await send(path);
  await client.done(3);
  await client.stop();
  expect(local.paths).toEqual(['/bad', '/bad', '/bad', '/once', '/once', '/good']);
  const { items } = await server.admin.listCaptures({ tenant: 'default', inbox: inbox.id });
  expect(items.map(({ error }) => error)).toEqual([null, null, expect.stringMatching(/gave up/)]);
});

test('a lost connection repeats nothing that was done', async () => {
  const { local, attach, send } = await stage({ live: false });
  const client = await attach();
  let held: (() => void) | undefined;
  local.handle = ({ path }, res) => {
    if (path !== '/2') res.end();
    else held = () => res.end();
  };
  for (let i = 1; i <= 3; i++) await send(`/${i}`);
  await local.reaches(2);
  client.client.restart();
  await client.connected(2);
  held?.();
  await client.done(3);
  await client.stop();
  expect(local.paths).toEqual(['/1', '/2', '/3']);
  expect((await attach()).welcomes[0]?.backlog).toBe(0);
});

test('a long body does not hold up a short one, and arrives whole', async () => {
  const { local, attach, send } = await stage({
    live: false,
    server: { inboxBodyBytes: 60_000_000, inboxQueueBytes: 200_000_000 },
  });
  const client = await attach({ concurrency: 2 });
  const body = randomBytes(50_000_000);
  await send('/long', { body });
  await send('/short', { body: 'x' });
  await client.done(2);
  expect(local.paths).toEqual(['/short', '/long']);
  expect(sha256(local.received[1]?.body ?? Buffer.of())).toBe(sha256(body));
});

test.each(['sse', 'poll'] as const)('the same goes by %s, both ways', async (kind) => {
  const { local, attach, send } = await stage({
    handle: ({ body }, res) => void res.end(body),
  });
  const client = await attach({ kind });
  const body = randomBytes(700_000);
  const response = await send('/a', { body });
  expect(sha256(Buffer.from(await response.arrayBuffer()))).toBe(sha256(body));
  expect(sha256(local.received[0]?.body ?? Buffer.of())).toBe(sha256(body));
  await client.stop();
  expect((await attach({ kind })).welcomes[0]?.backlog).toBe(0);
});

test('the local server is not blamed for a body that comes slowly', async () => {
  const local = await startLocal();
  const target = { secure: false, host: '127.0.0.1', port: local.port, path: '' };
  const laptop = new LocalServer({ ...target, anywhere: false, keepHost: false, timeoutMs: 1000 });
  onTestFinished(() => laptop.close());
  const about = {
    seq: 1,
    id: 'cap_1',
    receivedAt: 0,
    method: 'POST',
    path: '/',
    headers: ['Host', 'x'],
  };
  const head = { ...about, remoteAddress: '127.0.0.1', bodyBytes: 4, liveMs: 0, replay: false };
  const delivery = new Delivery(head, { answer() {}, async data() {}, taken() {} }, 0);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const outcome = delivery.run(laptop, []);
  for (let i = 1; i <= 4; i++) {
    vi.advanceTimersByTime(700);
    delivery.push(Buffer.from('x'), i === 4);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await outcome).toMatchObject({ kind: 'answered', result: { status: 200 } });
  expect(local.received[0]?.body.toString()).toBe('xxxx');
});

/** What stands between: it passes on requests and no upgrades, and `spoils` what it does not like. */
async function startMiddlebox(
  to: string,
  spoils: (answer: IncomingMessage) => Record<string, string>,
) {
  const box = createServer((req, res) => {
    const { upgrade: _, connection: __, ...headers } = req.headers;
    const asking = request(to + req.url, { method: req.method, headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, { ...answer.headers, ...spoils(answer) });
      res.flushHeaders();
      answer.pipe(res);
    });
    asking.on('error', () => res.destroy());
    res.on('close', () => asking.destroy());
    req.pipe(asking);
  });
  box.listen(0, '127.0.0.1');
  await once(box, 'listening');
  onTestFinished(() => void box.closeAllConnections());
  onTestFinished(() => void box.close());
  return `http://127.0.0.1:${(box.address() as AddressInfo).port}`;
}

test.each([
  ['sse', 'no upgrades get through', () => ({})],
  [
    'poll',
    'nor event streams',
    ({ headers }: IncomingMessage): Record<string, string> =>
      headers['content-type'] === EVENT_STREAM ? { 'content-type': 'text/html' } : {},
  ],
] as const)('by %s by itself where %s', async (kind, _, spoils) => {
  const { server, local, attach, send } = await stage();
  const client = await attach({ url: await startMiddlebox(server.url, spoils) });
  expect(client.kinds).toEqual([kind]);
  expect((await send('/a', { body: 'x' })).status).toBe(200);
  expect(local.paths).toEqual(['/a']);
});

test('an answer streams to the sender as it is made', async () => {
  let more: (() => void) | undefined;
  const { attach, send } = await stage({
    handle: (_, res) => {
      res.writeHead(200, { 'Content-Type': 'text/event-stream' });
      res.write('data: 1\n\n');
      more = () => res.end('data: 2\n\n');
    },
  });
  await attach();
  const response = await send('/events');
  const reader = response.body?.getReader();
  expect(Buffer.from((await reader?.read())?.value ?? '').toString()).toBe('data: 1\n\n');
  more?.();
  expect(Buffer.from((await reader?.read())?.value ?? '').toString()).toBe('data: 2\n\n');
  expect((await reader?.read())?.done).toBe(true);
});

test('who waits too long gets the fallback; the answer that comes later is still logged', async () => {
  let answer: (() => void) | undefined;
  const { attach, send, server, inbox } = await stage({
    waitMs: 150,
    handle: (_, res) => {
      answer = () => res.end('late');
    },
  });
  const client = await attach();
  expect((await send('/slow')).status).toBe(202);
  answer?.();
  await client.done(1);
  await client.stop();
  const address = { tenant: 'default', inbox: inbox.id };
  const [row] = (await server.admin.listCaptures(address)).items;
  const whole = await server.admin.getCapture({ ...address, capture: row?.id ?? 'cap_' });
  expect(whole.log).toMatchObject([
    { kind: 'answer', to: 'fallback', status: 202 },
    { kind: 'listener', to: 'laptop', status: 200, response: { body: { text: 'late' } } },
  ]);
});

test('senders who wait do not wait for each other', async () => {
  const held: (() => void)[] = [];
  const { attach, send, local } = await stage({
    waitMs: 5000,
    handle: ({ path }, res) => {
      if (path === '/slow') held.push(() => res.end());
      else res.end();
    },
  });
  await attach();
  const slow = send('/slow');
  await local.reaches(1);
  expect((await send('/quick')).status).toBe(200);
  for (const go of held) go();
  expect((await slow).status).toBe(200);
});

test('captures with the same key keep their order, others overtake', async () => {
  const held: (() => void)[] = [];
  const { attach, send, local } = await stage({
    live: false,
    handle: ({ path }, res) => {
      if (path === '/a1') held.push(() => res.end());
      else res.end();
    },
  });
  const client = await attach({ orderBy: 'x-account', concurrency: 8 });
  for (const [path, account] of [
    ['/a1', 'a'],
    ['/a2', 'a'],
    ['/b1', 'b'],
    ['/b2', 'b'],
  ] as const) {
    await send(path, { headers: { 'X-Account': account } });
  }
  await client.done(2);
  expect(local.paths).toEqual(['/a1', '/b1', '/b2']);
  for (const go of held) go();
  await client.done(4);
  expect(local.paths).toEqual(['/a1', '/b1', '/b2', '/a2']);
});

test('every listener gets everything; clients that share one get a part each', async () => {
  const { attach, send, server } = await stage({ live: false });
  const [mine, yours] = [await startLocal(), await startLocal()];
  const port = (local: { port: number }) => ({ target: { port: local.port } });
  const a = await attach({ listener: 'a', ...port(mine) });
  const b = await attach({ listener: 'b', ...port(yours) });
  for (let i = 1; i <= 4; i++) await send(`/${i}`);
  await Promise.all([a.done(4), b.done(4)]);
  expect(mine.paths).toEqual(yours.paths);
  await Promise.all([a.stop(), b.stop()]);

  const key = await server.key('default', ['read', 'write']);
  const share = { listener: 'team', mode: 'share' } as const;
  const c = await attach({ ...share, ...port(mine), window: 2 });
  const d = await attach({ ...share, ...port(yours), window: 2, key });
  for (let i = 5; i <= 24; i++) await send(`/${i}`);
  await c.until(() => c.results.length + d.results.length >= 20);
  const seqs = [...c.results, ...d.results].map(({ seq }) => seq).sort((x, y) => x - y);
  expect(seqs).toEqual(Array.from({ length: 20 }, (_, i) => i + 5));
});

test('the same key takes over, another one only when it says so', async () => {
  const { attach, client, server, send, local } = await stage({ live: false });
  const first = await attach();
  const second = await attach();
  expect(await first.end).toMatchObject({ reason: 'replaced' });
  expect(second.welcomes[0]?.generation).toBe(2);
  const key = await server.key('default', ['read', 'write']);
  const refused = client({ key });
  expect(await refused.end).toMatchObject({ reason: 'held' });
  await attach({ key, takeOver: true });
  expect(await second.end).toMatchObject({ reason: 'replaced' });
  await send('/1');
  await local.reaches(1);
  const alone = client({ listener: 'x', mode: 'exclusive' });
  expect(await alone.end).toMatchObject({ reason: 'held' });
});

test('without a key that may read the inbox nobody listens; without one that may write nobody answers', async () => {
  const { attach, client, server, send } = await stage();
  await server.admin.putTenant({ tenant: 'other', body: {} });
  const foreign = await server.key('other', ['read', 'write']);
  const publisher = await server.key('default', ['publish']);
  expect(await client({ key: 'phk_wrong' }).end).toMatchObject({ reason: 'unauthorized' });
  for (const key of [foreign, publisher]) {
    expect(await client({ key }).end).toMatchObject({ reason: 'no_inbox' });
  }
  expect(await client({ inbox: 'nobodys' }).end).toMatchObject({ reason: 'no_inbox' });
  const reader = await attach({ key: await server.key('default', ['read']) });
  expect(reader.welcomes[0]?.responder).toBe(false);
  expect((await send('/1')).status).toBe(202);
  await reader.done(1);
});

test('a key that is deleted ends its tunnels, and so does an inbox', async () => {
  const { attach, server, inbox } = await stage({ server: { renewMs: 20 } });
  const text = await server.key('default', ['read']);
  const revoked = await attach({ key: text });
  const { items } = await server.admin.listKeys({ tenant: 'default' });
  await server.admin.deleteKey({ key: items[0]?.id ?? 'key_' });
  expect(await revoked.end).toMatchObject({ reason: 'unauthorized' });
  const other = await attach();
  await server.admin.deleteInbox({ tenant: 'default', inbox: inbox.id });
  expect(await other.end).toMatchObject({ reason: 'deleted' });
});

test('a server that stops says so, and its clients come back to the next one', async () => {
  const { attach, server } = await stage();
  const client = await attach();
  await server.close(1000);
  await client.until(() => !client.client.connected);
  await client.client.stop();
  expect(await client.end).toMatchObject({ reason: 'stopped' });
});

test('captures that were dropped unseen are a gap that is told', async () => {
  const { attach, server, inbox, send } = await stage();
  await (await attach()).stop();
  await server.admin.updateInbox({
    tenant: 'default',
    inbox: inbox.id,
    body: { keep: { captures: 2 } },
  });
  for (let i = 1; i <= 5; i++) await send(`/${i}`);
  const back = await attach();
  expect(back.welcomes[0]).toMatchObject({ gap: { from: 1, to: 3 }, backlog: 2 });
});

test('who comes in the moment another leaves hears of what is captured next', async () => {
  const { attach, client, send, local } = await stage({ live: false });
  let last = await attach();
  for (let round = 1; round <= 10; round++) {
    const next = client();
    await Promise.all([last.stop(), next.connected()]);
    await send(`/${round}`);
    await local.reaches(round);
    last = next;
  }
});
