// @ts-check
/** F16, F17, F40: a database that is slow, locked or gone in the middle of a commit; and moving into one. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '../lib/check.js';
import { Cluster } from '../lib/cluster.js';
import { Wire } from '../lib/cut-wire.js';
import { MAIN, MASTER_KEY, memoryMiB, resetPeak } from '../lib/server.js';

/** @typedef {import('../lib/check.js').Programme} Programme */
/** @typedef {import('../lib/postgres.js').Postgres} Postgres */

const stopAll = (/** @type {import('../lib/server.js').Helper[]} */ producers) =>
  Promise.all(producers.map((producer) => producer.ask('stop')));

/** A cluster whose nodes reach their database through a wire. @template T @param {number} nodes @param {(cluster: Cluster, wire: Wire) => Promise<T>} play */
async function wired(nodes, play) {
  /** @type {Wire | undefined} */
  let wire;
  const urls = async (/** @type {Postgres} */ postgres) => {
    wire = await Wire.open(postgres.port);
    return Array(nodes).fill(postgres.url(wire.port));
  };
  try {
    return await Cluster.with({ nodes, urls }, (cluster) =>
      play(cluster, /** @type {Wire} */ (wire)),
    );
  } finally {
    wire?.close();
  }
}

const MEMORY_MAX_MIB = 128;

/** @type {Programme} */
const slow = {
  id: 'F16',
  slow: true,
  title: 'a database that is slow, then locked: bounded memory, 202, 429 or 503, nothing lost',
  run: ({ ci }) =>
    wired(2, async (cluster, wire) => {
      const producers = await cluster.produce({ parallel: ci ? 10 : 40, pauseMs: 1 });
      await sleep(2000);
      const pids = cluster.nodes.map(({ server }) => server.pid);
      for (const pid of pids) resetPeak(pid);
      const before = pids.map((pid) => memoryMiB(pid).now);
      const lockS = ci ? 4 : 20;
      await cluster.during(async () => {
        wire.delay(500);
        await sleep(ci ? 4000 : 20_000);
        wire.delay(0);
        // Nobody can store an event, take a lane or log an attempt until it is over.
        const lock = `begin; lock table posthorn.event, posthorn.lane in access exclusive mode; select pg_sleep(${lockS}); commit`;
        await cluster.postgres.query(lock);
        await sleep(1000);
      });
      await stopAll(producers);
      const refused = await cluster.refusals(producers);
      const grown = pids.map((pid, i) => memoryMiB(pid).peak - (before[i] ?? 0));
      const { line } = await cluster.reconcile({ lossy: true, timeoutMs: 120_000 });
      const most = Math.max(...grown);
      expect(most <= MEMORY_MAX_MIB, `a node grew by ${most.toFixed(0)} MiB`);
      return `grew by ${most.toFixed(0)} MiB, ${refused} refused and sent again, ${line}`;
    }),
};

/** @type {Programme} */
const lostAnswer = {
  id: 'F17',
  slow: true,
  title: 'connections cut while commits are answered: the same key again is the same event',
  run: ({ ci }) =>
    wired(2, async (cluster, wire) => {
      const producers = await cluster.produce({ parallel: 6, pauseMs: 2 });
      await sleep(1500);
      const rounds = ci ? 5 : 40;
      for (let round = 0; round < rounds; round++) {
        // The server commits, and what it says of it gets no further.
        await cluster.during(async () => {
          wire.deaf();
          await sleep(20 + Math.random() * 60);
          wire.reset();
        });
        await sleep(300 + Math.random() * 300);
      }
      await stopAll(producers);
      const { line } = await cluster.reconcile({ lossy: true, timeoutMs: 120_000 });
      return `${rounds} cuts, ${line}`;
    }),
};

/** @param {string} from @param {string} to */
function migrate(from, to) {
  const child = spawn(
    process.execPath,
    [MAIN, 'migrate', '--from', `sqlite:${from}`, '--to', to, '--json'],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, POSTHORN_MASTER_KEY: MASTER_KEY } },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output = (output + text).slice(-20_000);
    });
  }
  return { child, exited: once(child, 'exit'), said: () => output };
}

/** @type {Programme} */
const moving = {
  id: 'F40',
  slow: true,
  title: 'a store with a backlog moved to PostgreSQL, killed again and again: seven zeros',
  run: ({ ci }) =>
    Cluster.with({ nodes: 0 }, async (cluster) => {
      const alone = await cluster.join(null);
      await cluster.subscribe();
      const count = ci ? 400 : 8000;
      const producers = await cluster.produce({ parallel: 8, pauseMs: 0, count });
      await Promise.all(producers.map((producer) => producer.ask('done')));
      cluster.faults.push(Date.now());
      await alone.server.stop();
      cluster.nodes = [];
      const to = cluster.postgres.url();
      let kills = 0;
      const rounds = ci ? 3 : 20;
      for (;;) {
        const { child, exited, said } = migrate(alone.dataDir, to);
        const patience = kills < rounds ? 250 + Math.random() * (ci ? 700 : 1500) : 300_000;
        const timer = setTimeout(() => child.kill('SIGKILL'), patience);
        const [code] = await exited;
        clearTimeout(timer);
        if (code === 0) break;
        expect(code === null, `migrate ended with ${code}: ${said().slice(-500)}`);
        kills += 1;
      }
      await cluster.join(to);
      await cluster.join(to);
      const more = await cluster.produce({ count: 50 });
      await Promise.all(more.map((producer) => producer.ask('done')));
      const { line } = await cluster.reconcile({ timeoutMs: 180_000 });
      return `${kills} kills, ${line}`;
    }),
};

/** @type {readonly Programme[]} */
export const programmes = [slow, lostAnswer, moving];
