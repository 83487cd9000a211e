import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, createClient } from '@posthorn/api';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { type App, startApp } from './app.ts';
import { loadConfig } from './config.ts';
import { temporaryDirectory } from './delivery/harness.suite.ts';
import {
  CONNECTION_CREDIT,
  decodePacket,
  encodeFrame,
  type Frame,
  type Hello,
  TUNNEL_PROTOCOL,
} from './inbox/frames.ts';
import { createLogger, createMetrics } from './telemetry.ts';

/** Whole nodes in this process that share one PostgreSQL; time is the machine's. */

export const ADMIN_KEY = 'test-admin-key-of-32-characters-or-more';
const DEADLINE_MS = 10_000;

export interface TestNode {
  readonly app: App;
  readonly url: string;
  readonly api: Client;
}

export async function startNode(
  databaseUrl: string,
  flags: Readonly<Record<string, string>> = {},
): Promise<TestNode> {
  const data = temporaryDirectory();
  const app = await startApp({
    config: loadConfig({
      command: 'dev',
      flags: {
        ...{ data, port: '0', adminKey: ADMIN_KEY, masterKey: 'm'.repeat(32), drain: '5s' },
        databaseUrl,
        ...flags,
      },
      env: {},
      cwd: data,
    }),
    logger: createLogger({ level: 'warn', format: 'json', stream: { write: () => {} } }),
    metrics: createMetrics(),
    inline: true,
  });
  onTestFinished(() => app.close());
  return { app, url: app.url, api: createClient({ baseUrl: app.url, key: ADMIN_KEY }) };
}

/** Configuration that was made on one node is on the other within its poll. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
): Promise<NonNullable<Exclude<T, false>>> {
  const end = performance.now() + DEADLINE_MS;
  for (;;) {
    const found = await look();
    if (found) return found as NonNullable<Exclude<T, false>>;
    if (performance.now() > end) throw new Error(`did not happen in time: ${what}`);
    await delay(5);
  }
}

/** Answers 204 and keeps what came. */
export async function receiver(): Promise<{
  url: string;
  got: { ids: string[]; bodies: Buffer[] };
}> {
  const got = { ids: [] as string[], bodies: [] as Buffer[] };
  const server = createServer(async (req: IncomingMessage, res) => {
    got.bodies.push(await buffer(req));
    got.ids.push(String(req.headers['webhook-id']));
    res.writeHead(204).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, got };
}

/** A listener in frames, attached to a node. */
export async function listen(node: TestNode, inbox: string, more: Partial<Hello> = {}) {
  const socket = new WebSocket(`${node.url.replace('http', 'ws')}/_t`, TUNNEL_PROTOCOL);
  onTestFinished(() => socket.terminate());
  const frames: Frame[] = [];
  socket.on('message', (data) => frames.push(...decodePacket(data as Buffer)));
  await once(socket, 'open');
  const send = (frame: Frame) => socket.send(encodeFrame(frame));
  const next = async <T extends Frame['type']>(type: T): Promise<Frame & { type: T }> => {
    for (;;) {
      const at = frames.findIndex((frame) => frame.type === type);
      if (at >= 0) return frames.splice(at, 1)[0] as Frame & { type: T };
      await once(socket, 'message');
    }
  };
  const hello: Hello = {
    ...{ token: ADMIN_KEY, inbox, listener: 'laptop', mode: 'fanout', from: 'acked' },
    ...{ takeOver: false, filter: '', window: 256, responder: true, agent: 'test' },
    ...more,
  };
  send({ type: 'hello', hello });
  await next('welcome');
  send({ type: 'credit', stream: 0, bytes: CONNECTION_CREDIT });
  return { socket, send, next };
}
