// @ts-check
/** F14s: one of the databases that a store is divided over goes down, again and again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, waitFor } from '../lib/check.js';
import { Cluster } from '../lib/cluster.js';
import { Postgres } from '../lib/postgres.js';

/** @typedef {import('../lib/check.js').Programme} Programme */

/** Lives in the first of two; `default`, whose events are in the ledgers, in the second. */
const NEIGHBOUR = '/api/v1/tenants/other';
const PATIENCE_MS = 2000;

/** Posts for the other tenant until it is stopped. @param {Cluster} cluster */
async function neighbour(cluster) {
  await cluster.api.request('PUT', NEIGHBOUR, { body: { name: 'Other' } });
  let [running, posted, longestMs] = [true, 0, 0];
  const loop = (async () => {
    while (running) {
      const at = Date.now();
      const body = { type: 'none.a', data: posted };
      const { status } = await cluster.api.request('POST', `${NEIGHBOUR}/events`, { body });
      expect(status === 202, `an event of the other tenant was answered ${status}`);
      longestMs = Math.max(longestMs, Date.now() - at);
      posted += 1;
      await sleep(20);
    }
  })();
  return async () => {
    running = false;
    await loop;
    return { posted, longestMs };
  };
}

/** @type {Programme} */
const oneDown = {
  id: 'F14s',
  slow: true,
  title:
    'one of two databases restarted at once, again and again: the tenants of the other notice nothing',
  run: async ({ ci }) => {
    const second = await Postgres.start();
    try {
      const env = { POSTHORN_SHARDS: second.url() };
      return await Cluster.with({ nodes: 2, env }, async (cluster) => {
        const producers = await cluster.produce();
        const stop = await neighbour(cluster);
        const rounds = ci ? 3 : 20;
        for (let round = 0; round < rounds; round++) {
          await sleep(1500);
          await cluster.during(async () => {
            await second.down();
            await sleep(1000);
            await second.up();
          });
          const posted = () =>
            cluster.api
              .request('POST', '/events', { body: { type: 'none.a', data: 1 }, timeoutMs: 3000 })
              .then(({ status }) => status === 202);
          await waitFor('an accepted event', posted, { timeoutMs: 5000 });
        }
        const { posted, longestMs } = await stop();
        await Promise.all(producers.map((producer) => producer.ask('stop')));
        const { line } = await cluster.reconcile({ lossy: true, timeoutMs: 120_000 });
        expect(longestMs <= PATIENCE_MS, `the other tenant waited for ${longestMs} ms`);
        return `${rounds} restarts, ${posted} of the other tenant in ${longestMs} ms at most, ${line}`;
      });
    } finally {
      await second.stop();
    }
  },
};

/** @type {readonly Programme[]} */
export const programmes = [oneDown];
