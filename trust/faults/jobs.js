// @ts-check
/** F2 for replays and purges: death at every boundary of a job, and while its steps are being stored. */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, waitFor } from '../lib/check.js';
import { freePort } from '../lib/server.js';
import { Stage } from '../lib/stage.js';

/** @typedef {import('../lib/check.js').Programme} Programme */

const ENDPOINTS = 20;
/** Of each endpoint; one more would open its circuit. */
const FAILURES = 9;
const ONCE = { retryPolicy: { attempts: 1, schedule: [] } };

/** Where it dies, in this order: the job is asked for once, and its answer is lost. */
const DEATHS = [
  'job:created:1',
  ...['job:read', 'job:advanced', 'store:begun', 'store:written', 'store:committed'].flatMap(
    (site) => [1, 2, 5].map((passage) => `${site}:${passage}`),
  ),
];

/** Deliveries that were given up, all of them. @param {Stage} stage */
async function failures(stage) {
  const ids = [];
  for (let i = 0; i < ENDPOINTS; i++) {
    ids.push((await stage.endpoint(`/outage/${i}`, ['job.a'], ONCE)).id);
  }
  await stage.receivers.ask('set', { outage: true });
  const producer = await stage.produce({
    types: ['job.a'],
    parallel: 1,
    pauseMs: 0,
    count: FAILURES,
  });
  await producer.ask('done');
  await waitFor('every delivery to fail', async () => {
    const failed = await stage.api.list('/deliveries?state=failed');
    return failed.length === ENDPOINTS * FAILURES;
  });
  await stage.receivers.ask('set', { outage: false });
  return ids;
}

/** Runs until the site kills it. @param {Stage} stage @param {string} site @param {() => Promise<unknown>} [ask] */
async function dieAt(stage, site, ask) {
  const server = await stage.start({ env: { CRASH_AT: site }, ready: false });
  if (ask)
    await server
      .ready()
      .then(ask)
      .catch(() => undefined);
  const end = await Promise.race([server.exited, sleep(15_000)]);
  expect(end?.signal === 'SIGKILL', `${site} was not reached within 15 s`);
  stage.kills.push(/** @type {{ at: number }} */ (end).at);
}

/** @type {Programme} */
const everyBoundary = {
  id: 'F2-jobs',
  slow: true,
  title: 'kill -9 at every boundary of a replay: what failed is owed again, each once',
  run: () =>
    Stage.with({}, async (stage) => {
      const endpoints = await failures(stage);
      await stage.server.stop();
      const ask = () => stage.api.post('/replays', { endpoints, only: 'failed' });
      for (const site of DEATHS) await dieAt(stage, site, site === DEATHS[0] ? ask : undefined);
      await stage.start();
      const job = await waitFor('the replay to end', async () => {
        const [only, ...others] = await stage.api.list('/replays');
        expect(only !== undefined && others.length === 0, 'not one replay is listed');
        return only.state === 'done' && only;
      });
      const { line, ledgers } = await stage.reconcile(60_000);
      const all = ENDPOINTS * FAILURES;
      const { done, owed, total } = job;
      const said = `${done} of ${total.count} done, ${owed} owed`;
      expect(done === all && owed === all && total.count === all, said);
      const runs = new Map();
      for (const { event, endpoint, run, state, fault } of ledgers.platform.deliveries) {
        // Sixteen deaths in a row are enough to suspect what was being sent.
        const how = fault === 'quarantined' ? 'succeeded' : state;
        const pair = `${event} ${endpoint}`;
        runs.set(pair, [...(runs.get(pair) ?? []), `${run} ${how}`]);
      }
      const wrong = [...runs].filter(([, list]) => list.sort().join() !== '0 failed,1 succeeded');
      expect(
        runs.size === all && wrong.length === 0,
        `wrong runs: ${wrong.slice(0, 3).join('; ')}`,
      );
      return `${DEATHS.length} kills, ${said}, ${line}`;
    }),
};

const PURGED = 'purged-tenant';
const MARK = 'mark-of-the-purged-tenant';
const PURGED_EVENTS = 3000;
const PURGE_DEATHS = [
  'job:created:1',
  'purge:configured:1',
  ...['job:advanced', 'store:begun', 'store:written', 'store:committed'].flatMap((site) =>
    [1, 2, 5].map((passage) => `${site}:${passage}`),
  ),
];

/** A tenant with events, an endpoint that fails, and captures. @param {Stage} stage */
async function fillTenant(stage) {
  const { api } = stage;
  const tenant = `/api/v1/tenants/${PURGED}`;
  await api.request('PUT', tenant, { body: { name: MARK } });
  // Nobody is there: the ledgers are about the other tenant.
  const url = `http://127.0.0.1:${await freePort()}/${MARK}`;
  await api.post(`${tenant}/endpoints`, { name: MARK, url });
  const inbox = await api.post(`${tenant}/inboxes`, { title: MARK });
  for (let n = 0; n < 20; n++) {
    await fetch(`${api.origin}/in/${inbox.name}`, { method: 'POST', body: MARK.repeat(1000) });
  }
  const event = { type: 'job.purged', subject: MARK, data: { mark: MARK, text: '.'.repeat(6000) } };
  for (let n = 0; n < PURGED_EVENTS; n += 100) {
    await api.post(`${tenant}/events`, Array(100).fill(event));
  }
  return tenant;
}

/** @type {Programme} */
const everyBoundaryOfAPurge = {
  id: 'F2-purge',
  slow: true,
  title: 'kill -9 at every boundary of a purge: all of the tenant goes, nothing of the others',
  run: () =>
    Stage.with({}, async (stage) => {
      await stage.endpoint('/ok/0', ['job.kept']);
      const producer = await stage.produce({ types: ['job.kept'], parallel: 2, pauseMs: 20 });
      const tenant = await fillTenant(stage);
      await stage.server.stop();
      const ask = () => stage.api.post(`${tenant}/purge`, {});
      for (const site of PURGE_DEATHS) {
        await dieAt(stage, site, site === PURGE_DEATHS[0] ? ask : undefined);
      }
      await stage.start();
      const job = await waitFor('the purge to end', async () => {
        const [only, ...others] = await stage.api.list('/api/v1/purges');
        expect(only !== undefined && others.length === 0, 'not one purge is listed');
        return only.state === 'done' && only;
      });
      expect(job.done === PURGED_EVENTS, `${job.done} of ${PURGED_EVENTS} events went`);
      await producer.ask('stop');
      const { line } = await stage.reconcile(60_000);
      await stage.server.stop();
      const holding = fs
        .readdirSync(stage.dataDir)
        .filter((name) => fs.readFileSync(path.join(stage.dataDir, name)).includes(MARK));
      expect(holding.length === 0, `${holding.join(', ')} still hold what was purged`);
      return `${PURGE_DEATHS.length} kills, ${job.done} events purged, ${line}`;
    }),
};

/** @type {readonly Programme[]} */
export const programmes = [everyBoundary, everyBoundaryOfAPurge];
