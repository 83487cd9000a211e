import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Client, createClient } from '@posthorn/api';

const MAIN = fileURLToPath(new URL('../../../server/dist/main.js', import.meta.url));
const KEY = 'browser-test-admin-key-0123456789abcdef';

/** The built product as a process of its own, with a store of its own. */
export interface Product {
  readonly url: string;
  readonly api: Client;
  /** A fresh link that signs in to the dashboard. */
  link(): Promise<string>;
  stop(): Promise<void>;
  /** `posthorn listen` for an inbox, once it is connected; ends it. */
  listen(inbox: string, port: string): Promise<() => Promise<void>>;
  /** Ends it, and its store stays; returns what starts it anew on the same port. */
  leave(): Promise<() => Promise<void>>;
}

export async function startProduct(env: Record<string, string> = {}): Promise<Product> {
  const data = mkdtempSync(join(tmpdir(), 'posthorn-browser-'));
  let { child, url } = await launch({ POSTHORN_PORT: '0', ...env, POSTHORN_DATA: data });
  const { port } = new URL(url);
  const api = createClient({ baseUrl: url, key: KEY });
  return {
    url,
    api,
    link: async () => (await api.createLoginLink()).url,
    async stop() {
      await end(child);
      rmSync(data, { recursive: true, force: true });
    },
    async listen(inbox, to) {
      const listener = spawn(
        process.execPath,
        [MAIN, 'listen', to, '--inbox', inbox, '--url', url, '--json'],
        {
          env: { PATH: process.env['PATH'], POSTHORN_KEY: KEY },
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      for await (const line of createInterface({ input: listener.stdout })) {
        if (!line.includes('"connected"')) continue;
        listener.stdout.resume();
        return () => end(listener);
      }
      throw new Error('it ended before it was connected');
    },
    async leave() {
      await end(child);
      return async () => {
        ({ child, url } = await launch({ ...env, POSTHORN_PORT: port, POSTHORN_DATA: data }));
      };
    },
  };
}

async function launch(env: Record<string, string>) {
  const child = spawn(process.execPath, [MAIN, 'dev'], {
    env: { PATH: process.env['PATH'], POSTHORN_ADMIN_KEY: KEY, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const entry = JSON.parse(line) as { msg: string; url: string };
    if (entry.msg !== 'ready') continue;
    child.stdout.resume();
    return { child, url: entry.url };
  }
  throw new Error('the product ended before it was ready');
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly at: number;
}

/** A receiver that remembers. By path: `/fail` answers 500, `/gone` 410, everything else 200. */
export class Receiver {
  readonly received: Received[] = [];
  readonly #server: Server;
  readonly #waiting = new Set<() => void>();

  constructor() {
    this.#server = createServer((req, res) => {
      const chunks: Buffer[] = [];
      req.on('data', (chunk: Buffer) => chunks.push(chunk));
      req.on('end', () => {
        const path = req.url ?? '';
        this.received.push({
          method: req.method ?? '',
          path,
          headers: req.headers,
          body: Buffer.concat(chunks).toString(),
          at: Date.now(),
        });
        const status = path.startsWith('/fail') ? 500 : path.startsWith('/gone') ? 410 : 200;
        res.writeHead(status, { 'content-type': 'application/json' });
        res.end(JSON.stringify({ status }));
        for (const look of this.#waiting) look();
      });
    });
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  /** The first request that fits, whether it came already or comes. */
  wait(fits: (received: Received) => boolean): Promise<Received> {
    return new Promise((resolve) => {
      const look = () => {
        const found = this.received.find(fits);
        if (!found) return;
        this.#waiting.delete(look);
        resolve(found);
      };
      this.#waiting.add(look);
      look();
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
