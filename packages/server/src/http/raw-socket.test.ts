import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { type Harness, startServer } from './harness.suite.ts';

/** Bytes that no well-behaved client sends (A35): the parser must not be talked into a second request. */

const PATH = '/api/v1/tenants/default/events';
const EVENT = '{"type":"a.b"}';

function head(server: Harness, extra: string): string {
  return `POST ${PATH} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${server.adminKey}\r\n${extra}\r\n`;
}

function statuses(answer: string): string[] {
  return [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => match[1] ?? '');
}

async function storedEvents(server: Harness): Promise<number> {
  return (await server.admin.listEvents({ tenant: 'default' })).items.length;
}

test.each([
  ['two Content-Lengths', 'Content-Length: 14\r\nContent-Length: 0\r\n'],
  ['two equal Content-Lengths', 'Content-Length: 14\r\nContent-Length: 14\r\n'],
  ['a Content-Length list', 'Content-Length: 14, 14\r\n'],
  ['a signed Content-Length', 'Content-Length: +14\r\n'],
  ['both lengths', 'Content-Length: 14\r\nTransfer-Encoding: chunked\r\n'],
  ['both lengths, other order', 'Transfer-Encoding: chunked\r\nContent-Length: 14\r\n'],
  ['an unknown transfer coding', 'Transfer-Encoding: chunked, identity\r\n'],
  ['a space before the colon', 'Content-Length : 14\r\n'],
  ['a folded header', 'X-A: b\r\n c\r\nContent-Length: 14\r\n'],
  ['a bare CR', 'X-A: b\rX-B: c\r\nContent-Length: 14\r\n'],
])('%s is refused and nothing is stored', async (_, extra) => {
  const server = await startServer();
  const smuggled = `${head(server, extra)}${EVENT}${head(server, 'Content-Length: 14\r\n')}${EVENT}`;
  const answer = await server.raw(smuggled);
  expect(statuses(answer)).toEqual(['400']);
  expect(await storedEvents(server)).toBe(0);
});

test('10,000 headers are refused with 431', async () => {
  const server = await startServer();
  const answer = await server.raw(head(server, 'X-A: 1\r\n'.repeat(10_000)));
  expect(statuses(answer)).toEqual(['431']);
});

test('3,000 headers that fit are all read: none is dropped unseen', async () => {
  const server = await startServer();
  const flood = 'a:\r\n'.repeat(3000);
  const extra = `${flood}Content-Length: 14\r\nConnection: close\r\nContent-Encoding: gzip\r\n`;
  expect(statuses(await server.raw(head(server, extra) + EVENT))).toEqual(['415']);
});

test('a chunked body over the limit is refused with 413 while it is still being sent', async () => {
  const server = await startServer();
  const chunk = Buffer.concat([
    Buffer.from('100000\r\n'),
    Buffer.alloc(1_048_576, 0x20),
    Buffer.from('\r\n'),
  ]);
  const bytes = Buffer.concat([
    Buffer.from(head(server, 'Transfer-Encoding: chunked\r\n')),
    ...Array(9).fill(chunk),
  ]);
  const answer = await server.raw(bytes);
  expect(statuses(answer)).toEqual(['413']);
  expect(answer).toMatch(/connection: close/i);
});

test('a declared body over the limit is refused before it is sent', async () => {
  const server = await startServer();
  const answer = await server.raw(head(server, 'Content-Length: 8388609\r\n'));
  expect(statuses(answer)).toEqual(['413']);
});

test('two pipelined requests are two events, answered in order', async () => {
  const server = await startServer();
  const one = head(server, 'Content-Length: 14\r\nX-Request-Id: one\r\n') + EVENT;
  const two =
    head(server, 'Content-Length: 14\r\nX-Request-Id: two\r\nConnection: close\r\n') + EVENT;
  const answer = await server.raw(one + two);
  expect(statuses(answer)).toEqual(['202', '202']);
  expect(answer.indexOf('X-Request-Id: one')).toBeLessThan(answer.indexOf('X-Request-Id: two'));
  expect(await storedEvents(server)).toBe(2);
});

test('a refused body does not become the next request', async () => {
  const server = await startServer();
  const inner = head(server, 'Content-Length: 14\r\n') + EVENT;
  const outer = head(server, `Content-Type: text/plain\r\nContent-Length: ${inner.length}\r\n`);
  const last = head(server, 'Content-Length: 14\r\nConnection: close\r\n') + EVENT;
  expect(statuses(await server.raw(outer + inner + last))).toEqual(['415', '202']);
  expect(await storedEvents(server)).toBe(1);
});

test('an answer to broken bytes never stands for an earlier request', async () => {
  let publish = (): void => {};
  const published = new Promise<void>((resolve) => {
    publish = resolve;
  });
  const publisher = {
    publish: () => {
      publish();
      // Never answered: the connection must be cut while this request is open.
      return new Promise<never>(() => {});
    },
  };
  const server = await startServer({ publisher });
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => {});
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(head(server, 'Content-Length: 14\r\n') + EVENT);
  await published;
  socket.write('NOT HTTP\r\n\r\n');
  await closed;
  expect(chunks).toEqual([]);
});

test('while draining, kept connections are answered 503 and closed, and open requests end well', async () => {
  let release = (): void => {};
  let started = (): void => {};
  const running = new Promise<void>((resolve) => {
    started = resolve;
  });
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const publisher = {
    publish: async () => {
      started();
      await gate;
      return [{ id: 'evt_1', deliveries: 0, duplicate: false }] as const;
    },
  };
  const server = await startServer({ publisher });
  const open = server.raw(head(server, 'Content-Length: 14\r\nConnection: close\r\n') + EVENT);
  // Half a request keeps this connection from being idle when the drain begins.
  const kept = connect(server.port, '127.0.0.1');
  const chunks: Buffer[] = [];
  kept.on('data', (chunk) => chunks.push(chunk));
  const keptClosed = new Promise((resolve) => kept.once('close', resolve));
  kept.write('GET /healthz HTTP/1.1\r\nHost: a\r\n');
  await running;
  const closed = server.close(5000);
  kept.write('\r\n');
  await keptClosed;
  const answer = Buffer.concat(chunks).toString();
  expect(statuses(answer)).toEqual(['503']);
  expect(answer).toContain('"code":"shutting_down"');
  expect(answer).toMatch(/connection: close/i);
  release();
  expect(statuses(await open)).toEqual(['202']);
  await closed;
});

test('what does not end within the drain is cut', async () => {
  const publisher = { publish: () => new Promise<never>(() => {}) };
  const server = await startServer({ publisher });
  const open = server.raw(head(server, 'Content-Length: 14\r\n') + EVENT);
  const probe = await fetch(`${server.url}/healthz`);
  await probe.arrayBuffer();
  await server.close(100);
  expect(await open).toBe('');
});
