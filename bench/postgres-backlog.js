// @ts-check
/** What lies in the store must not slow what is due: millions of pending retries, and a dead endpoint. */
import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Postgres } from '../trust/lib/postgres.js';
import { MASTER_KEY } from '../trust/lib/server.js';
import { BODY_BYTES, spread, World } from './world.js';

/** @typedef {import('./scenarios.js').Report} Report @typedef {import('./scenarios.js').Size} Size */

const LANES = 200;
const BATCH = 20;
const TURNS = 200;
const HEALTHY = 200;
const DEAD_PENDING = 20_000;
const POST_EVENTS = 500;

const typeOf = (/** @type {number} */ i) => `bench.${String(i).padStart(5, '0')}`;

/** Retries that are due in an hour, in the lanes that are measured. @param {number} pending */
const RETRIES = (pending) => `
  insert into posthorn.delivery (slot, attempt, run, lane, due_at, event)
  select l.slot, 1, 0, l.id, extract(epoch from now())::bigint * 1000 + 3600000 + g, gen_random_uuid()
  from generate_series(1, ${Math.ceil(pending / LANES)}) g, posthorn.lane l`;

/**
 * Acquire with the fetch that follows it, and ingest of ${BATCH} events, as one node calls them, on a
 * table of open deliveries that is empty, and then full.
 * @param {Size} size @returns {Promise<Report>}
 */
export async function pending(size) {
  const count = Number(process.env.POSTHORN_BENCH_PENDING ?? size.pending);
  const database = await Postgres.start();
  try {
    await World.with(1, async (world) => {
      const { server } = await world.product({ env: { DATABASE_URL: database.url() } });
      await world.endpoints(server.api, { count: LANES, typeOf });
      await server.kill();
    });
    const probe = await openProbe(database);
    await probe.turns(TURNS);
    const empty = await probe.turns(TURNS);
    await database.query(RETRIES(count));
    await probe.turns(TURNS);
    const full = await probe.turns(TURNS);
    await probe.close();
    return compared({ empty, full, count });
  } finally {
    await database.stop();
  }
}

/** @param {{ empty: Turns, full: Turns, count: number }} of @returns {Report} */
function compared({ empty, full, count }) {
  const lines = /** @type {const} */ (['acquire', 'ingest']).flatMap((what) => [
    { name: `${what} p50, nothing pending`, unit: 'ms', value: spread(empty[what]) },
    {
      name: `${what} p50, ${count.toLocaleString('en')} pending`,
      unit: 'ms',
      value: spread(full[what]),
    },
  ]);
  const targets = /** @type {const} */ (['acquire', 'ingest']).map((what) => {
    const times = spread(full[what]).median / spread(empty[what]).median;
    const name = `${what} p50 beside ${count.toLocaleString('en')} pending < 2 times`;
    return { name, met: times < 2, said: `${times.toFixed(2)} times` };
  });
  return { lines, targets };
}

/** @typedef {{ acquire: number[], ingest: number[] }} Turns ms of each */

/** A node that is nothing but its calls on the store. @param {Postgres} database */
async function openProbe(database) {
  const built = (/** @type {string} */ path) =>
    import(new URL(`../packages/server/dist/${path}.js`, import.meta.url).href);
  const { openPostgres } = await built('store/postgres/open');
  const { createIdFactory } = await built('core/ids');
  const { slotOf } = await built('core/routing');
  const store = await openPostgres({ url: database.url(), masterKey: MASTER_KEY });
  const ids = createIdFactory(randomBytes);
  const slot = slotOf('default');
  const info = { name: 'probe', version: '0', roles: [] };
  const node = await store.lanes.join(info, 600_000, store.now());
  const version = Number(await database.query('select version from posthorn.head'));
  const numbers = await database.query('select number from posthorn.endpoint order by number');
  const lanes = numbers.split('\n').map((number) => Number(number) * 16);
  const data = Buffer.from(`{"pad":"${'x'.repeat(BODY_BYTES)}"}`);
  let next = 0;
  const event = () => {
    const now = store.now();
    const at = { occurredAt: now, createdAt: now };
    const to = { slot, tenant: 'default', lanes: [lanes[next++ % lanes.length]] };
    return { id: ids.event(slot, now), ...to, ...at, type: 'bench.00000', meta: '', data };
  };
  const turn = async () => {
    const events = Array.from({ length: BATCH }, event);
    const begun = performance.now();
    await store.lanes.ingest([{ events }], version, store.now());
    const stored = performance.now();
    const { lanes: taken } = await store.lanes.acquire(node, 256, store.now());
    const from = (/** @type {any} */ { slot, lane }) => ({
      slot,
      lane,
      after: undefined,
      limit: 32,
    });
    const due = await store.lanes.fetch(taken.map(from), store.now());
    const fetched = performance.now();
    const results = due.map((/** @type {any} */ key) => succeeded(key, store.now()));
    const release = taken.map((/** @type {any} */ { slot, lane }) => ({
      ...{ slot, lane, notBefore: 0, failingSince: 0, failures: 0 },
    }));
    await store.lanes.complete(node, { results, release }, store.now());
    if (due.length !== BATCH) throw new Error(`${due.length} of ${BATCH} came back`);
    return { ingest: stored - begun, acquire: fetched - stored };
  };
  return {
    /** @param {number} count @returns {Promise<Turns>} */
    async turns(count) {
      const took = { acquire: /** @type {number[]} */ ([]), ingest: /** @type {number[]} */ ([]) };
      for (let i = 0; i < count; i++) {
        const { acquire, ingest } = await turn();
        took.acquire.push(acquire);
        took.ingest.push(ingest);
      }
      return took;
    },
    close: () => store.close(),
  };
}

const EMPTY = new Uint8Array();
const TIMINGS = { dnsMs: 0, connectMs: 0, tlsMs: 0, firstByteMs: 1, totalMs: 1 };

/** What a receiver that answers 200 leaves. @param {any} key @param {number} now */
function succeeded(key, now) {
  const attempt = {
    ...{ tenant: 'default', type: 'bench.00000', endpoint: '', n: 1, startedAt: now },
    ...{ timings: TIMINGS, status: 200, fault: undefined, detail: '', remoteAddress: '127.0.0.1' },
    ...{ method: 'POST', url: 'http://127.0.0.1/', requestHead: EMPTY, body: { kind: 'same' } },
    ...{ responseHead: EMPTY, responseBody: EMPTY, responseTruncated: false },
    ...{ secretHeads: false, afterCrash: false },
  };
  return { key, attempt, next: { kind: 'succeeded' }, disable: undefined, notices: undefined };
}

/**
 * 200 events a second to 200 endpoints that answer, alone, and beside one that never does and is owed
 * 20,000.
 * @param {Size} size @returns {Promise<Report>}
 */
export async function dead(size) {
  const database = await Postgres.start();
  try {
    return await World.with(20, async (world) => {
      const product = await world.product({ env: { DATABASE_URL: database.url() } });
      const { api } = product.server;
      await world.endpoints(api, { count: HEALTHY, typeOf });
      await world.endpoints(api, { count: 1, typeOf: () => 'dead', pathOf: () => '/hang' });
      const plan = { type: 'bench.#', types: HEALTHY, seconds: size.seconds, rate: HEALTHY };
      await world.round(product, plan);
      const alone = [];
      for (let i = 0; i < size.rounds; i++) alone.push(await world.round(product, plan));
      const some = Array.from({ length: POST_EVENTS }, () => DEAD_EVENT);
      for (let sent = 0; sent < DEAD_PENDING; sent += POST_EVENTS) await api.post('/events', some);
      const owed = Number(await database.query('select count(*) from posthorn.delivery'));
      await sleep(1000);
      const beside = [];
      for (let i = 0; i < size.rounds; i++) beside.push(await world.round(product, plan));
      return judged({ alone, beside, owed });
    });
  } finally {
    await database.stop();
  }
}

const DEAD_EVENT = { type: 'dead', data: { pad: 'x'.repeat(BODY_BYTES) } };

/** @param {{ alone: any[], beside: any[], owed: number }} of @returns {Report} */
function judged({ alone, beside, owed }) {
  const of = (/** @type {any[]} */ runs, /** @type {string} */ what) =>
    spread(runs.map((run) => run[what]));
  const p99 = of(beside, 'p99').median;
  const missing = [...alone, ...beside].reduce((sum, run) => sum + run.missing, 0);
  return {
    lines: ['p50', 'p99'].flatMap((what) => [
      { name: `200 healthy ones, ${what}`, unit: 'ms', value: of(alone, what) },
      { name: `the same beside a dead one, ${what}`, unit: 'ms', value: of(beside, what) },
    ]),
    targets: [
      { name: 'p99 beside a dead one ≤ 250 ms', met: p99 <= 250, said: `${p99.toFixed(1)} ms` },
      {
        name: `nothing missing, ${DEAD_PENDING.toLocaleString('en')} owed to the dead one`,
        met: missing === 0 && owed >= DEAD_PENDING - 100,
        said: `${missing} missing, ${owed.toLocaleString('en')} owed`,
      },
    ],
  };
}
