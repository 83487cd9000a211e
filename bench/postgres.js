// @ts-check
/** The same programme on one PostgreSQL with 1, 2 and 4 nodes: speed, delay, and what the database spends on it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Postgres } from '../trust/lib/postgres.js';
import { ADMIN_KEY, cpuMicros, forkHelper } from '../trust/lib/server.js';
import { dead, pending } from './postgres-backlog.js';
import { BODY_BYTES, CONNECTIONS, spread, World } from './world.js';

const LOAD = new URL('./load.js', import.meta.url);
const NODES = [1, 2, 4];
const TYPES = 10;
/** Everything that can arrive has, when nothing new came for this long. */
const STALL_MS = 5000;
const SETTINGS = { shared_preload_libraries: 'pg_stat_statements' };

/** @typedef {{ pid: number, port: number }} Node @typedef {import('../trust/lib/server.js').Helper} Helper */

/** @param {import('./scenarios.js').Size} size @returns {Promise<import('./scenarios.js').Report>} */
export async function postgres(size) {
  /** @type {import('./scenarios.js').Report} */
  const report = { lines: [], targets: [] };
  for (const count of NODES) {
    const runs = await measured(count, size);
    const add = (
      /** @type {string} */ what,
      /** @type {string} */ unit,
      /** @type {(run: Run) => number} */ pick,
    ) => report.lines.push({ name: `${count} × ${what}`, unit, value: spread(runs.map(pick)) });
    add('accepted', 'events/s', (run) => run.acceptedPerS);
    add('delivered', '/s', (run) => run.deliveriesPerS);
    add('nodes’ CPU per event', 'µs', (run) => run.nodeCpu);
    add('PostgreSQL’s CPU per event', 'µs', (run) => run.databaseCpu);
    add('statements per event', '', (run) => run.statements);
    add('delay p50', 'ms', (run) => run.p50);
    add('delay p99', 'ms', (run) => run.p99);
    const missing = runs.reduce((sum, run) => sum + run.missing, 0);
    const wrong = runs.reduce((sum, run) => sum + run.refused + run.bad, 0);
    report.targets.push({
      name: `${count} × nothing missing, refused or badly signed`,
      met: missing === 0 && wrong === 0,
      said: `${missing} missing, ${wrong} refused or badly signed`,
    });
  }
  for (const part of [await pending(size), await dead(size)]) {
    report.lines.push(...part.lines);
    report.targets.push(...part.targets);
  }
  return report;
}

/** @param {number} count @param {import('./scenarios.js').Size} size */
async function measured(count, size) {
  const database = await Postgres.start(SETTINGS);
  /** @type {Helper[]} */
  const loads = [];
  try {
    await database.query('CREATE EXTENSION pg_stat_statements');
    return await World.with(1, async (world) => {
      const nodes = [];
      for (let i = 0; i < count; i++) {
        nodes.push(await world.product({ env: { DATABASE_URL: database.url() } }));
        loads.push(forkHelper(LOAD));
      }
      const [first] = nodes;
      if (first === undefined) throw new Error('no node');
      const typeOf = (/** @type {number} */ i) => `bench.${String(i).padStart(5, '0')}`;
      const more = { maxConcurrency: 64 };
      await world.endpoints(first.server.api, { count: TYPES, typeOf, more });
      // Every node takes its share of the lanes, and plans are made.
      await sleep(3000);
      const play = (/** @type {number} */ seconds) =>
        round({ world, database, nodes, loads, seconds });
      await play(1.5);
      const runs = [];
      for (let i = 0; i < size.rounds; i++) runs.push(await play(size.seconds));
      return runs;
    });
  } finally {
    for (const load of loads) await load.stop();
    await database.stop();
  }
}

/** @typedef {Awaited<ReturnType<typeof round>>} Run */

/** @param {{ world: World, database: Postgres, nodes: Node[], loads: Helper[], seconds: number }} given */
async function round({ world, database, nodes, loads, seconds }) {
  await world.receiver.ask('reset');
  const sum = (/** @type {number[]} */ pids) =>
    pids.reduce((total, pid) => total + cpuMicros(pid), 0);
  const before = {
    nodes: sum(nodes.map(({ pid }) => pid)),
    database: usage(database),
    calls: await calls(database),
  };
  const orders = { key: ADMIN_KEY, type: 'bench.#', types: TYPES, bodyBytes: BODY_BYTES, seconds };
  const connections = CONNECTIONS / nodes.length;
  const sent = await Promise.all(
    nodes.map(({ port }, i) => loads[i]?.ask('run', { ...orders, port, connections })),
  );
  const total = (/** @type {string} */ name) => sent.reduce((all, one) => all + one[name], 0);
  const accepted = total('accepted');
  if (accepted === 0) throw new Error(`nothing was accepted: ${JSON.stringify(sent)}`);
  const seen = await arrived(world, accepted);
  const startedAt = Math.min(...sent.map((one) => one.startedAt));
  const endedAt = Math.max(...sent.map((one) => one.endedAt));
  return {
    acceptedPerS: accepted / ((endedAt - startedAt) / 1000),
    deliveriesPerS: seen.count / ((seen.lastAt - startedAt) / 1000),
    nodeCpu: (sum(nodes.map(({ pid }) => pid)) - before.nodes) / accepted,
    databaseCpu: spent(before.database, usage(database)) / accepted,
    statements: ((await calls(database)) - before.calls) / accepted,
    p50: seen.p50,
    p99: seen.p99,
    refused: total('refused') + total('unanswered'),
    missing: accepted - seen.count,
    bad: seen.bad,
  };
}

/** CPU of each of its processes; vacuum workers come and go. @param {Postgres} database */
function usage(database) {
  /** @type {Map<number, number>} */
  const found = new Map();
  for (const pid of database.pids()) {
    try {
      found.set(pid, cpuMicros(pid));
    } catch {
      // It ended just now.
    }
  }
  return found;
}

/** @param {Map<number, number>} before @param {Map<number, number>} after */
const spent = (before, after) =>
  [...after].reduce((sum, [pid, micros]) => sum + micros - (before.get(pid) ?? 0), 0);

/** @param {Postgres} database */
const calls = async (database) =>
  Number(await database.query('SELECT sum(calls) FROM pg_stat_statements'));

/** @param {World} world @param {number} expected */
async function arrived(world, expected) {
  let seen = await world.receiver.ask('read');
  let progressAt = Date.now();
  while (seen.count < expected && Date.now() - progressAt < STALL_MS) {
    await sleep(50);
    const next = await world.receiver.ask('read');
    if (next.count > seen.count) progressAt = Date.now();
    seen = next;
  }
  // What the last deliveries still cost: their commit.
  await sleep(200);
  return world.receiver.ask('read');
}
