// @ts-check
/**
 * Starts the built product in a process of its own and reads what the kernel says about it. Trust
 * and bench share this file. Only processes started here are ended, by their own pid.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Api } from './api.js';

export const MAIN = fileURLToPath(new URL('../../packages/server/dist/main.js', import.meta.url));
export const ADMIN_KEY = 'trust-and-bench-admin-key-0123456789abcdef';
export const MASTER_KEY = 'trust-and-bench-master-key-0123456789abcdef';
const READY_MS = 30_000;
const OUTPUT_BYTES_MAX = 256 * 1024;

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();
/** @type {Set<string>} */
const tempDirs = new Set();

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  for (const dir of tempDirs) fs.rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
});
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.once(signal, () => process.exit(130));
}

/** A directory that is gone when this process ends. */
export function tempDir(name = 'posthorn') {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), `${name}-`));
  tempDirs.add(dir);
  return dir;
}

/** @param {string} dir */
export function removeDir(dir) {
  fs.rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
  tempDirs.delete(dir);
}

/** A port that was free a moment ago, so that a restarted server can keep its address. */
export async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  await new Promise((done) => server.close(done));
  return port;
}

/**
 * @typedef {object} ServerOptions
 * @property {string} dataDir
 * @property {number} [port] 0 or absent = any free one
 * @property {'dev' | 'serve'} [mode]
 * @property {Record<string, string>} [env] added to the product's own variables
 * @property {readonly string[]} [wrap] put before `node …`; must `exec` it, so that the pid is node's
 */

/** The product as a child process. */
export class Server {
  /** @param {import('node:child_process').ChildProcess} child @param {number} port */
  constructor(child, port) {
    this.child = child;
    this.pid = /** @type {number} */ (child.pid);
    this.port = port;
    this.origin = `http://127.0.0.1:${port}`;
    this.api = new Api(this.origin, ADMIN_KEY);
    this.output = '';
    /** @type {Promise<{ code: number | null, signal: string | null, at: number }>} */
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        running.delete(child);
        this.api.close();
        resolve({ code, signal, at: Date.now() });
      });
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => {
        this.output = (this.output + text).slice(-OUTPUT_BYTES_MAX);
      });
    }
  }

  get alive() {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Resolves when the control API answers; rejects with the output when it does not come up. */
  async ready(timeoutMs = READY_MS) {
    const deadline = Date.now() + timeoutMs;
    while (this.alive && Date.now() < deadline) {
      if (await answersHealth(this.port)) return this;
      await sleep(10);
    }
    throw new Error(`the server did not come up; its last output:\n${this.output.slice(-3000)}`);
  }

  /** @param {NodeJS.Signals} signal */
  signal(signal) {
    return this.child.kill(signal);
  }

  /** `kill -9`; resolves with the moment it was sent. */
  async kill() {
    const at = Date.now();
    this.child.kill('SIGKILL');
    await this.exited;
    return at;
  }

  /** SIGTERM, and SIGKILL when that is not enough. Resolves with how it ended. */
  async stop(timeoutMs = 35_000) {
    const started = Date.now();
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), timeoutMs);
    const { code, signal } = await this.exited;
    clearTimeout(timer);
    return { code, signal, ms: Date.now() - started };
  }
}

/** Spawns the product; `ready()` is the caller's, because some faults strike before it. */
export async function spawnServer(/** @type {ServerOptions} */ options) {
  const port = options.port || (await freePort());
  const [command = process.execPath, ...before] = options.wrap ?? [];
  const node = options.wrap === undefined ? [] : [process.execPath];
  const child = spawn(command, [...before, ...node, MAIN, options.mode ?? 'dev'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // A `.env` or `posthorn.yaml` of whoever runs this must not change what is measured.
    cwd: path.dirname(MAIN),
    env: {
      ...ownEnvironment(),
      NO_COLOR: '1',
      POSTHORN_ADMIN_KEY: ADMIN_KEY,
      POSTHORN_MASTER_KEY: MASTER_KEY,
      POSTHORN_HOST: '127.0.0.1',
      POSTHORN_PORT: String(port),
      POSTHORN_DATA: options.dataDir,
      ...(options.mode === 'serve' ? {} : { POSTHORN_EGRESS_ALLOW: '127.0.0.0/8,::1/128' }),
      ...options.env,
    },
  });
  running.add(child);
  return new Server(child, port);
}

export async function startServer(/** @type {ServerOptions} */ options) {
  const server = await spawnServer(options);
  return server.ready();
}

/** The caller's environment without what would configure the product or redirect its traffic. */
function ownEnvironment() {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(POSTHORN_|DATABASE_URL$|CRASH_AT$|(HTTPS?|ALL|NO)_PROXY$)/i.test(name),
    ),
  );
}

/** One fresh connection per question, so that a dead server is never mistaken for a stale socket. */
function answersHealth(/** @type {number} */ port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.setTimeout(2000, () => socket.destroy());
    socket.on('connect', () =>
      socket.write('GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n'),
    );
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (text.length >= 12) {
        resolve(text.startsWith('HTTP/1.1 200'));
        socket.destroy();
      }
    });
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
  });
}

const TICKS_PER_SECOND = 100;

/** CPU time of all threads of a process in microseconds (10 ms steps: measure over seconds). */
export function cpuMicros(/** @type {number} */ pid) {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1e6) / TICKS_PER_SECOND;
}

/** Resident memory in MiB: now, and the most since start or since `resetPeak`. */
export function memoryMiB(/** @type {number} */ pid) {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
  const read = (/** @type {string} */ name) =>
    Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) / 1024;
  return { now: read('VmRSS'), peak: read('VmHWM') };
}

/** Lets `peak` start again at the present size; false where the kernel refuses. */
export function resetPeak(/** @type {number} */ pid) {
  try {
    fs.writeFileSync(`/proc/${pid}/clear_refs`, '5');
    return true;
  } catch {
    return false;
  }
}

export function openFiles(/** @type {number} */ pid) {
  return fs.readdirSync(`/proc/${pid}/fd`).length;
}

/** Bytes allocated under a directory. */
export function diskBytes(/** @type {string} */ dir) {
  let total = 0;
  for (const entry of fs.readdirSync(dir, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    total += (fs.statSync(file, { throwIfNoEntry: false })?.blocks ?? 0) * 512;
  }
  return total;
}

/** Forks a helper of ours that ends with this process. @param {URL} file */
export function forkHelper(file) {
  const child = spawn(process.execPath, [fileURLToPath(file)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return new Helper(child);
}

/** A helper process that is asked one thing at a time over IPC and answers `{ ok }` or `{ error }`. */
export class Helper {
  /** @type {Map<number, { resolve: (value: any) => void, reject: (error: Error) => void }>} */
  #open = new Map();
  #next = 1;

  /** @param {import('node:child_process').ChildProcess} child */
  constructor(child) {
    this.child = child;
    this.pid = /** @type {number} */ (child.pid);
    child.on('message', (/** @type {any} */ { id, ok, error }) => {
      const waiting = this.#open.get(id);
      this.#open.delete(id);
      if (error !== undefined) waiting?.reject(new Error(error));
      else waiting?.resolve(ok);
    });
    child.once('exit', (code, signal) => {
      const ended = new Error(`helper ${this.pid} ended (${signal ?? code}) with questions open`);
      for (const { reject } of this.#open.values()) reject(ended);
      this.#open.clear();
    });
  }

  /** @param {string} verb @param {unknown} [argument] @returns {Promise<any>} */
  ask(verb, argument) {
    return new Promise((resolve, reject) => {
      const id = this.#next++;
      this.#open.set(id, { resolve, reject });
      this.child.send({ id, verb, argument }, (error) => {
        if (error) reject(error);
      });
    });
  }

  async stop() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }
}

/**
 * The other end of `Helper`: answers each question with what the verb returns.
 * @param {Record<string, (argument: any) => unknown>} verbs
 */
export function serveHelper(verbs) {
  process.on('message', async (/** @type {any} */ { id, verb, argument }) => {
    try {
      process.send?.({ id, ok: (await verbs[verb]?.(argument)) ?? null });
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? error.message : String(error) });
    }
  });
  process.on('disconnect', () => process.exit(0));
}
