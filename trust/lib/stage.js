// @ts-check
/** One fault's world: a server, the receivers, producers, three ledgers; closed again whatever happened. */
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Api } from './api.js';
import { expect, waitFor } from './check.js';
import {
  platformLedger,
  quiescence,
  readLines,
  readReceived,
  reconcile,
  summary,
} from './reconcile.js';
import { ADMIN_KEY, forkHelper, freePort, removeDir, spawnServer, tempDir } from './server.js';

const PRODUCER = new URL('./producer.js', import.meta.url);
const RECEIVER = new URL('./receiver.js', import.meta.url);

/**
 * @typedef {object} StageOptions
 * @property {string} [dataDir] absent = one that is removed at the end
 * @property {Record<string, string> | ((stage: Stage) => Record<string, string>)} [env]
 * @property {'dev' | 'serve'} [mode]
 * @property {readonly string[]} [wrap]
 * @property {boolean} [ledger] false = receivers keep counts only
 */

export class Stage {
  /** @type {import('./reconcile.js').Endpoint[]} */
  endpoints = [];
  /** @type {number[]} */
  kills = [];
  /** @type {import('./server.js').Helper[]} */
  #helpers = [];
  /** @type {import('./server.js').Server | undefined} */
  #server;

  /** @param {StageOptions} options */
  constructor(options) {
    this.options = options;
    this.dir = tempDir('posthorn-trust');
    this.dataDir = options.dataDir ?? path.join(this.dir, 'data');
    this.port = 0;
    this.receiverPort = 0;
  }

  /**
   * Opens a world, plays in it and closes it.
   * @template T @param {StageOptions} options @param {(stage: Stage) => Promise<T>} play @returns {Promise<T>}
   */
  static async with(options, play) {
    const stage = new Stage(options);
    try {
      stage.receiver = stage.#helper(RECEIVER);
      const ledger = options.ledger === false ? undefined : path.join(stage.dir, 'received');
      stage.receiverPort = await stage.receiver.ask('listen', { ledger });
      stage.port = await freePort();
      await stage.start();
      return await play(stage);
    } catch (error) {
      throw stage.#withOutput(error);
    } finally {
      await stage.#close();
    }
  }

  get server() {
    if (this.#server === undefined) throw new Error('the server was not started');
    return this.#server;
  }

  get api() {
    return this.server.api;
  }

  /** @type {import('./server.js').Helper} */
  get receivers() {
    if (this.receiver === undefined) throw new Error('the receivers were not started');
    return this.receiver;
  }

  /** @type {import('./server.js').Helper | undefined} */
  receiver;

  /** Spawns the server on the same port and data; `ready: false` leaves it coming up. */
  async start({ env = {}, wrap = this.options.wrap, mode = this.options.mode, ready = true } = {}) {
    const always = this.options.env ?? {};
    this.#server = await spawnServer({
      dataDir: this.dataDir,
      port: this.port,
      mode: mode ?? 'dev',
      env: { ...(typeof always === 'function' ? always(this) : always), ...env },
      ...(wrap === undefined ? {} : { wrap }),
    });
    if (ready) await this.#server.ready();
    return this.#server;
  }

  async kill() {
    this.kills.push(await this.server.kill());
  }

  /** @param {string} receiverPath */
  url(receiverPath) {
    return `http://127.0.0.1:${this.receiverPort}${receiverPath}`;
  }

  /** @param {string} receiverPath @param {readonly string[]} types @param {Record<string, unknown>} [more] */
  async endpoint(receiverPath, types, more) {
    const created = await this.api.endpoint(this.url(receiverPath), types, more);
    this.endpoints.push({ id: created.id, secret: created.secret, path: receiverPath, types });
    return created;
  }

  /** @param {{ types: readonly string[], parallel: number, pauseMs: number, count?: number }} orders */
  async produce(orders) {
    const producer = this.#helper(PRODUCER);
    const ledger = path.join(this.dir, 'acknowledged');
    await producer.ask('start', { origin: this.server.origin, key: ADMIN_KEY, ledger, ...orders });
    return producer;
  }

  /** @param {string} receiverPath */
  stats(receiverPath) {
    return this.receivers.ask('stats', receiverPath);
  }

  /** The attempts of one endpoint, first one first. @param {string} endpoint */
  async attempts(endpoint) {
    return (await this.api.list(`/attempts?endpoint=${endpoint}`)).reverse();
  }

  /** Waits until an endpoint's deliveries have all ended. @param {string} endpoint */
  async ended(endpoint, timeoutMs = 20_000) {
    await waitFor(
      `the end of the deliveries of ${endpoint}`,
      async () => {
        // A first page may be empty and still have a next one.
        const items = await this.api.list(`/deliveries?endpoint=${endpoint}`);
        return items.length > 0 && items.every(({ state }) => state !== 'pending');
      },
      { timeoutMs, everyMs: 50 },
    );
  }

  /** All quiet, then the seven zeros. Resolves with a line for the report. */
  async reconcile(timeoutMs = 60_000) {
    await quiescence(this.api, timeoutMs);
    const ledgers = {
      acknowledged: /** @type {any[]} */ (readLines(path.join(this.dir, 'acknowledged'))),
      received: readReceived(path.join(this.dir, 'received')),
      platform: await platformLedger(this.api),
      endpoints: this.endpoints,
      kills: [...this.kills, ...(await this.receivers.ask('killedAt'))],
    };
    const findings = reconcile(ledgers);
    findings.assertZero();
    return { findings, ledgers, line: summary(findings, ledgers) };
  }

  /** Adds the last words of a server that ended by itself. @param {unknown} error */
  #withOutput(error) {
    const { child, output } = this.#server ?? {};
    if (!(error instanceof Error) || typeof child?.exitCode !== 'number' || child.exitCode === 0)
      return error;
    error.message += `\nthe server ended with code ${child.exitCode}:\n${output?.slice(-1500)}`;
    return error;
  }

  async #close() {
    if (this.#server?.alive) await this.#server.kill();
    for (const helper of this.#helpers) await helper.stop();
    removeDir(this.dir);
  }

  /** @param {URL} file */
  #helper(file) {
    const helper = forkHelper(file);
    this.#helpers.push(helper);
    return helper;
  }
}

/**
 * How long the health check takes while something else happens: the product's event loop, seen from
 * outside, on a connection that nothing else waits for.
 * @param {import('./api.js').Api} api @param {Promise<unknown>} during
 */
export async function healthLatencies(api, during) {
  const own = new Api(api.origin, api.key);
  const latencies = [];
  let over = false;
  const end = () => {
    over = true;
  };
  void during.then(end, end);
  while (!over) {
    const started = performance.now();
    const { status } = await own.request('GET', '/healthz', { timeoutMs: 10_000 });
    expect(status === 200, `/healthz answered ${status}`);
    latencies.push(performance.now() - started);
    await sleep(10);
  }
  own.close();
  return latencies;
}
