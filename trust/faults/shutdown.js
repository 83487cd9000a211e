// @ts-check
/** F42: the end on request. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, waitFor } from '../lib/check.js';
import { Stage } from '../lib/stage.js';

/** @typedef {import('../lib/check.js').Programme} Programme */

const PATH = '/slow/1500/0';

/** A server with `count` requests in flight. @param {Stage} stage @param {number} count */
async function inFlight(stage, count) {
  const wide = { maxConcurrency: 256, timeoutMs: 10_000 };
  if (stage.endpoints.length === 0) {
    for (let i = 0; i < Math.ceil(count / 100); i++)
      await stage.endpoint(`/slow/1500/${i}`, [`flight.${i}`], wide);
  }
  const open = async () => {
    const all = await Promise.all(stage.endpoints.map(({ path }) => stage.stats(path)));
    return all.reduce((sum, stats) => sum + stats.open, 0);
  };
  for (let n = 0; n < count; n++) await stage.api.event(`flight.${n % stage.endpoints.length}`, n);
  await waitFor('requests in flight', async () => (await open()) >= Math.min(count, 50), {
    timeoutMs: 10_000,
  });
}

/** What a new POST meets while the server drains. @param {Stage} stage */
async function postWhileDraining(stage) {
  const answer = await stage.api
    .request('POST', '/events', { body: { type: 'late.a', data: 1 }, timeoutMs: 2000 })
    .catch(() => undefined);
  if (answer === undefined) return 'refused';
  if (answer.status === 202) return '202';
  expect(answer.status === 503, `a POST during the drain was answered ${answer.status}`);
  return '503';
}

/** @type {Programme} */
const drain = {
  id: 'F42',
  title: 'SIGTERM with requests in flight: drains, exit 0, nothing lost, nothing twice',
  run: ({ ci }) =>
    Stage.with({}, async (stage) => {
      /** @type {string[]} */
      const said = [];
      for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT'])) {
        await inFlight(stage, ci ? 200 : 500);
        const started = Date.now();
        stage.server.signal(signal);
        await sleep(200);
        const met = await postWhileDraining(stage);
        expect(met !== '202', `${signal}: a POST was accepted while draining`);
        const end = await Promise.race([stage.server.exited, sleep(31_000)]);
        const took = Date.now() - started;
        expect(end !== undefined, `${signal}: still running after ${took} ms`);
        expect(end.code === 0, `${signal}: exit code ${end.code}, signal ${end.signal}`);
        said.push(`${signal}: POST ${met}, exit after ${took} ms`);
        await stage.start();
      }
      return `${said.join('; ')}; ${(await stage.reconcile()).line}`;
    }),
};

/** @type {Programme} */
const twice = {
  id: 'F42b',
  slow: true,
  title: 'a second SIGTERM ends it within 1 s; nothing lost',
  run: () =>
    Stage.with({}, async (stage) => {
      await inFlight(stage, 50);
      stage.server.signal('SIGTERM');
      await sleep(200);
      const second = Date.now();
      stage.server.signal('SIGTERM');
      const end = await Promise.race([stage.server.exited, sleep(10_000)]);
      const took = Date.now() - second;
      expect(end !== undefined && took <= 1000, `after the second signal it took ${took} ms`);
      // Impatience is a fault like a crash: what was in flight may be sent once more.
      stage.kills.push(second);
      await sleep(1600);
      await stage.start();
      const { requests } = await stage.stats(PATH);
      return `${took} ms, ${requests} requests before; ${(await stage.reconcile()).line}`;
    }),
};

/** @type {readonly Programme[]} */
export const programmes = [drain, twice];
