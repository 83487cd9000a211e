// @ts-check
/** Several nodes on one PostgreSQL, receivers, producers at every node; and the three ledgers at the end. */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from './check.js';
import { Postgres } from './postgres.js';
import {
  platformLedger,
  quiescence,
  readLines,
  readReceived,
  reconcile,
  summary,
} from './reconcile.js';
import { ADMIN_KEY, forkHelper, removeDir, spawnServer, tempDir } from './server.js';

const PRODUCER = new URL('./producer.js', import.meta.url);
const RECEIVER = new URL('./receiver.js', import.meta.url);
const TYPES = ['cluster.a', 'cluster.b', 'cluster.c', 'cluster.d'];
/** Deliveries must outlive all faults, so that nothing ends as failed and hides a loss. */
const PATIENT = { retryPolicy: { schedule: Array(60).fill(1), jitter: 0.2 } };
const TICK_MS = 200;

/** @typedef {{ server: import('./server.js').Server, url: string | null, index: number, dataDir: string }} Node */

export class Cluster {
  dir = tempDir('posthorn-cluster');
  /** @type {Node[]} */
  nodes = [];
  /** @type {import('./reconcile.js').Endpoint[]} */
  endpoints = [];
  /** Moments at which something was cut off. @type {number[]} */
  faults = [];
  /** @type {import('./server.js').Helper[]} */
  helpers = [];
  #count = 0;

  /** @param {Postgres} postgres @param {Record<string, string>} env of every node */
  constructor(postgres, env) {
    this.postgres = postgres;
    this.env = env;
  }

  /**
   * @template T @param {{ nodes: number, urls?: (postgres: Postgres) => Promise<string[]>, env?: Record<string, string> }} options
   * @param {(cluster: Cluster) => Promise<T>} play
   */
  static async with({ nodes, urls, env = {} }, play) {
    const cluster = new Cluster(await Postgres.start(), env);
    try {
      const receiver = cluster.#helper(RECEIVER);
      const port = await receiver.ask('listen', { ledger: path.join(cluster.dir, 'received') });
      cluster.receiverPort = port;
      const all = urls ? await urls(cluster.postgres) : [];
      for (let i = 0; i < nodes; i++) await cluster.join(all[i]);
      if (nodes > 0) await cluster.subscribe();
      return await play(cluster);
    } finally {
      await cluster.#close();
    }
  }

  receiverPort = 0;

  get api() {
    const node = this.nodes.find(({ server }) => server.alive);
    if (node === undefined) throw new Error('no node is alive');
    return node.server.api;
  }

  /** Another node; its place in the list is its number. null = with a store of its own. @param {string | null} [url] */
  async join(url = this.postgres.url()) {
    const index = this.#count++;
    const dataDir = path.join(this.dir, `node-${index}`);
    const shared = url === null ? {} : { DATABASE_URL: url };
    const env = { ...this.env, ...shared, POSTHORN_LOG_LEVEL: 'warn' };
    const server = await spawnServer({ dataDir, env });
    await server.ready(60_000);
    const node = { server, url, index, dataDir };
    this.nodes.push(node);
    return node;
  }

  /** Twelve receivers: quick, slow, and those that fail the first time. */
  async subscribe() {
    const kinds = ['/ok', '/slow/30', '/flaky', '/ok'];
    for (let i = 0; i < 12; i++) {
      const types = [/** @type {string} */ (TYPES[i % TYPES.length])];
      const receiverPath = `${kinds[i % kinds.length]}/${i}`;
      const url = `http://127.0.0.1:${this.receiverPort}${receiverPath}`;
      const { id, secret } = await this.api.endpoint(url, types, PATIENT);
      this.endpoints.push({ id, secret, path: receiverPath, types });
    }
  }

  /** Producers at each of the nodes. @param {{ parallel?: number, pauseMs?: number, count?: number, nodes?: Node[] }} [orders] */
  async produce({ parallel = 3, pauseMs = 15, count, nodes = this.nodes } = {}) {
    const producers = [];
    for (const { server } of nodes) {
      const producer = this.#helper(PRODUCER);
      const ledger = path.join(this.dir, `acknowledged-${this.helpers.length}`);
      const orders = {
        origin: server.origin,
        key: ADMIN_KEY,
        ledger,
        types: TYPES,
        parallel,
        pauseMs,
      };
      await producer.ask('start', count === undefined ? orders : { ...orders, count });
      this.ledgers.push(ledger);
      producers.push(producer);
    }
    return producers;
  }

  /** @type {string[]} */
  ledgers = [];

  /** How often producers were told to come again. @param {import('./server.js').Helper[]} producers */
  async refusals(producers) {
    const counts = await Promise.all(producers.map((producer) => producer.ask('count')));
    return counts.reduce((sum, { refused }) => sum + refused, 0);
  }

  /** What happens while it lasts explains what is sent twice. @template T @param {() => Promise<T>} body */
  async during(body) {
    let over = false;
    const ticking = (async () => {
      while (!over) {
        this.faults.push(Date.now());
        await sleep(TICK_MS);
      }
    })();
    try {
      return await body();
    } finally {
      over = true;
      await ticking;
      this.faults.push(Date.now());
    }
  }

  /** @param {Node} node */
  async kill(node) {
    this.faults.push(await node.server.kill());
    this.nodes.splice(this.nodes.indexOf(node), 1);
  }

  /** All quiet, then the seven zeros. @param {{ timeoutMs?: number, lossy?: boolean }} [options] */
  async reconcile({ timeoutMs = 90_000, lossy = false } = {}) {
    await waitFor(
      'an answer',
      () =>
        this.api.get('/deliveries?limit=1').then(
          () => true,
          () => false,
        ),
      {
        timeoutMs: 30_000,
      },
    );
    await quiescence(this.api, timeoutMs);
    const ledgers = {
      acknowledged: /** @type {any[]} */ (this.ledgers.flatMap((file) => readLines(file))),
      received: readReceived(path.join(this.dir, 'received')),
      platform: await platformLedger(this.api),
      endpoints: this.endpoints,
      kills: this.faults,
      lossy,
    };
    const findings = reconcile(ledgers);
    findings.assertZero();
    return { findings, ledgers, line: summary(findings, ledgers) };
  }

  /** @param {URL} file */
  #helper(file) {
    const helper = forkHelper(file);
    this.helpers.push(helper);
    return helper;
  }

  async #close() {
    for (const helper of this.helpers) await helper.stop();
    for (const { server } of this.nodes) if (server.alive) await server.kill();
    await this.postgres.stop();
    removeDir(this.dir);
  }
}
