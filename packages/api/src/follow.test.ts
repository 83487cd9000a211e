import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { ApiError } from './call.ts';
import { createClient } from './client.ts';
import { parseEventStream } from './event-stream.ts';

async function* bytes(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

async function events(...texts: string[]) {
  const found = [];
  for await (const event of parseEventStream(bytes(...texts))) if (event) found.push(event);
  return found;
}

test('events are read by the rules of the format, wherever the bytes are cut', async () => {
  const text =
    ': hello\n\nid: 1\nevent: a\ndata: one\ndata: two\n\nretry: 5\n\ndata:x\r\n\r\nevent: b\n\ndata: é\r\r';
  const expected = [
    { event: 'a', data: 'one\ntwo', id: '1' },
    { event: 'message', data: 'x', id: '1' },
    { event: 'message', data: 'é', id: '1' },
  ];
  expect(await events(`${text}\n`)).toEqual(expected);
  const all = Buffer.from(`${text}\n`);
  async function* single() {
    for (const byte of all) yield Uint8Array.of(byte);
  }
  const found = [];
  for await (const event of parseEventStream(single())) if (event) found.push(event);
  expect(found).toEqual(expected);
});

test('a line without an end is refused', async () => {
  await expect(events('data: ', 'x'.repeat(5_000_000))).rejects.toThrow('has no end');
});

type Answer = (req: IncomingMessage, res: ServerResponse) => void;

/** A feed whose connections are answered one by one. */
async function feed(...answers: Answer[]) {
  const asked: (string | undefined)[] = [];
  const server = createServer((req, res) => {
    asked.push(req.headers['last-event-id'] as string | undefined);
    answers.shift()?.(req, res);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const end = new AbortController();
  onTestFinished(() => {
    end.abort();
    server.closeAllConnections();
    server.close();
  });
  const client = createClient({ baseUrl: `http://127.0.0.1:${port}`, key: 'k' });
  const { signal } = end;
  return { asked, end, follow: () => client.followLive({ tenant: 'default' }, { signal }) };
}

const AT = '2026-01-31T12:00:00.000Z';
const say = (id: string, data: object) => `id: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
const ready = (id: string) => say(id, { kind: 'ready', at: AT });

function stream(...frames: string[]): Answer {
  return (_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.end(frames.join(''));
  };
}

test('a feed that ends is followed on after its last message', async () => {
  const unknown = say('2.0', { kind: 'of a newer server' });
  const { asked, follow } = await feed(stream(ready('1.0'), unknown), stream(ready('3.0')));
  const told = follow();
  expect((await told.next()).value).toEqual({ kind: 'ready', at: AT, cursor: '1.0' });
  expect((await told.next()).value).toMatchObject({ cursor: '3.0' });
  expect(asked).toEqual([undefined, '1.0']);
});

test('a first connection that is refused rejects; later ones are tried again', async () => {
  const busy: Answer = (_req, res) => {
    const problem = { type: 'a', title: 'b', status: 503, detail: 'c', code: 'shutting_down' };
    res.writeHead(503, { 'content-type': 'application/problem+json' });
    res.end(JSON.stringify({ ...problem, requestId: 'r' }));
  };
  const refused = await feed(busy);
  await expect(refused.follow().next()).rejects.toBeInstanceOf(ApiError);
  const later = await feed(stream(ready('1.0')), busy, stream(ready('2.0')));
  const told = later.follow();
  await told.next();
  expect((await told.next()).value).toMatchObject({ cursor: '2.0' });
});

test('a key that ended ends the feed', async () => {
  const bye = say('1.0', { kind: 'bye', reason: 'unauthorized', detail: 'ended' });
  const { follow, asked } = await feed(stream(bye));
  const told = follow();
  expect((await told.next()).value).toMatchObject({ kind: 'bye' });
  expect(await told.next()).toMatchObject({ done: true });
  const gone: Answer = (_req, res) => void res.writeHead(401).end();
  const deleted = await feed(stream(ready('1.0')), gone);
  const second = deleted.follow();
  await second.next();
  await expect(second.next()).rejects.toMatchObject({ status: 401 });
  expect(asked).toHaveLength(1);
});

test('whoever stops following frees the connection', async () => {
  let closed: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    closed = resolve;
  });
  const open: Answer = (_req, res) => {
    res.once('close', () => closed());
    res.writeHead(200).write(ready('1.0'));
  };
  const { follow } = await feed(open);
  for await (const message of follow()) {
    expect(message.kind).toBe('ready');
    break;
  }
  await ended;
});

test('a signal ends the feed while it waits', async () => {
  const { follow, end } = await feed((_req, res) => void res.writeHead(200).write(ready('1.0')));
  const told = follow();
  await told.next();
  const next = told.next();
  end.abort();
  expect(await next).toMatchObject({ done: true });
});
