// @ts-check
/**
 * A producer in a process of its own. It posts with ids of its own and repeats the same bytes until
 * it has an answer, as a careful producer does; what was acknowledged goes into its ledger.
 */
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Api } from './api.js';
import { serveHelper } from './server.js';

const state = { running: false, acknowledged: 0, refused: 0 };
/** @type {Promise<void>[]} */
let loops = [];

/**
 * @typedef {object} Orders
 * @property {string} origin
 * @property {string} key
 * @property {string} ledger
 * @property {readonly string[]} types
 * @property {number} parallel
 * @property {number} pauseMs between two events of one loop
 * @property {number} [count] stop after so many acknowledged events
 */

/** @param {Orders} orders @param {number} lane */
async function produce(orders, lane) {
  const api = new Api(orders.origin, orders.key);
  const file = fs.openSync(orders.ledger, 'a');
  const nonce = randomBytes(4).toString('hex');
  for (
    let n = 0;
    state.running && state.acknowledged < (orders.count ?? Number.POSITIVE_INFINITY);
    n++
  ) {
    const type = /** @type {string} */ (
      orders.types[Math.floor(Math.random() * orders.types.length)]
    );
    // Spaces, an escape and a number that a parser would print differently: the bytes must survive.
    const data = `{"lane":${lane}, "n":${n},"text":"\\u00e9 ${randomBytes(20).toString('hex')}", "big":1.0e2}`;
    const id = `${nonce}-${lane}-${n}`;
    await postUntilAnswered(api, { id, type, data, file });
    await sleep(orders.pauseMs);
  }
  fs.closeSync(file);
  api.close();
}

/** @param {Api} api @param {{ id: string, type: string, data: string, file: number }} event */
async function postUntilAnswered(api, { id, type, data, file }) {
  const raw = `{"type":"${type}","id":"${id}","data":${data}}`;
  for (let tries = 1; state.running; tries++) {
    const answer = await api
      .request('POST', '/events', { raw, timeoutMs: 5000 })
      .catch(() => undefined);
    if (answer?.status === 202) {
      state.acknowledged++;
      const { id: event, duplicate, deliveries } = answer.json;
      const hash = createHash('sha256').update(data).digest('hex');
      fs.writeSync(
        file,
        `${JSON.stringify({ id, event, type, data, hash, tries, duplicate, deliveries, at: Date.now() })}\n`,
      );
      return;
    }
    if (answer !== undefined && answer.status < 500 && answer.status !== 429) {
      throw new Error(`POST /events answered ${answer.status}: ${answer.text.slice(0, 300)}`);
    }
    state.refused++;
    await sleep(20);
  }
}

serveHelper({
  /** @param {Orders} orders */
  start(orders) {
    state.running = true;
    loops = Array.from({ length: orders.parallel }, (_, lane) => produce(orders, lane));
    for (const loop of loops) loop.catch(() => {});
  },
  count: () => state,
  /** Resolves when every loop has ended, with what they counted; rejects with a loop's error. */
  async done() {
    await Promise.all(loops);
    return state;
  },
  async stop() {
    state.running = false;
    await Promise.all(loops);
    return state;
  },
});
