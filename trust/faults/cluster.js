// @ts-check
/** F4, F14, F15, F18, F19: several nodes on one PostgreSQL, and what can befall either. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, waitFor } from '../lib/check.js';
import { Cluster } from '../lib/cluster.js';
import { Wire } from '../lib/cut-wire.js';

/** @typedef {import('../lib/check.js').Programme} Programme */

/** A node is given up after this long without a heartbeat; twice a third of it later others have its lanes. */
const LEASE_MS = 15_000;

/** @param {import('../lib/server.js').Helper[]} producers */
const stopAll = (producers) => Promise.all(producers.map((producer) => producer.ask('stop')));

/** @type {Programme} */
const exactlyOnce = {
  id: 'F18',
  title: 'three nodes, no fault: each delivery is sent once, by one of them',
  run: ({ ci }) =>
    Cluster.with({ nodes: 3 }, async (cluster) => {
      const producers = await cluster.produce({ pauseMs: 2, count: ci ? 150 : 1000 });
      await Promise.all(producers.map((producer) => producer.ask('done')));
      return (await cluster.reconcile()).line;
    }),
};

/** @type {Programme} */
const kills = {
  id: 'F1c',
  slow: true,
  title: 'nodes killed and joined at random: seven zeros',
  run: ({ ci }) =>
    Cluster.with({ nodes: 3 }, async (cluster) => {
      const [first, ...others] = cluster.nodes;
      const producers = await cluster.produce({ nodes: first ? [first] : [] });
      const rounds = ci ? 2 : 20;
      for (let round = 0; round < rounds; round++) {
        const victim = others[round % others.length];
        if (victim === undefined) break;
        await sleep(200 + Math.random() * 800);
        await cluster.kill(victim);
        others[round % others.length] = await cluster.join();
      }
      await sleep(1000);
      await stopAll(producers);
      return `${rounds} kills, ${(await cluster.reconcile()).line}`;
    }),
};

/** @type {Programme} */
const comeAndGo = {
  id: 'F41',
  slow: true,
  title: 'nodes leave in order and others join under load: nothing lost, nothing twice',
  run: ({ ci }) =>
    Cluster.with({ nodes: 2 }, async (cluster) => {
      const [first] = cluster.nodes;
      const producers = await cluster.produce({ nodes: first ? [first] : [] });
      const rounds = ci ? 2 : 8;
      for (let round = 0; round < rounds; round++) {
        const leaving = cluster.nodes.at(-1);
        await cluster.join();
        await sleep(500);
        const end = await leaving?.server.stop();
        expect(end?.code === 0, `a node that was stopped ended with ${end?.code} (${end?.signal})`);
        if (leaving) cluster.nodes.splice(cluster.nodes.indexOf(leaving), 1);
      }
      await stopAll(producers);
      return `${rounds} changes, ${(await cluster.reconcile()).line}`;
    }),
};

/** @type {Programme} */
const zombie = {
  id: 'F4',
  title: 'a node stopped past its lease and continued: what it says late changes nothing',
  slow: true,
  run: () =>
    Cluster.with({ nodes: 3 }, async (cluster) => {
      const [first, zombie] = cluster.nodes;
      const producers = await cluster.produce({ nodes: first ? [first] : [] });
      for (let round = 0; round < 2 && zombie; round++) {
        await sleep(2000);
        await cluster.during(async () => {
          zombie.server.signal('SIGSTOP');
          await sleep(LEASE_MS + 10_000);
          zombie.server.signal('SIGCONT');
          await sleep(1000);
        });
      }
      await stopAll(producers);
      return (await cluster.reconcile({ timeoutMs: 120_000 })).line;
    }),
};

/** @type {Programme} */
const restarts = {
  id: 'F14',
  slow: true,
  title:
    'the database restarted at once, again and again: 503 meanwhile, then on without a restart',
  run: ({ ci }) =>
    Cluster.with({ nodes: 3 }, async (cluster) => {
      const producers = await cluster.produce();
      const rounds = ci ? 3 : 20;
      /** @type {number[]} */
      const back = [];
      for (let round = 0; round < rounds; round++) {
        await sleep(ci ? 1500 : 3000);
        await cluster.during(() => cluster.postgres.crash());
        const ready = Date.now();
        const posted = () =>
          cluster.api
            .request('POST', '/events', { body: { type: 'none.a', data: 1 }, timeoutMs: 3000 })
            .then(({ status }) => {
              expect(status === 202 || status === 503, `a POST was answered ${status}`);
              return status === 202;
            });
        await waitFor('an accepted event', posted, { timeoutMs: 5000 });
        back.push(Date.now() - ready);
      }
      await sleep(1000);
      await stopAll(producers);
      const { line } = await cluster.reconcile({ lossy: true, timeoutMs: 120_000 });
      return `${rounds} restarts, accepted again after ${Math.max(...back)} ms at most, ${line}`;
    }),
};

/** @type {Programme} */
const split = {
  id: 'F19',
  title: 'a node cut off from the database past its lease: it stops, others take over',
  slow: true,
  run: async () => {
    /** @type {Wire | undefined} */
    let proxy;
    const urls = async (/** @type {import('../lib/postgres.js').Postgres} */ postgres) => {
      proxy = await Wire.open(postgres.port);
      return [postgres.url(), postgres.url(), postgres.url(proxy.port)];
    };
    return Cluster.with({ nodes: 3, urls }, async (cluster) => {
      const [first] = cluster.nodes;
      const producers = await cluster.produce({ nodes: first ? [first] : [] });
      await sleep(2000);
      await cluster.during(async () => {
        proxy?.cut();
        await sleep(45_000);
        proxy?.heal();
        await sleep(3000);
      });
      await stopAll(producers);
      const { line } = await cluster.reconcile({ timeoutMs: 120_000 });
      proxy?.close();
      return line;
    });
  },
};

/** @type {Programme} */
const failover = {
  id: 'F15',
  title: 'the primary killed, its synchronous standby promoted: nothing acknowledged is lost',
  slow: true,
  run: async () => {
    /** @type {Wire | undefined} */
    let proxy;
    const urls = async (/** @type {import('../lib/postgres.js').Postgres} */ postgres) => {
      proxy = await Wire.open(postgres.port);
      return Array(3).fill(postgres.url(proxy.port));
    };
    return Cluster.with({ nodes: 3, urls }, async (cluster) => {
      const standby = await cluster.postgres.standby();
      try {
        const producers = await cluster.produce();
        await sleep(4000);
        let outage = 0;
        await cluster.during(async () => {
          await cluster.postgres.down();
          const down = Date.now();
          await standby.promote();
          proxy?.reset(standby.port);
          await waitFor('an accepted event', async () => {
            const body = { type: 'none.a', data: 1 };
            const answer = await cluster.api
              .request('POST', '/events', { body, timeoutMs: 3000 })
              .catch(() => undefined);
            return answer?.status === 202;
          });
          outage = Date.now() - down;
        });
        await sleep(2000);
        await stopAll(producers);
        const { line } = await cluster.reconcile({ lossy: true, timeoutMs: 120_000 });
        expect(outage <= 15_000, `the outage lasted ${outage} ms`);
        return `outage ${outage} ms, ${line}`;
      } finally {
        proxy?.close();
        await standby.stop();
      }
    });
  },
};

/** @type {readonly Programme[]} */
export const programmes = [exactlyOnce, kills, comeAndGo, restarts, zombie, split, failover];
