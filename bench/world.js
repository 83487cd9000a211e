// @ts-check
/** What every scenario needs: the processes, endpoints in bulk, and one measured round. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ADMIN_KEY,
  cpuMicros,
  forkHelper,
  memoryMiB,
  removeDir,
  startServer,
  tempDir,
} from '../trust/lib/server.js';

const LOAD = new URL('./load.js', import.meta.url);
const RECEIVER = new URL('./receiver.js', import.meta.url);
const LIMIT = new URL('./limit.js', import.meta.url);

export const BODY_BYTES = 1024;
export const CONNECTIONS = 64;
/** A round whose receiver sees nothing new for this long is over. */
const STALL_MS = 5000;

export class World {
  secret = `whsec_${randomBytes(32).toString('base64')}`;
  load = forkHelper(LOAD);
  receiver = forkHelper(RECEIVER);
  /** @type {number[]} */
  ports = [];
  /** @type {(() => Promise<unknown>)[]} */
  #closers = [];

  /** @template T @param {number} hosts @param {(world: World) => Promise<T>} play @returns {Promise<T>} */
  static async with(hosts, play) {
    const world = new World();
    try {
      world.ports = await world.receiver.ask('listen', { count: hosts, secret: world.secret });
      return await play(world);
    } finally {
      for (const close of world.#closers.reverse()) await close();
      await world.load.stop();
      await world.receiver.stop();
    }
  }

  /** The product on an empty store; `dataDir` and `port` let it be started again. */
  async product({
    dataDir = path.join(tempDir('posthorn-bench'), 'data'),
    port = 0,
    env = /** @type {Record<string, string>} */ ({}),
  } = {}) {
    const server = await startServer({
      dataDir,
      port,
      env: { POSTHORN_LOG_LEVEL: 'warn', ...env },
    });
    this.#closers.push(async () => {
      if (server.alive) await server.kill();
      removeDir(path.dirname(dataDir));
    });
    return { server, dataDir, pid: server.pid, port: server.port };
  }

  /** The pass-through that stores nothing. */
  async limit() {
    const helper = forkHelper(LIMIT);
    this.#closers.push(() => helper.stop());
    const port = await helper.ask('listen', {
      receiverPort: this.ports[0],
      secret: this.secret,
      connections: CONNECTIONS,
    });
    return { pid: helper.pid, port };
  }

  /**
   * `count` endpoints over the receiver's hosts, made through the API by 16 at a time; their ids.
   * @param {import('../trust/lib/api.js').Api} api
   * @param {{ count: number, typeOf: (i: number) => string, pathOf?: (i: number) => string, more?: Record<string, unknown> }} options
   */
  async endpoints(api, { count, typeOf, pathOf = (i) => `/e/${i}`, more = {} }) {
    /** @type {string[]} */
    const ids = [];
    let next = 0;
    const worker = async () => {
      while (next < count) {
        const i = next++;
        const url = `http://127.0.0.1:${this.ports[i % this.ports.length]}${pathOf(i)}`;
        const { id } = await api.endpoint(url, [typeOf(i)], {
          secret: this.secret,
          timeoutMs: 5000,
          ...more,
        });
        ids[i] = id;
      }
    };
    await Promise.all(Array.from({ length: 16 }, worker));
    return ids;
  }

  /**
   * Load on one process until everything has arrived.
   * @param {{ pid: number, port: number }} target
   * @param {{ type: string, types: number, fanOut?: number, seconds: number, rate?: number, share?: number }} options
   *   `share`: of the deliveries that can arrive (1 unless a receiver hangs)
   */
  async round(target, { type, types, fanOut = 1, seconds, rate, share = 1 }) {
    await this.receiver.ask('reset');
    const cpuBefore = cpuMicros(target.pid);
    const orders = {
      port: target.port,
      key: ADMIN_KEY,
      type,
      types,
      connections: CONNECTIONS,
      bodyBytes: BODY_BYTES,
      seconds,
    };
    const sent = await this.load.ask('run', { ...orders, ...(rate === undefined ? {} : { rate }) });
    if (sent.accepted === 0) throw new Error(`nothing was accepted: ${JSON.stringify(sent)}`);
    const expected = Math.floor(sent.accepted * fanOut * share);
    const seen = await this.#arrived(expected);
    const cpu = cpuMicros(target.pid) - cpuBefore;
    const took = (seen.lastAt - sent.startedAt) / 1000;
    return {
      acceptedPerS: sent.accepted / ((sent.endedAt - sent.startedAt) / 1000),
      deliveriesPerS: seen.count / took,
      deliveries: seen.count,
      cpuMicros: cpu / seen.count,
      p50: seen.p50,
      p99: seen.p99,
      acceptP99: sent.acceptP99,
      refused: sent.refused + sent.unanswered,
      missing: share === 1 ? expected - seen.count : 0,
      badSignatures: seen.bad,
      overrun: sent.overrun,
      rssMiB: memoryMiB(target.pid).now,
    };
  }

  /** @param {number} expected */
  async #arrived(expected) {
    let seen = await this.receiver.ask('read');
    let progressAt = Date.now();
    while (seen.count < expected && Date.now() - progressAt < STALL_MS) {
      await sleep(50);
      const next = await this.receiver.ask('read');
      if (next.count > seen.count) progressAt = Date.now();
      seen = next;
    }
    // What the last deliveries still cost: their commit.
    await sleep(200);
    return this.receiver.ask('read');
  }
}

/** @param {readonly number[]} values */
export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    min: sorted[0] ?? 0,
    median: sorted[Math.floor(sorted.length / 2)] ?? 0,
    max: sorted.at(-1) ?? 0,
  };
}
