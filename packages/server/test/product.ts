import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Client, createClient } from '@posthorn/api';

/** The built product, and receivers for what it sends; shared by all tests of a file. */

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
export const KEY = 'black-box-admin-key-0123456789abcdef';
const DEADLINE_MS = 15_000;

export interface Product {
  readonly url: string;
  readonly api: Client;
  /** A request to the API as bytes: JSON that printing would change. */
  post(path: string, body: string): Promise<Response>;
  stop(): Promise<void>;
}

export async function startProduct(env: Record<string, string> = {}): Promise<Product> {
  const data = mkdtempSync(join(tmpdir(), 'posthorn-product-'));
  const child = spawn(process.execPath, [MAIN, 'dev'], {
    env: {
      PATH: process.env['PATH'],
      POSTHORN_PORT: '0',
      POSTHORN_DATA: data,
      POSTHORN_ADMIN_KEY: KEY,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await readyUrl(child);
  return {
    url,
    api: createClient({ baseUrl: url, key: KEY }),
    post: (path, body) =>
      fetch(`${url}/api/v1/${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
        body,
      }),
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'exit');
      rmSync(data, { recursive: true, force: true });
    },
  };
}

async function readyUrl({ stdout }: ChildProcess): Promise<string> {
  const lines = createInterface({ input: stdout as NodeJS.ReadableStream });
  for await (const line of lines) {
    if (!line.includes('"ready"')) continue;
    return (JSON.parse(line) as { url: string }).url;
  }
  throw new Error('the product ended before it was ready');
}

/** `posthorn listen` as people run it; resolves when the tunnel stands. */
export async function startListener(
  product: Product,
  argv: readonly string[],
  tenant = 'default',
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const child = spawn(process.execPath, [MAIN, 'listen', ...argv, '--json'], {
    env: {
      ...{ PATH: process.env['PATH'], HOME: tmpdir(), POSTHORN_TENANT: tenant },
      ...{ POSTHORN_URL: product.url, POSTHORN_KEY: KEY },
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const [first] = (await once(lines, 'line')) as [string];
  const { event, url } = JSON.parse(first) as { event: string; url: string };
  if (event !== 'connected') throw new Error(`the tunnel does not stand: ${first}`);
  return {
    url,
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

export async function eventually<T>(look: () => T | Promise<T>, what: string) {
  const end = performance.now() + DEADLINE_MS;
  for (;;) {
    const found = await look();
    if (found) return found as NonNullable<Exclude<T, false>>;
    if (performance.now() > end) throw new Error(`did not happen: ${what}`);
    await delay(5);
  }
}

/** A request as it stood on the wire. */
export interface Arrived {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
}

export interface Target {
  readonly url: string;
  readonly requests: Arrived[];
  request(n: number): Promise<Arrived>;
  close(): Promise<void>;
}

/** Keeps every byte and the order and case of every header, which `node:http` would not; answers 200. */
export async function startTarget(): Promise<Target> {
  const requests: Arrived[] = [];
  const server = createServer((socket) => {
    let bytes = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      for (;;) {
        const taken = takeRequest(bytes);
        if (!taken) return;
        bytes = bytes.subarray(taken.length);
        requests.push(taken.request);
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      }
    });
  });
  const port = await listening(server);
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    request: (n) => eventually(() => requests[n - 1], `request ${n} of ${requests.length}`),
    close: () => closed(server),
  };
}

function takeRequest(bytes: Buffer): { request: Arrived; length: number } | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [line = '', ...rows] = bytes.toString('latin1', 0, end).split('\r\n');
  const [method = '', target = ''] = line.split(' ');
  const headers = rows.map((row): [string, string] => {
    const colon = row.indexOf(': ');
    return [row.slice(0, colon), row.slice(colon + 2)];
  });
  const length = Number(headers.find(([name]) => /^content-length$/i.test(name))?.[1] ?? 0);
  const start = end + 4;
  if (bytes.length < start + length) return undefined;
  const body = Buffer.from(bytes.subarray(start, start + length));
  return { request: { method, target, headers, body }, length: start + length };
}

/** A receiver as the documents show them, on a port of its own. */
export async function startReceiver(
  listener: RequestListener,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createHttpServer(listener);
  const port = await listening(server);
  return { url: `http://127.0.0.1:${port}`, close: () => closed(server) };
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function closed(server: Server): Promise<void> {
  if ('closeAllConnections' in server) (server.closeAllConnections as () => void)();
  server.close();
}
