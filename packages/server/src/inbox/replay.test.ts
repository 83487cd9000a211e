import { randomBytes } from 'node:crypto';
import { type Client, MASK } from '@posthorn/api';
import { schemes } from '@posthorn/wire';
import { headerBag } from '@posthorn/wire/explain';
import { expect, onTestFinished, test, vi } from 'vitest';
import { type Received, stage, startLocal } from '../cli/tunnel/harness.suite.ts';
import { pairsOf } from './recognition.ts';

/** Captures sent again: to the laptop that listens, and to URLs. */

type Replay = NonNullable<Parameters<Client['replayCapture']>[0]['body']>;
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const EVENT = '{"type":"user.created","timestamp":"2030-01-01T00:00:00Z","data":{"n":1.0}}';
const tenant = 'default';

async function shop(options: Parameters<typeof stage>[0] = {}) {
  const on = await stage({ live: false, ...options });
  const { server, inbox } = on;
  const address = { tenant, inbox: inbox.id };
  await server.admin.updateInbox({ ...address, body: { signing: { secrets: [SECRET] } } });
  const newest = async () => {
    const [row] = (await server.admin.listCaptures({ ...address, limit: 1 })).items;
    if (!row) throw new Error('nothing was captured');
    return { ...address, capture: row.id };
  };
  const signed = (id = 'msg_1') =>
    schemes.standard().sign({
      raw: Buffer.from(EVENT),
      id,
      at: new Date(server.clock.now),
      secret: SECRET,
    });
  return {
    ...on,
    newest,
    signed,
    async capture(path: string, init: RequestInit = {}) {
      await on.send(path, init);
      return newest();
    },
    async replay(to: Awaited<ReturnType<typeof newest>>, body: Replay) {
      return (await server.admin.replayCapture({ ...to, body })).exchanges;
    },
  };
}

async function verifies({ rawHeaders, body }: Received, nowMs: number): Promise<boolean> {
  const scheme = schemes.standard();
  const headers = headerBag(pairsOf(rawHeaders));
  const tolerance = { pastS: 300, futureS: 300 };
  const trust = { keys: [scheme.importSecret(SECRET)], nowS: nowMs / 1000, tolerance };
  const request = { raw: body, headers, url: undefined, method: 'POST' };
  return (await scheme.verify(request, trust)).ok;
}

test('to the laptop: the same bytes again, and the answer is logged with the capture', async () => {
  const { server, local, attach, capture, replay } = await shop({
    handle: (_, res) => res.writeHead(201).end('again'),
  });
  const client = await attach();
  const body = randomBytes(100_000);
  const to = await capture('/a?b=1', { body, headers: { 'X-Sender': 'me' } });
  await client.done(1);
  const [exchange] = await replay(to, { to: { listener: 'laptop' } });
  expect(exchange).toMatchObject({
    kind: 'replay',
    to: 'laptop',
    status: 201,
    request: null,
    response: { body: { text: 'again' } },
  });
  expect(local.paths).toEqual(['/a?b=1', '/a?b=1']);
  expect(local.received[1]?.body.equals(body)).toBe(true);
  expect(local.received[1]?.headers).toMatchObject({ 'x-sender': 'me', 'hook-replay': 'true' });
  const { log } = await server.admin.getCapture(to);
  expect(log.map(({ kind }) => kind)).toEqual(['listener', 'replay']);
});

test('a replay moves no cursor, and does not wait behind a stalled queue of captures', async () => {
  const { attach, capture, replay, send, local } = await shop();
  const first = await attach();
  const to = await capture('/1');
  await first.done(1);
  await replay(to, {});
  await first.stop();
  await send('/2');
  const second = await attach();
  await second.done(1);
  expect(local.paths).toEqual(['/1', '/1', '/2']);
});

test('nobody listens, or not under this name: that is said', async () => {
  const { attach, capture, replay } = await shop();
  const to = await capture('/');
  await expect(replay(to, {})).rejects.toMatchObject({ status: 409, code: 'conflict' });
  await attach();
  const order = { to: { listener: 'other' } };
  await expect(replay(to, order)).rejects.toThrow('other does not listen');
});

test('a laptop whose local port is closed answers later; the log has it then', async () => {
  const { server, local, attach, capture, replay } = await shop();
  const client = await attach();
  const to = await capture('/');
  await client.done(1);
  await local.stop();
  const [waiting] = await replay(to, {});
  expect(waiting).toMatchObject({ status: null, response: null });
  expect(waiting?.error).toContain('delivered when that does');
  await local.start();
  await client.done(2);
  await client.stop();
  const { log } = await server.admin.getCapture(to);
  expect(log.at(-1)).toMatchObject({ kind: 'replay', status: 200 });
});

test('to a URL: below its path, with what was captured and nothing of the connection', async () => {
  const { capture, replay } = await shop();
  const target = await startLocal((_, res) => res.end('thanks'));
  const headers = { 'X-Sender': 'me', 'Content-Type': 'text/plain' };
  const to = await capture('/orders?x=1', { body: 'hello', headers });
  const url = `http://127.0.0.1:${target.port}/base/?y=2`;
  const [exchange] = await replay(to, { to: { url } });
  const [seen] = target.received;
  expect(seen).toMatchObject({ method: 'POST', path: '/base/orders?y=2&x=1' });
  expect(seen?.body.toString()).toBe('hello');
  expect(seen?.headers).toMatchObject({
    'x-sender': 'me',
    'hook-replay': 'true',
    'x-posthorn-capture': to.capture,
  });
  expect(exchange).toMatchObject({ status: 200, response: { body: { text: 'thanks' } } });
  expect(exchange?.request?.head).toContain('POST /base/orders?y=2&x=1 HTTP/1.1');
});

test('exact keeps the old signature; new signs as the sender did, with the same id', async () => {
  const { server, capture, replay, signed } = await shop();
  const target = await startLocal();
  const url = `http://127.0.0.1:${target.port}`;
  const to = await capture('/', { body: EVENT, headers: await signed() });
  server.clock.now += 3_600_000;
  await replay(to, { to: { url } });
  await replay(to, { to: { url }, signature: 'new' });
  const [exact, fresh] = target.received as [Received, Received];
  expect(await verifies(exact, server.clock.now)).toBe(false);
  expect(await verifies(fresh, server.clock.now)).toBe(true);
  expect(fresh.headers['webhook-id']).toBe('msg_1');
  expect(fresh.rawHeaders.filter((name) => /^webhook-signature$/i.test(name))).toHaveLength(1);
});

test('an edited body is signed as it is sent, and stands in the log', async () => {
  const { server, capture, replay, signed } = await shop();
  const target = await startLocal();
  const to = await capture('/', { body: EVENT, headers: await signed() });
  const body = EVENT.replace('user.created', 'user.deleted');
  const [exchange] = await replay(to, {
    to: { url: `http://127.0.0.1:${target.port}` },
    signature: 'new',
    edit: { method: 'PUT', path: '/else?z=1', body: { text: body } },
  });
  const [seen] = target.received as [Received];
  expect(seen).toMatchObject({ method: 'PUT', path: '/else?z=1' });
  expect(seen.body.toString()).toBe(body);
  expect(await verifies(seen, server.clock.now)).toBe(true);
  expect(exchange?.request?.body).toEqual({ encoding: 'utf8', text: body });
});

test('edited headers replace all; one that was masked keeps what it hides', async () => {
  const { server, capture, replay } = await shop();
  const target = await startLocal();
  const to = await capture('/', { body: 'x', headers: { Authorization: 'Bearer s3cret', A: '1' } });
  const { headers: shown } = await server.admin.getCapture(to);
  const headers = shown.filter(({ name }) => name.toLowerCase() !== 'a');
  expect(headers.find(({ name }) => /authorization/i.test(name))?.value).toBe(MASK);
  const url = `http://127.0.0.1:${target.port}`;
  const [exchange] = await replay(to, { to: { url }, edit: { headers } });
  const [seen] = target.received as [Received];
  expect(seen.headers).toMatchObject({ authorization: 'Bearer s3cret' });
  expect(seen.headers['a']).toBeUndefined();
  expect(JSON.stringify(exchange)).not.toContain('s3cret');
});

test('repeated, one behind the other', async () => {
  const { capture, replay } = await shop();
  let under = 0;
  let most = 0;
  const target = await startLocal((_, res) => {
    most = Math.max(most, ++under);
    setImmediate(() => {
      under -= 1;
      res.end();
    });
  });
  const to = await capture('/');
  const order = { to: { url: `http://127.0.0.1:${target.port}` }, times: 20, delayMs: 1 };
  expect(await replay(to, order)).toHaveLength(20);
  expect([target.received.length, most]).toEqual([20, 1]);
});

test('the guard stands before every URL, and none may carry a password', async () => {
  const { capture, replay } = await shop();
  const to = await capture('/');
  const [refused] = await replay(to, { to: { url: 'http://169.254.169.254/latest/meta-data' } });
  expect(refused).toMatchObject({ status: null, response: null });
  expect(refused?.error).toContain('not');
  const order = { to: { url: 'http://u:p@127.0.0.1/' } };
  await expect(replay(to, order)).rejects.toThrow('no password');
});

test('what cannot be signed or is not there whole is refused', async () => {
  const { server, inbox, capture, replay } = await shop({ server: { inboxBodyBytes: 70_000 } });
  const unsigned = await capture('/', { body: '{}' });
  await expect(replay(unsigned, { signature: 'new' })).rejects.toThrow('signing.scheme');
  const address = { tenant, inbox: inbox.id };
  await server.admin.updateInbox({ ...address, body: { signing: { secrets: [] } } });
  await expect(replay(unsigned, { signature: 'new' })).rejects.toThrow('no secret');
  const cut = await capture('/', { body: 'x'.repeat(80_000) });
  await expect(replay(cut, {})).rejects.toThrow('Only the beginning');
  const reader = server.client(await server.key(tenant, ['read']));
  await expect(reader.replayCapture({ ...cut, body: {} })).rejects.toMatchObject({ status: 403 });
});

test('with a scheme of the inbox what was not signed at all is signed', async () => {
  const { server, inbox, capture, replay } = await shop();
  const signing = { scheme: 'standard' as const, secrets: [SECRET] };
  await server.admin.updateInbox({ tenant, inbox: inbox.id, body: { signing } });
  const target = await startLocal();
  const to = await capture('/', { body: EVENT });
  await replay(to, { to: { url: `http://127.0.0.1:${target.port}` }, signature: 'new' });
  expect(await verifies(target.received[0] as Received, server.clock.now)).toBe(true);
});

// ---- late ----------------------------------------------------------------------------------------

test('a backlog older than receivers allow is signed anew, and says so', async () => {
  const { server, local, attach, send, signed, newest } = await shop();
  await (await attach()).stop();
  const headers = { ...(await signed()), 'X-Sender': 'me' };
  const forged = { ...headers, 'webhook-signature': 'v1,Zm9yZ2Vk' };
  await send('/old', { body: EVENT, headers });
  await send('/forged', { body: EVENT, headers: forged });
  await send('/unsigned', { body: EVENT });
  server.clock.now += 3_600_000;
  await send('/new', { body: EVENT, headers: await signed('msg_2') });

  const back = await attach();
  await back.done(4);
  await back.stop();
  const [old, fake, plain, recent] = local.received as [Received, Received, Received, Received];
  expect(await verifies(old, server.clock.now)).toBe(true);
  expect(old.headers).toMatchObject({
    ...{ 'webhook-id': 'msg_1', 'x-posthorn-resigned': 'true', 'x-sender': 'me' },
  });
  // Nobody's forgery becomes a genuine event by waiting.
  expect(fake.headers).toMatchObject({ 'webhook-signature': 'v1,Zm9yZ2Vk' });
  for (const request of [fake, plain, recent]) {
    expect(request.headers['x-posthorn-resigned']).toBeUndefined();
  }
  const { inbox: id } = await newest();
  const { items } = await server.admin.listCaptures({ tenant, inbox: id });
  const address = { tenant, inbox: id, capture: items.at(-1)?.id ?? 'cap_' } as const;
  const { log } = await server.admin.getCapture(address);
  expect(log[0]).toMatchObject({
    request: { head: expect.stringContaining('X-Posthorn-Resigned') },
  });
});

test('with clients that share a listener it is the same; --exact keeps what came', async () => {
  const { server, local, attach, send, signed } = await shop();
  await (await attach({ mode: 'share' })).stop();
  const headers = await signed();
  await send('/old', { body: EVENT, headers });
  server.clock.now += 3_600_000;
  const shared = await attach({ mode: 'share' });
  await shared.done(1);
  expect(await verifies(local.received[0] as Received, server.clock.now)).toBe(true);
  const exact = await attach({ listener: 'exact', from: 'start', resign: false });
  await exact.done(1);
  expect(local.received[1]?.headers).toMatchObject({
    'webhook-signature': headers['webhook-signature'],
  });
});

test('what has waited long for the local port is asked for again, signed anew', async () => {
  const { server, local, attach, send, signed } = await shop();
  const client = await attach();
  await local.stop();
  await send('/held', { body: EVENT, headers: await signed() });
  await client.until(() => client.holds.length > 0);
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  vi.setSystemTime(Date.now() + 3_600_000);
  server.clock.now += 3_600_000;
  await local.start();
  await client.done(1);
  const [held] = local.received as [Received];
  expect(await verifies(held, server.clock.now)).toBe(true);
  expect(local.paths).toEqual(['/held']);
});
