// @ts-check
/** F1–F3: death at random moments, at every labelled boundary, and just after a receiver's 2xx. */
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, waitFor } from '../lib/check.js';
import { MAIN } from '../lib/server.js';
import { Stage } from '../lib/stage.js';

/** @typedef {import('../lib/check.js').Programme} Programme */

const TYPES = ['crash.a', 'crash.b', 'crash.c', 'crash.d', 'crash.e'];
/** Deliveries must outlive all kills, so that nothing ends as failed and hides a loss. */
const PATIENT = { retryPolicy: { schedule: Array(30).fill(1), jitter: 0.2 } };

/** Twenty receivers: quick, slow, and those that fail the first time. @param {Stage} stage */
async function twentyEndpoints(stage) {
  const kinds = ['/ok', '/slow/30', '/flaky', '/ok'];
  for (let i = 0; i < 20; i++) {
    const types = [
      TYPES[i % TYPES.length],
      ...(i % 4 === 0 ? [TYPES[(i + 1) % TYPES.length]] : []),
    ];
    await stage.endpoint(
      `${kinds[i % kinds.length]}/${i}`,
      /** @type {string[]} */ (types),
      PATIENT,
    );
  }
}

/** @type {Programme} */
const faultFree = {
  id: 'F0',
  title: 'without faults: seven zeros, no duplicate, nothing unlogged',
  run: () =>
    Stage.with({}, async (stage) => {
      await twentyEndpoints(stage);
      const producer = await stage.produce({ types: TYPES, parallel: 8, pauseMs: 2, count: 600 });
      await producer.ask('done');
      return (await stage.reconcile()).line;
    }),
};

/** @type {Programme} */
const randomKills = {
  id: 'F1',
  title: 'kill -9 at random moments: seven zeros',
  run: ({ ci }) =>
    Stage.with({}, async (stage) => {
      const cycles = ci ? 12 : 300;
      await twentyEndpoints(stage);
      const producer = await stage.produce({ types: TYPES, parallel: 8, pauseMs: 10 });
      for (let cycle = 0; cycle < cycles; cycle++) {
        // One in six dies while it comes up, one in six while it shuts down.
        const moment = cycle % 6;
        if (moment === 1) await sleep(Math.random() * 400);
        else {
          await stage.server.ready();
          await sleep(20 + Math.random() * 150);
        }
        if (moment === 4) {
          stage.server.signal('SIGTERM');
          await sleep(Math.random() * 30);
        }
        await stage.kill();
        await stage.start({ ready: false });
      }
      await stage.server.ready();
      await sleep(500);
      await producer.ask('stop');
      return `${cycles} kills, ${(await stage.reconcile(120_000)).line}`;
    }),
};

/** The boundaries the product says it has. */
function crashSites() {
  const { stdout, status, stderr } = spawnSync(
    process.execPath,
    [MAIN, 'doctor', '--crash-sites'],
    {
      encoding: 'utf8',
      timeout: 20_000,
    },
  );
  expect(status === 0, `doctor --crash-sites ended with ${status}: ${stderr.slice(0, 500)}`);
  // The inbox's own sites need requests to an inbox: trust/inbox.js passes them.
  const sites = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('inbox:'));
  expect(sites.length > 0, 'doctor --crash-sites printed no site');
  return sites;
}

/** Runs the server until the site kills it, under load. @param {Stage} stage @param {string} site */
async function dieAt(stage, site) {
  const server = await stage.start({ env: { CRASH_AT: site }, ready: false });
  const end = await Promise.race([server.exited, sleep(15_000)]);
  expect(end !== undefined, `${site} was not reached within 15 s of load`);
  expect(
    end.signal === 'SIGKILL',
    `${site}: ended with code ${end.code}:\n${server.output.slice(-1500)}`,
  );
  stage.kills.push(end.at);
}

/** @type {Programme} */
const everySite = {
  id: 'F2',
  title: 'kill -9 at every labelled boundary: seven zeros',
  run: ({ ci }) =>
    Stage.with({}, async (stage) => {
      await twentyEndpoints(stage);
      await stage.server.stop();
      const producer = await stage.produce({ types: TYPES, parallel: 8, pauseMs: 10 });
      // Those of jobs are F2-jobs and F2-purge.
      const sites = crashSites().filter((site) => !/^(job|purge):/.test(site));
      for (const site of sites) {
        for (const passage of ci ? [2] : [1, 2, 7]) await dieAt(stage, `${site}:${passage}`);
      }
      await stage.start();
      await sleep(500);
      await producer.ask('stop');
      return `${sites.length} sites, ${stage.kills.length} kills, ${(await stage.reconcile(120_000)).line}`;
    }),
};

/** @type {Programme} */
const afterAnswer = {
  id: 'F3',
  title: 'kill -9 between the 2xx and the commit: one more send, same id, marked afterCrash',
  run: ({ ci }) =>
    Stage.with({}, async (stage) => {
      const rounds = ci ? 3 : 40;
      const { id } = await stage.endpoint('/killer/0', ['killer.a'], PATIENT);
      const producer = await stage.produce({
        types: ['killer.a'],
        parallel: 1,
        pauseMs: 20,
        count: rounds * 2,
      });
      for (let round = 0; round < rounds; round++) {
        await stage.receivers.ask('set', { killPid: stage.server.pid, kills: 1 });
        const end = await Promise.race([stage.server.exited, sleep(10_000)]);
        expect(end?.signal === 'SIGKILL', `round ${round}: the receiver could not kill the server`);
        await stage.start();
        if ((await producer.ask('count')).acknowledged >= rounds * 2) break;
      }
      await stage.receivers.ask('set', { kills: 0 });
      await producer.ask('done');
      const { line, findings } = await stage.reconcile();
      const kills = (await stage.receivers.ask('killedAt')).length;
      expect(
        findings.explained.duplicate <= kills,
        `${findings.explained.duplicate} extra sends after ${kills} kills`,
      );
      const attempts = await waitFor('attempts', () => stage.attempts(id));
      const marked = attempts.filter((/** @type {any} */ { afterCrash }) => afterCrash).length;
      return `${kills} kills, ${marked} marked, ${line}`;
    }),
};

/** @type {readonly Programme[]} */
export const programmes = [faultFree, randomKills, everySite, afterAnswer];
