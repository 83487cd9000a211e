// @ts-check
/** F36–F38, F43, F44: herds, neighbours, wide events, little memory, few files, stalls. */
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, needsRoot, quantile, Skip, waitFor } from '../lib/check.js';
import { readReceived } from '../lib/reconcile.js';
import { healthLatencies, Stage } from '../lib/stage.js';

/** @typedef {import('../lib/check.js').Programme} Programme */

/** Posts `count` events in arrays. @param {Stage} stage @param {string} type @param {number} count */
async function postMany(stage, type, count) {
  for (let n = 0; n < count; n += 100) {
    const size = Math.min(100, count - n);
    await stage.api.post(
      '/events',
      Array.from({ length: size }, (_, i) => ({ type, data: { n: n + i } })),
    );
  }
}

/** @type {Programme} */
const herd = {
  id: 'F36',
  slow: true,
  title: 'an outage ends: the backlog drains at the endpoint’s cap, and all of it',
  run: ({ ci }) =>
    Stage.with({}, async (stage) => {
      const count = ci ? 1000 : 5000;
      await stage.receivers.ask('set', { outage: true });
      const patient = {
        maxConcurrency: 10,
        retryPolicy: { schedule: Array(60).fill(2), jitter: 0.2 },
      };
      const { id } = await stage.endpoint('/outage/0', ['herd.a'], patient);
      await postMany(stage, 'herd.a', count);
      await sleep(4000);
      const before = await stage.stats('/outage/0');
      await stage.receivers.ask('set', { outage: false });
      const up = Date.now();
      const first = await waitFor(
        'a delivery after the outage',
        async () => {
          const { items } = await stage.api.get(
            `/deliveries?endpoint=${id}&state=succeeded&limit=1`,
          );
          return items.length > 0 ? Date.now() : 0;
        },
        { timeoutMs: 60_000 },
      );
      const { line, ledgers } = await stage.reconcile(120_000);
      const { openMax } = await stage.stats('/outage/0');
      expect(openMax <= 10, `${openMax} requests were open at once, the cap is 10`);
      const failed = ledgers.platform.deliveries.filter(
        ({ state }) => state !== 'succeeded',
      ).length;
      expect(failed <= count / 100, `${failed} of ${count} deliveries failed`);
      return `first after ${first - up} ms, ${before.requests} tries while down, ${line}`;
    }),
};

/**
 * Posts to healthy endpoints at a steady pace; the end-to-end times in ms.
 * @param {Stage} stage @param {string} phase @param {number} count
 */
async function healthyLatencies(stage, phase, count) {
  const posts = [];
  for (let n = 0; n < count; n++) {
    posts.push(stage.api.event(`well.${n % 20}`, { phase, sentAt: Date.now() }));
    await sleep(8);
  }
  await Promise.all(posts);
  await sleep(1000);
  const latencies = [];
  for (const { at, body } of readReceived(path.join(stage.dir, 'received'))) {
    const { data } = JSON.parse(Buffer.from(body, 'base64').toString());
    if (data.phase === phase) latencies.push(at - data.sentAt);
  }
  expect(latencies.length >= count, `${phase}: ${latencies.length} of ${count} arrived within 1 s`);
  return latencies;
}

/** @type {Programme} */
const neighbour = {
  id: 'F37',
  title: 'a hanging neighbour with a long queue moves the others’ p99 by at most 250 ms',
  run: ({ ci }) =>
    Stage.with({}, async (stage) => {
      for (let i = 0; i < 20; i++) await stage.endpoint(`/ok/${i}`, [`well.${i}`]);
      await healthyLatencies(stage, 'warm', 100);
      const alone = quantile(await healthyLatencies(stage, 'alone', 400), 0.99);
      const { id } = await stage.endpoint('/hang/0', ['bad.a'], { timeoutMs: 10_000 });
      await postMany(stage, 'bad.a', ci ? 2000 : 10_000);
      await sleep(300);
      const beside = quantile(await healthyLatencies(stage, 'beside', 400), 0.99);
      const { requests } = await stage.stats('/hang/0');
      expect(requests > 0, 'the neighbour was never tried');
      const said = `p99 ${alone} ms alone, ${beside} ms beside it`;
      expect(beside <= alone + 250, said);
      await stage.api.request('DELETE', `/endpoints/${id}`);
      return said;
    }),
};

/** @type {Programme} */
const fanOut = {
  id: 'F38',
  title: 'one event to thousands of endpoints: 202 within 1 s, all sent within 60 s',
  run: ({ ci }) =>
    Stage.with({}, async (stage) => {
      const count = ci ? 2000 : 10_000;
      let next = 0;
      const create = async () => {
        while (next < count) await stage.endpoint(`/ok/${next++}`, ['wide.a']);
      };
      await Promise.all(Array.from({ length: 16 }, create));
      const started = Date.now();
      const { deliveries } = await stage.api.event('wide.a');
      const took = Date.now() - started;
      expect(deliveries === count, `${deliveries} deliveries for ${count} endpoints`);
      const reconciled = stage.reconcile(60_000);
      const stall = Math.max(...(await healthLatencies(stage.api, reconciled)));
      const { line } = await reconciled;
      expect(took <= 1000, `202 after ${took} ms`);
      expect(stall <= 250, `the health check once took ${stall.toFixed(0)} ms`);
      return `202 after ${took} ms, all after ${Date.now() - started} ms, worst health ${stall.toFixed(0)} ms, ${line}`;
    }),
};

/** A control group with little memory; the wrapper that puts the server into it. @param {number} bytes */
function memoryGroup(bytes) {
  needsRoot();
  const unified = fs.existsSync('/sys/fs/cgroup/cgroup.controllers');
  const dir = `${unified ? '/sys/fs/cgroup' : '/sys/fs/cgroup/memory'}/posthorn-trust-${process.pid}`;
  try {
    fs.mkdirSync(dir);
    fs.writeFileSync(`${dir}/${unified ? 'memory.max' : 'memory.limit_in_bytes'}`, String(bytes));
  } catch (error) {
    throw new Skip(
      `needs a writable memory control group (${/** @type {Error} */ (error).message})`,
    );
  }
  const wrap = ['sh', '-c', `echo $$ > ${dir}/cgroup.procs && exec "$@"`, 'sh'];
  return { wrap, remove: () => fs.rmdirSync(dir) };
}

/** Large events from many sides; how often each status came. @param {Stage} stage @param {number} count */
async function floodWith(stage, count) {
  /** @type {Record<string, number>} */
  const statuses = {};
  let left = count;
  const data = 'x'.repeat(200_000);
  const loop = async () => {
    while (left-- > 0) {
      const answer = await stage.api
        .request('POST', '/events', { body: { type: 'big.a', data } })
        .catch(() => undefined);
      const status = answer?.status ?? 'broken';
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (status === 429 || status === 503) {
        expect(answer?.headers['retry-after'] !== undefined, `a ${status} without Retry-After`);
      }
      if (answer === undefined) await sleep(50);
    }
  };
  await Promise.all(Array.from({ length: 32 }, loop));
  return statuses;
}

/** @type {Programme} */
const memory = {
  id: 'F43',
  slow: true,
  title: '256 MiB of memory and a flood of large events: sheds or recovers, loses nothing',
  async run({ ci }) {
    const group = memoryGroup(256 * 1024 * 1024);
    try {
      return await Stage.with({ wrap: group.wrap, ledger: false }, async (stage) => {
        await stage.endpoint('/slow/20', ['big.a']);
        const statuses = await floodWith(stage, ci ? 800 : 3000);
        const died = !stage.server.alive;
        if (died) await stage.start();
        const accepted = statuses[202] ?? 0;
        await waitFor(
          'all accepted events delivered',
          async () => (await stage.stats('/slow/20')).requests >= accepted,
          { timeoutMs: 60_000, everyMs: 200 },
        );
        const said = Object.entries(statuses)
          .map(([status, times]) => `${times} × ${status}`)
          .join(', ');
        return `${said}${died ? ', killed for memory once' : ''}`;
      });
    } finally {
      group.remove();
    }
  },
};

/** @type {Programme} */
const files = {
  id: 'F44',
  slow: true,
  title: '256 open files and 400 connections, then stalls of 200 ms: no crash, seven zeros',
  run: () =>
    Stage.with({ wrap: ['sh', '-c', 'ulimit -n 256; exec "$@"', 'sh'] }, async (stage) => {
      for (let i = 0; i < 8; i++)
        await stage.endpoint(`/slow/100/${i}`, ['few.a'], {
          maxConcurrency: 64,
          retryPolicy: { schedule: Array(30).fill(0.5) },
        });
      const producer = await stage.produce({ types: ['few.a'], parallel: 4, pauseMs: 5 });
      const sockets = Array.from({ length: 400 }, () =>
        net.connect(stage.port, '127.0.0.1').on('error', () => {}),
      );
      await sleep(2000);
      for (const socket of sockets) socket.destroy();
      expect(stage.server.alive, 'the server ended when it ran out of files');
      for (let pulse = 0; pulse < 10; pulse++) {
        stage.server.signal('SIGSTOP');
        await sleep(200);
        stage.server.signal('SIGCONT');
        await sleep(100);
      }
      await producer.ask('stop');
      return (await stage.reconcile()).line;
    }),
};

/** @type {Programme} */
const changes = {
  id: 'C1',
  title: 'events are accepted while endpoints are created, changed and deleted',
  run: () =>
    Stage.with({}, async (stage) => {
      await stage.endpoint('/ok/0', ['busy.a']);
      const producer = await stage.produce({ types: ['busy.a'], parallel: 4, pauseMs: 1 });
      const churn = async (/** @type {number} */ lane) => {
        for (let n = 0; n < 40; n++) {
          const { id } = await stage.api.endpoint(stage.url('/ok/x'), [`none.${lane}`]);
          await stage.api.request('PATCH', `/endpoints/${id}`, { body: { name: 'changed' } });
          await stage.api.request('DELETE', `/endpoints/${id}`);
        }
      };
      await Promise.all(Array.from({ length: 16 }, (_, lane) => churn(lane)));
      const { refused } = await producer.ask('stop');
      const { line } = await stage.reconcile();
      expect(refused === 0, `${refused} POSTs were refused, ${line}`);
      return line;
    }),
};

/** @type {readonly Programme[]} */
export const programmes = [herd, neighbour, fanOut, changes, memory, files];
