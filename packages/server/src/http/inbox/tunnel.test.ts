import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import {
  decodePacket,
  encodeFrame,
  type Frame,
  type Hello,
  TUNNEL_PROTOCOL,
} from '../../inbox/frames.ts';
import { type Harness, startServer } from '../harness.suite.ts';

test('a request that offers another protocol is captured with its body', async () => {
  const server = await startServer();
  const inbox = await server.admin.createInbox({ tenant: 'default' });
  const head =
    'Host: a\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings, close\r\nHTTP2-Settings: AAMA\r\nContent-Length: 5';
  const answer = await server.raw(`POST /in/${inbox.name} HTTP/1.1\r\n${head}\r\n\r\nhello`);
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  const { items } = await server.admin.listCaptures({ tenant: 'default', inbox: inbox.id });
  expect(items).toMatchObject([{ method: 'POST', bodyBytes: 5 }]);
});

/** What a client that does not keep to the rules gets. */
async function dial(server: Harness) {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/_t`, TUNNEL_PROTOCOL);
  onTestFinished(() => socket.terminate());
  const frames: Frame[] = [];
  socket.on('message', (data) => frames.push(...decodePacket(data as Buffer)));
  await once(socket, 'open');
  const send = (frame: Frame) => socket.send(encodeFrame(frame));
  const next = async (type: Frame['type']) => {
    for (;;) {
      const at = frames.findIndex((frame) => frame.type === type);
      if (at >= 0) return frames.splice(at, 1)[0] as Frame;
      await once(socket, 'message');
    }
  };
  return { socket, frames, send, next };
}

function hello(server: Harness, more: Partial<Hello> = {}): Frame {
  return {
    type: 'hello',
    hello: {
      ...{ token: server.adminKey, inbox: 'shop', listener: 'raw', mode: 'fanout', from: 'acked' },
      ...{ takeOver: false, filter: '', window: 256, responder: true, agent: 'raw' },
      ...more,
    } as Hello,
  };
}

async function shop() {
  const server = await startServer();
  await server.admin.createInbox({ tenant: 'default', body: { name: 'shop' } });
  return server;
}

test('whatever is sent instead of frames, the server says goodbye and goes on', async () => {
  const server = await shop();
  const noise = fc.oneof(fc.uint8Array({ maxLength: 500 }), fc.string());
  await fc.assert(
    fc.asyncProperty(noise, fc.boolean(), async (bytes, attached) => {
      const { socket, send, next } = await dial(server);
      if (attached) {
        send(hello(server));
        await next('welcome');
      }
      socket.send(bytes);
      socket.send(Buffer.of(0, 0, 0, 1, 99));
      const [code] = (await once(socket, 'close')) as [number];
      expect([1000, 1005]).toContain(code);
    }),
    { numRuns: 25 },
  );
  expect((await fetch(`${server.url}/in/shop`)).status).toBe(200);
});

test('frames that belong to nothing are refused or do nothing', async () => {
  const server = await shop();
  const early = await dial(server);
  early.send({ type: 'credit', stream: 0, bytes: 5 });
  expect(await early.next('goaway')).toMatchObject({ reason: 'protocol' });
  const { send, next, socket } = await dial(server);
  send(hello(server));
  await next('welcome');
  const head = { status: 200, headers: [] };
  send({ type: 'answer', stream: 77, head, bytes: Buffer.of(1), end: true });
  send({ type: 'data', stream: 77, bytes: Buffer.of(1), end: false });
  send({ type: 'reset', stream: 77 });
  send({ type: 'nack', seq: 9, reason: 'refused', holdMs: 0 });
  send({ type: 'ack', results: [{ seq: 9, status: 200, ms: 1, error: null, truncated: false }] });
  send({ type: 'ping', clock: 4 });
  expect(await next('pong')).toMatchObject({ clock: 4 });
  send(hello(server));
  expect(await next('goaway')).toMatchObject({ reason: 'protocol' });
  await once(socket, 'close');
});

test('a client that gives no credit gets nothing, and costs no memory', async () => {
  const server = await shop();
  const { frames, send, next } = await dial(server);
  send(hello(server));
  await next('welcome');
  const body = randomBytes(60_000);
  for (let i = 0; i < 20; i++) await fetch(`${server.url}/in/shop`, { method: 'POST', body });
  expect(frames).toEqual([]);
  send({ type: 'credit', stream: 0, bytes: 100_000 });
  await next('open');
  await next('open');
  send({ type: 'ping', clock: 1 });
  await next('pong');
  expect(frames.filter(({ type }) => type === 'open')).toEqual([]);
});

test('no more captures are out than the window allows', async () => {
  const server = await shop();
  const { frames, send, next } = await dial(server);
  send(hello(server, { window: 3 }));
  await next('welcome');
  send({ type: 'credit', stream: 0, bytes: 1_000_000 });
  for (let i = 0; i < 10; i++) await fetch(`${server.url}/in/shop`);
  for (let i = 0; i < 3; i++) await next('open');
  send({ type: 'ping', clock: 1 });
  await next('pong');
  expect(frames).toEqual([]);
  send({ type: 'ack', results: [{ seq: 2, status: 200, ms: 1, error: null, truncated: false }] });
  expect(await next('open')).toMatchObject({ head: { seq: 4 } });
});

test('who says nothing is sent away, and so is who speaks another protocol', async () => {
  const server = await shop();
  const other = new WebSocket(`ws://127.0.0.1:${server.port}/_t`, 'chat');
  await once(other, 'error');
  const plain = await fetch(`${server.url}/_t`);
  expect(plain.status).toBe(404);
  expect((await fetch(`${server.url}/_t/channels/nobody/events`)).status).toBe(404);
  const upgrade = `GET /elsewhere HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n`;
  expect(await server.raw(upgrade)).toMatch(/^HTTP\/1\.1 404 /);
});
