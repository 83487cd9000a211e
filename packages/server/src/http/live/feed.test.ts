import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { parseEventStream } from '@posthorn/api';
import { expect, onTestFinished, test } from 'vitest';
import type { AttemptRow, Tail } from '../../store/store.ts';
import { LIMITS } from './connection.ts';
import { LiveFeed } from './feed.ts';
import { PAGE_ROWS } from './source.ts';

/** What a connection does that cannot keep up, on real sockets over a log without an end. */

const ROW = {
  id: 'att_00000000000000000000000000',
  event: 'evt_00000000000000000000000000',
  endpoint: 'ep_00000000000000000000000000',
  run: 0,
  tenant: 'default',
  type: 'a.b',
  n: 1,
  startedAt: 0,
  durationMs: 1,
  status: 200,
  fault: undefined,
  detail: 'x'.repeat(40_000),
  afterCrash: false,
  erased: false,
  state: 'succeeded',
  nextAt: undefined,
} as const satisfies AttemptRow;

const SUBSCRIPTION = {
  tenant: 'default',
  endpoint: undefined,
  type: undefined,
  state: undefined,
  status: undefined,
  fault: undefined,
};

function endless(behind: number): (tenant: string, after: string | undefined) => Promise<Tail> {
  return async (_tenant, after) => {
    if (after === undefined) return { items: [], place: '0', missed: false, behind: 0 };
    const items = Array.from({ length: PAGE_ROWS }, (_, i) => ({
      place: String(Number(after) + i + 1),
      row: ROW,
    }));
    return { items, place: String(Number(after) + PAGE_ROWS), missed: false, behind };
  };
}

async function serve(behind: number, limits: Partial<typeof LIMITS>) {
  let reads = 0;
  const tail = endless(behind);
  const watched: boolean[] = [];
  const feed = new LiveFeed({
    log: {
      tail(...args) {
        reads += 1;
        return tail(args[0], args[1]);
      },
    },
    configStore: { changes: async (version) => ({ version, items: [] }) },
    config: { version: 0 },
    now: () => 0,
    failed: (error) => {
      throw error;
    },
    watch: (listener) => watched.push(listener !== undefined),
    limits: { ...LIMITS, ...limits },
  });
  const follower = { key: 'k', subscription: SUBSCRIPTION, after: undefined, allowed: () => true };
  const server = createServer((req, res) => feed.follow({ req, res }, follower, {}));
  onTestFinished(() => {
    feed.close();
    server.closeAllConnections();
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, watched, reads: () => reads };
}

test('a client that takes nothing is read no further for, and cut with the reason', async () => {
  const { port, watched, reads } = await serve(0, { slowMs: 200 });
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket, 'connect');
  while (watched.length < 2) await delay(5);
  expect(watched).toEqual([true, false]);
  const before = reads();
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  expect(text).toMatch(/event: bye\ndata: \{"kind":"bye","reason":"slow"/);
  expect(reads()).toBe(before);
});

test('a connection that is too far behind is moved to the end, and told of it', async () => {
  const { port } = await serve(50_000, {});
  const response = await fetch(`http://127.0.0.1:${port}/`);
  const kinds: string[] = [];
  for await (const event of parseEventStream(response.body as never)) {
    if (!event) continue;
    if (kinds.at(-1) !== event.event) kinds.push(event.event);
    if (event.event === 'gap') {
      expect(JSON.parse(event.data)).toMatchObject({ kind: 'gap', reason: 'behind' });
      break;
    }
  }
  expect(kinds).toEqual(['ready', 'attempt', 'gap']);
});
