// @ts-check
/**
 * Looking things up in a long log while events come in: lists by type, state, time and words, and what
 * statistics cost when there is ten times the history. `SEARCH_ATTEMPTS=100000` makes it shorter.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { quantile } from '../trust/lib/check.js';
import { ADMIN_KEY, cpuMicros } from '../trust/lib/server.js';
import { BODY_BYTES, spread, World } from './world.js';

/** @typedef {import('../trust/lib/api.js').Api} Api @typedef {import('./scenarios.js').Line} Line @typedef {import('./scenarios.js').Target} Target */
/** @typedef {Awaited<ReturnType<World['product']>>} Product */

const TYPES = 20;
/** Endpoints of each type. */
const FAN_OUT = 2;
const BATCH = 500;
/** One event in so many is `bench.rare`, and has the word `kumquat`. */
const RARE_EVERY = 5000;
const VOCABULARY = 20_000;
/** While queries run. */
const EVENTS_PER_S = 500;
const ROUNDS = 30;
const STATS_READS = 200;
/** Pages until something is shown, or the end. */
const PAGES_MAX = 50;

/** @param {import('./scenarios.js').Size} size @returns {Promise<import('./scenarios.js').Report>} */
export function search(size) {
  const attempts = Number(
    process.env['SEARCH_ATTEMPTS'] ?? (size.rounds < 5 ? 100_000 : 1_000_000),
  );
  return World.with(1, async (world) => {
    const product = await world.product();
    const { api } = product.server;
    const endpoints = await world.endpoints(api, {
      count: TYPES * FAN_OUT,
      typeOf: (i) => typeOf(i % TYPES),
      pathOf: (i) => `/flaky/${i}`,
      more: { maxConcurrency: 64, retryPolicy: { attempts: 1 } },
    });
    await world.endpoints(api, { count: 1, typeOf: () => 'bench.rare' });
    const started = Date.now();
    const tenth = await grow(product, { from: 0, attempts: attempts / 10 });
    const short = await readStats(product, endpoints);
    await grow(product, { from: tenth, attempts });
    const built = (Date.now() - started) / 1000;
    const long = await readStats(product, endpoints);
    const times = await queried(world, { product, endpoints, from: started });
    return reportOf({ attempts, built, short, long, times });
  });
}

/** @param {number} i */
const typeOf = (i) => `bench.${String(i).padStart(5, '0')}`;

/** Stores events until there are so many attempts, counted and readable by words. @param {Product} product @param {{ from: number, attempts: number }} range @returns {Promise<number>} events in all */
async function grow({ server: { api } }, { from, attempts }) {
  const events = Math.ceil(attempts / FAN_OUT);
  let next = from;
  const worker = async () => {
    while (next < events) {
      const first = next;
      next += BATCH;
      const raw = JSON.stringify(Array.from({ length: BATCH }, (_, i) => event(first + i)));
      for (;;) {
        const { status, text } = await api.request('POST', '/events', { raw });
        if (status === 202) break;
        if (status !== 429 && status !== 503) throw new Error(`answered ${status}: ${text}`);
        await sleep(20);
      }
    }
  };
  await Promise.all(Array.from({ length: 4 }, worker));
  for (;;) {
    const { countedTo, pending } = await api.get('/stats?window=24h');
    const { searchedTo } = await api.get('/events?q=nosuchword&limit=1');
    if (pending === 0 && countedTo === null && searchedTo === null) return next;
    await sleep(200);
  }
}

/** About 900 bytes: an order with words of a vocabulary, few of them often. @param {number} n */
function event(n) {
  const random = randomFrom(n);
  const word = () => `w${Math.floor(VOCABULARY * random() ** 3)}`;
  const rare = n % RARE_EVERY === RARE_EVERY - 1;
  const words = Array.from({ length: 90 }, word).join(' ');
  const data = {
    order: `ord${n}`,
    customer: { id: `cust${n % 5000}`, mail: `c${n % 5000}@example.com`, city: `city${n % 100}` },
    total: Math.floor(random() * 1e5) / 100,
    note: rare ? `kumquat ${words}` : words,
  };
  return { type: rare ? 'bench.rare' : typeOf(n % TYPES), subject: `s/${n % 10_000}`, data };
}

/** The same numbers for the same seed (mulberry32). @param {number} seed */
function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Median time and CPU of one read, in ms. @param {Product} product @param {readonly string[]} endpoints */
async function readStats({ server: { api }, pid }, endpoints) {
  const paths = [
    '/stats?window=24h',
    `/endpoints/${endpoints[0]}/stats?window=30d`,
    '/endpoint-stats?window=24h',
  ];
  for (const path of paths) await api.get(path);
  const times = [];
  const before = cpuMicros(pid);
  for (let i = 0; i < STATS_READS; i++) {
    const path = /** @type {string} */ (paths[i % paths.length]);
    times.push((await timed(() => api.get(path))).ms);
  }
  return { ms: quantile(times, 0.5), cpuMs: (cpuMicros(pid) - before) / 1000 / STATS_READS };
}

/** @template T @param {() => Promise<T>} act */
async function timed(act) {
  const started = performance.now();
  const value = await act();
  return { value, ms: performance.now() - started };
}

/** What people look for; `r` is a number that differs each time. @param {readonly string[]} endpoints @param {number} from when the log begins @returns {Record<string, (r: number) => string>} */
function queries(endpoints, from) {
  const span = Date.now() - from;
  const window = (/** @type {number} */ r) => {
    const at = from + ((r * 7919) % 97) * (span / 100);
    const time = (/** @type {number} */ ms) => new Date(ms).toISOString();
    return `from=${time(at)}&to=${time(at + span / 50)}`;
  };
  const endpoint = (/** @type {number} */ r) => endpoints[r % endpoints.length];
  return {
    'a type': (r) => `/attempts?type=${typeOf(r % TYPES)}`,
    'a rare type': () => '/deliveries?type=bench.rare',
    'a type pattern': () => '/events?type=bench.r*',
    'a state': () => '/deliveries?state=failed',
    'a status': () => '/attempts?status=5xx',
    'state and type': (r) => `/attempts?state=failed&type=${typeOf(r % TYPES)}`,
    'state and endpoint': (r) => `/deliveries?state=failed&endpoint=${endpoint(r)}`,
    'a time': (r) => `/attempts?${window(r)}`,
    'time, type, state': (r) => `/attempts?type=${typeOf(r % TYPES)}&state=failed&${window(r)}`,
    'a subject': (r) => `/events?subject=s/${(r * 7919) % 10_000}`,
    'a word that one event has': (r) => `/events?q=ord${(r * 7919) % 40_000}`,
    'a rare word': () => '/deliveries?q=kumquat',
    'a word that all have': () => '/attempts?q=example',
    'two words': (r) => `/events?q=cust${(r * 31) % 5000}+w${r % 500}`,
    'a beginning of words': (r) => `/events?q=cust${100 + (r % 400)}*`,
    'words, never together': () => '/events?q=city1+city2',
    'words of failed answers': () => '/deliveries?q=maintenance&state=failed',
    'words, type and time': (r) =>
      `/events?q=city${r % 100}&type=${typeOf(r % TYPES)}&${window(r)}`,
    'words and status': (r) => `/attempts?q=city${r % 100}&status=5xx`,
    'a word that nothing has': (r) => `/attempts?q=nosuchword${r}`,
  };
}

/** @param {World} world @param {{ product: Product, endpoints: readonly string[], from: number }} of */
async function queried(world, { product, endpoints, from }) {
  const { api } = product.server;
  const asked = queries(endpoints, from);
  let over = false;
  const orders = { key: ADMIN_KEY, type: 'bench.#', types: TYPES, bodyBytes: BODY_BYTES };
  const ingest = async () => {
    while (!over) {
      const sent = await world.load.ask('run', {
        ...orders,
        port: product.port,
        connections: 16,
        seconds: 2,
        rate: EVENTS_PER_S,
      });
      if (sent.accepted === 0 || sent.refused > 0) throw new Error(JSON.stringify(sent));
    }
  };
  const running = ingest();
  /** @type {Record<string, { ms: number, items: number }[]>} */
  const times = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, pathOf] of Object.entries(asked)) {
      const { value: items, ms } = await timed(() => firstPage(api, pathOf(round)));
      if (times[name] === undefined) times[name] = [];
      times[name].push({ ms, items });
      await sleep(5);
    }
  }
  over = true;
  await running;
  return times;
}

/** Pages until one has something to show, or the list ends; how much that is. @param {Api} api @param {string} path */
async function firstPage(api, path) {
  let cursor = '';
  for (let page = 0; page < PAGES_MAX; page++) {
    const { items, next } = await api.get(path + cursor);
    if (items.length > 0 || next === null) return items.length;
    cursor = `&cursor=${encodeURIComponent(next)}`;
  }
  throw new Error(`${path} shows nothing in ${PAGES_MAX} pages`);
}

/**
 * @typedef {Awaited<ReturnType<typeof readStats>>} StatsCost
 * @param {{ attempts: number, built: number, short: StatsCost, long: StatsCost, times: Record<string, { ms: number, items: number }[]> }} measured
 * @returns {import('./scenarios.js').Report}
 */
function reportOf({ attempts, built, short, long, times }) {
  const all = Object.values(times).flatMap((some) => some.map(({ ms }) => ms));
  const p95 = quantile(all, 0.95);
  const worst = Math.max(...Object.values(times).map((some) => p95Of(some)));
  const ratio = long.ms / short.ms;
  const empty = new Set(
    Object.entries(times)
      .filter(
        ([name, some]) => some.every(({ items }) => items === 0) && !/nothing|never/.test(name),
      )
      .map(([name]) => name),
  );
  /** @type {Line[]} */
  const lines = Object.entries(times).map(([name, some]) => ({
    name,
    unit: 'ms',
    value: { ...spread(some.map(({ ms }) => ms)), max: p95Of(some) },
  }));
  const once = (/** @type {number} */ value) => ({ min: value, median: value, max: value });
  lines.unshift({ name: `${attempts} attempts: sent and indexed`, unit: 's', value: once(built) });
  lines.push(
    { name: 'all of them, while events come in', unit: 'ms', value: { ...spread(all), max: p95 } },
    { name: 'statistics, a tenth of the history', unit: 'ms', value: once(short.ms) },
    { name: 'statistics, all of it', unit: 'ms', value: once(long.ms) },
    { name: 'CPU per read, a tenth', unit: 'ms', value: once(short.cpuMs) },
    { name: 'CPU per read, all', unit: 'ms', value: once(long.cpuMs) },
  );
  return {
    lines,
    targets: [
      { name: 'p95 of all ≤ 200 ms', met: p95 <= 200, said: `${p95.toFixed(1)} ms` },
      { name: 'p95 of each ≤ 200 ms', met: worst <= 200, said: `${worst.toFixed(1)} ms` },
      {
        name: 'statistics ≤ 1.5 × with ten times the history',
        met: ratio <= 1.5,
        said: `${ratio.toFixed(2)} ×`,
      },
      { name: 'each finds something', met: empty.size === 0, said: [...empty].join(', ') || 'yes' },
    ],
  };
}

/** @param {readonly { ms: number }[]} some */
function p95Of(some) {
  return quantile(
    some.map(({ ms }) => ms),
    0.95,
  );
}
