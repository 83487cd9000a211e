// @ts-check
/** What is measured, one function per scenario. Runs that are compared take turns inside one hour of one machine. */
import { setTimeout as sleep } from 'node:timers/promises';
import { diskBytes, memoryMiB } from '../trust/lib/server.js';
import { spread, World } from './world.js';

/**
 * @typedef {object} Size
 * @property {number} rounds
 * @property {number} seconds of one round
 * @property {readonly number[]} endpointCounts
 * @property {number} backlog
 * @property {number} pending retries that are not due (POSTHORN_BENCH_PENDING)
 *
 * @typedef {{ min: number, median: number, max: number }} Spread
 * @typedef {{ name: string, unit: string, value: Spread }} Line
 * @typedef {{ name: string, met: boolean, said: string }} Target
 * @typedef {{ lines: Line[], targets: Target[] }} Report
 */

const WIDE = { maxConcurrency: 64 };

/** @template T @param {readonly T[]} runs @param {(run: T) => number} pick */
const over = (runs, pick) => spread(runs.map(pick));

/** @param {string} name @param {string} unit @param {Spread} value @returns {Line} */
const line = (name, unit, value) => ({ name, unit, value });

/** @param {number} value @returns {Spread} */
const once = (value) => ({ min: value, median: value, max: value });

/** Nothing may be missing, refused or wrongly signed, or the speed is worth nothing. @param {readonly any[]} runs @returns {Target} */
function sound(runs) {
  const sum = (/** @type {string} */ name) => runs.reduce((total, run) => total + run[name], 0);
  const said = `${sum('missing')} missing, ${sum('refused')} refused, ${sum('badSignatures')} bad signatures`;
  return {
    name: 'nothing missing, refused or badly signed',
    met: /^0 .* 0 .* 0 /.test(said),
    said,
  };
}

/** @param {string} name @param {number} value @param {{ most?: number, least?: number, unit?: string }} bound @returns {Target} */
function target(
  name,
  value,
  { most = Number.POSITIVE_INFINITY, least = Number.NEGATIVE_INFINITY, unit = '' },
) {
  const bound = most === Number.POSITIVE_INFINITY ? `≥ ${least}` : `≤ ${most}`;
  return {
    name: `${name} ${bound}${unit}`,
    met: value <= most && value >= least,
    said: `${value.toFixed(2)}${unit}`,
  };
}

/** Product and limit in turns, then half load. @param {Size} size @returns {Promise<Report>} */
export function throughput(size) {
  return World.with(1, async (world) => {
    const product = await world.product();
    const limit = await world.limit();
    const typeOf = (/** @type {number} */ i) => `bench.${String(i).padStart(5, '0')}`;
    await world.endpoints(product.server.api, { count: 10, typeOf, more: WIDE });
    const plan = { type: 'bench.#', types: 10, seconds: size.seconds };
    for (const target of [product, limit]) await world.round(target, { ...plan, seconds: 1.5 });
    const diskBefore = diskBytes(product.dataDir);
    const runs = [];
    for (let i = 0; i < size.rounds; i++) {
      runs.push({ ours: await world.round(product, plan), theirs: await world.round(limit, plan) });
    }
    const delivered = runs.reduce((sum, { ours }) => sum + ours.deliveries, 0);
    const disk = (diskBytes(product.dataDir) - diskBefore) / delivered;
    const rate = Math.round(over(runs, ({ ours }) => ours.deliveriesPerS).median / 2);
    const half = [];
    for (let i = 0; i < size.rounds; i++) half.push(await world.round(product, { ...plan, rate }));
    return throughputReport({ runs, half, rate, disk });
  });
}

/**
 * @typedef {Awaited<ReturnType<World['round']>>} Round
 * @param {{ runs: { ours: Round, theirs: Round }[], half: Round[], rate: number, disk: number }} measured
 * @returns {Report}
 */
function throughputReport({ runs, half, rate, disk }) {
  const cpu = over(runs, ({ ours, theirs }) => ours.cpuMicros / theirs.cpuMicros);
  const speed = over(runs, ({ ours, theirs }) => ours.deliveriesPerS / theirs.deliveriesPerS);
  return {
    lines: [
      line(
        'accepted',
        'events/s',
        over(runs, ({ ours }) => ours.acceptedPerS),
      ),
      line(
        'delivered',
        '/s',
        over(runs, ({ ours }) => ours.deliveriesPerS),
      ),
      line(
        'limit delivers',
        '/s',
        over(runs, ({ theirs }) => theirs.deliveriesPerS),
      ),
      line(
        'CPU per delivery',
        'µs',
        over(runs, ({ ours }) => ours.cpuMicros),
      ),
      line(
        'limit’s CPU',
        'µs',
        over(runs, ({ theirs }) => theirs.cpuMicros),
      ),
      line('CPU / limit’s CPU', '×', cpu),
      line('deliveries / limit’s', '×', speed),
      line(
        'end to end p50 at saturation',
        'ms',
        over(runs, ({ ours }) => ours.p50),
      ),
      line(
        `end to end p50 at ${rate}/s`,
        'ms',
        over(half, ({ p50 }) => p50),
      ),
      line(
        `end to end p99 at ${rate}/s`,
        'ms',
        over(half, ({ p99 }) => p99),
      ),
      line(
        `202 p99 at ${rate}/s`,
        'ms',
        over(half, ({ acceptP99 }) => acceptP99),
      ),
      line(
        'memory',
        'MiB',
        over(runs, ({ ours }) => ours.rssMiB),
      ),
      line('disk per delivery', 'bytes', once(disk)),
    ],
    targets: [
      target('CPU per delivery', cpu.median, { most: 1.7, unit: ' × limit' }),
      target('deliveries/s', speed.median, { least: 0.6, unit: ' × limit' }),
      target('disk per delivery', disk / 1024, { most: 2.5, unit: ' KiB' }),
      sound([...runs.map(({ ours }) => ours), ...half]),
    ],
  };
}

/** One event to five endpoints. @param {Size} size @returns {Promise<Report>} */
export function fanout(size) {
  return World.with(1, async (world) => {
    const product = await world.product();
    await world.endpoints(product.server.api, {
      count: 50,
      typeOf: (i) => `bench.${String(i % 10).padStart(5, '0')}`,
      more: WIDE,
    });
    const plan = { type: 'bench.#', types: 10, fanOut: 5, seconds: size.seconds };
    await world.round(product, { ...plan, seconds: 1.5 });
    const runs = [];
    for (let i = 0; i < size.rounds; i++) runs.push(await world.round(product, plan));
    return {
      lines: [
        line(
          'accepted',
          'events/s',
          over(runs, ({ acceptedPerS }) => acceptedPerS),
        ),
        line(
          'delivered',
          '/s',
          over(runs, ({ deliveriesPerS }) => deliveriesPerS),
        ),
        line(
          'CPU per delivery',
          'µs',
          over(runs, ({ cpuMicros }) => cpuMicros),
        ),
        line(
          'memory',
          'MiB',
          over(runs, ({ rssMiB }) => rssMiB),
        ),
      ],
      targets: [sound(runs)],
    };
  });
}

/** 100 receivers, one of which hangs in every second run. @param {Size} size @returns {Promise<Report>} */
export function hang(size) {
  return World.with(20, async (world) => {
    const product = await world.product();
    const { api } = product.server;
    const [hanging] = await world.endpoints(api, {
      count: 100,
      typeOf: (i) => `bench.${String(i).padStart(5, '0')}`,
      pathOf: (i) => (i === 0 ? '/hang' : `/e/${i}`),
      more: { timeoutMs: 1000, retryPolicy: { schedule: [1], jitter: 0 } },
    });
    const plan = { type: 'bench.#', types: 100, seconds: size.seconds, rate: 2000, share: 0.98 };
    await api.post(`/endpoints/${hanging}/pause`);
    await world.round(product, { ...plan, seconds: 2 });
    const runs = [];
    for (let i = 0; i < size.rounds; i++) {
      const healthy = await world.round(product, plan);
      await api.post(`/endpoints/${hanging}/resume`);
      const beside = await world.round(product, plan);
      await api.post(`/endpoints/${hanging}/pause`);
      runs.push({ healthy, beside });
    }
    const moved = over(runs, ({ healthy, beside }) => beside.p99 - healthy.p99);
    return {
      lines: [
        line(
          'p50 without, at 2,000/s',
          'ms',
          over(runs, ({ healthy }) => healthy.p50),
        ),
        line(
          'p50 beside the hanging one',
          'ms',
          over(runs, ({ beside }) => beside.p50),
        ),
        line(
          'p99 without',
          'ms',
          over(runs, ({ healthy }) => healthy.p99),
        ),
        line(
          'p99 beside the hanging one',
          'ms',
          over(runs, ({ beside }) => beside.p99),
        ),
        line('p99 moved by', 'ms', moved),
      ],
      targets: [
        target('p99 moved by', moved.median, { most: 250, unit: ' ms' }),
        sound(runs.flatMap((run) => [run.healthy, run.beside])),
      ],
    };
  });
}

/** The same load over few and very many endpoints, in turns. @param {Size} size @returns {Promise<Report>} */
export function endpoints(size) {
  return World.with(10, async (world) => {
    const worlds = [];
    for (const count of size.endpointCounts) {
      const product = await world.product();
      const started = Date.now();
      await world.endpoints(product.server.api, {
        count,
        typeOf: (i) => `bench.${String(i).padStart(5, '0')}`,
        more: WIDE,
      });
      const createdPerS = count / ((Date.now() - started) / 1000);
      worlds.push({ count, product, createdPerS, runs: /** @type {any[]} */ ([]) });
    }
    for (const { product, count } of worlds)
      await world.round(product, { type: 'bench.#', types: count, seconds: 1.5 });
    for (let i = 0; i < size.rounds; i++) {
      for (const { product, count, runs } of worlds) {
        runs.push(
          await world.round(product, { type: 'bench.#', types: count, seconds: size.seconds }),
        );
      }
    }
    const few = worlds[0]?.runs ?? [];
    const many = worlds.at(-1)?.runs ?? [];
    const ratio = spread(many.map((run, i) => run.cpuMicros / few[i].cpuMicros));
    return {
      lines: worlds.flatMap(({ count, runs, createdPerS }) => [
        line(
          `${count} endpoints: delivered`,
          '/s',
          over(runs, ({ deliveriesPerS }) => deliveriesPerS),
        ),
        line(
          `${count} endpoints: CPU per delivery`,
          'µs',
          over(runs, ({ cpuMicros }) => cpuMicros),
        ),
        line(
          `${count} endpoints: memory`,
          'MiB',
          over(runs, ({ rssMiB }) => rssMiB),
        ),
        line(`${count} endpoints: created`, '/s', once(createdPerS)),
      ]),
      targets: [
        target(`CPU at ${size.endpointCounts.at(-1)} endpoints`, ratio.median, {
          most: 2,
          unit: ` × that at ${size.endpointCounts[0]}`,
        }),
        sound(worlds.flatMap(({ runs }) => runs)),
      ],
    };
  });
}

/** Start with very many deliveries pending: paused endpoints hold them, resume lets them go. @param {Size} size @returns {Promise<Report>} */
export function backlog(size) {
  return World.with(10, async (world) => {
    const first = await world.product();
    const ids = await world.endpoints(first.server.api, {
      count: 10,
      typeOf: () => 'bench.backlog',
      more: WIDE,
    });
    for (const id of ids) await first.server.api.post(`/endpoints/${id}/pause`);
    const filled = await fill(first.server.api, size.backlog / ids.length);
    const stopped = await first.server.stop();
    await world.receiver.ask('reset');
    const started = Date.now();
    const second = await world.product({ dataDir: first.dataDir });
    const ready = Date.now() - started;
    await Promise.all(ids.map((id) => second.server.api.post(`/endpoints/${id}/resume`)));
    let seen = await world.receiver.ask('read');
    for (let i = 0; i < 600 && seen.count === 0; i++) {
      await sleep(50);
      seen = await world.receiver.ask('read');
    }
    const firstAfter = (seen.firstAt - started) / 1000;
    await sleep(8000);
    const later = await world.receiver.ask('read');
    const { peak } = memoryMiB(second.pid);
    const drained = ((later.count - seen.count) / (later.lastAt - seen.lastAt)) * 1000;
    return {
      lines: [
        line(`${size.backlog} pending: filled`, 'deliveries/s', once(filled)),
        line('stopped after', 'ms', once(stopped.ms)),
        line('ready after', 'ms', once(ready)),
        line('first delivery after the start', 's', once(firstAfter)),
        line('drains', '/s', once(drained)),
        line('memory at most', 'MiB', once(peak)),
      ],
      targets: [
        target('first delivery', seen.count === 0 ? Number.POSITIVE_INFINITY : firstAfter, {
          most: 5,
          unit: ' s',
        }),
        target('memory', peak, { most: 512, unit: ' MiB' }),
      ],
    };
  });
}

/** Arrays of 500 events, four at a time; deliveries stored per second (each event goes to ten). @param {import('../trust/lib/api.js').Api} api @param {number} events */
async function fill(api, events) {
  const batch = JSON.stringify(
    Array.from({ length: 500 }, () => ({ type: 'bench.backlog', data: { pad: 'x'.repeat(900) } })),
  );
  let left = Math.ceil(events / 500);
  const started = Date.now();
  const worker = async () => {
    while (left-- > 0) {
      const { status, text } = await api.request('POST', '/events', { raw: batch });
      if (status === 429 || status === 503) left++;
      else if (status !== 202)
        throw new Error(`an array of 500 events was answered ${status}: ${text.slice(0, 300)}`);
    }
  };
  await Promise.all(Array.from({ length: 4 }, worker));
  return (events * 10) / ((Date.now() - started) / 1000);
}
