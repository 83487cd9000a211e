// @ts-check
/** F13: a backup that is made under load, and what a server does that is restored from it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, waitFor } from '../lib/check.js';
import { platformLedger, quiescence, readLines, readReceived } from '../lib/reconcile.js';
import { MAIN } from '../lib/server.js';
import { Stage } from '../lib/stage.js';

/** @typedef {import('../lib/check.js').Programme} Programme */

const TYPES = ['backup.a', 'backup.b', 'backup.c'];
const PATIENT = { retryPolicy: { schedule: Array(30).fill(1), jitter: 0.2 } };

/** Runs a command of the product beside the server. @param {string[]} args */
async function posthorn(args) {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  expect(code === 0, `posthorn ${args[0]} ended with ${code}: ${err.slice(0, 500)}`);
  return JSON.parse(out);
}

/** Producers' ledger as it stands. @param {Stage} stage @returns {any[]} */
function acknowledged(stage) {
  return readLines(path.join(stage.dir, 'acknowledged'));
}

/** @param {Stage} stage */
const received = (stage) => readReceived(path.join(stage.dir, 'received'));

/** @type {Programme} */
const backupUnderLoad = {
  id: 'F13',
  title: 'a backup under load, restored: nothing acknowledged before it is lost, or sent again',
  run: ({ ci }) =>
    Stage.with({}, async (stage) => {
      for (let i = 0; i < 12; i++) {
        const kind = ['/ok', '/slow/30', '/flaky', '/outage'][i % 4];
        const types = [TYPES[i % TYPES.length] ?? ''];
        await stage.endpoint(`${kind}/${i}`, types, PATIENT);
      }
      await stage.receivers.ask('set', { outage: true });
      const producer = await stage.produce({ types: TYPES, parallel: 4, pauseMs: ci ? 20 : 2 });
      await sleep(ci ? 1500 : 10_000);
      const before = acknowledged(stage);
      const backup = path.join(stage.dir, 'backup');
      const manifest = await posthorn(['backup', backup, '--data', stage.dataDir, '--json']);
      await sleep(1000);
      await producer.ask('stop');
      await stage.receivers.ask('set', { outage: false });
      // The first server ends what it owes, and all of it is as it must be.
      const { line } = await stage.reconcile(60_000);
      const data = path.join(stage.dir, 'restored');
      await stage.server.stop();
      const sentBefore = received(stage).length;
      await posthorn(['restore', backup, '--data', data, '--json']);
      stage.dataDir = data;
      await stage.start();
      await quiescence(stage.api, 60_000);
      const platform = await platformLedger(stage.api);
      const known = new Set(platform.events.map(({ id }) => id));
      const lost = before.filter(({ event }) => !known.has(event));
      expect(lost.length === 0, `${lost.length} of ${before.length} events are not in the backup`);
      const again = received(stage).slice(sentBefore);
      checkAgain({ again, platform, madeAt: Date.parse(manifest.madeAt), stage });
      await waitFor(
        'nothing more',
        async () => received(stage).length === sentBefore + again.length,
      );
      const { event, delivery } = manifest.rows;
      return `${event} events and ${delivery} pending deliveries in the backup, ${again.length} sent after the restore; ${line}`;
    }),
};

/**
 * What comes after the restore was pending in the backup, comes under its own id to its own place, and
 * ends as delivered.
 * @param {{ again: readonly any[], platform: import('../lib/reconcile.js').Platform, madeAt: number, stage: Stage }} of
 */
function checkAgain({ again, platform, madeAt, stage }) {
  const pathOf = new Map(stage.endpoints.map(({ id, path }) => [id, path]));
  const delivered = new Set(
    platform.attempts
      .filter(
        ({ state, startedAt }) => state === 'succeeded' && Date.parse(startedAt) < madeAt - 1000,
      )
      .map(({ event, endpoint }) => `${event} ${pathOf.get(endpoint)}`),
  );
  const twice = again.filter(({ id, path }) => delivered.has(`${id} ${path}`));
  expect(twice.length === 0, `${twice.length} deliveries were sent again, e.g. ${twice[0]?.id}`);
  const owed = new Set(
    platform.deliveries.map(({ event, endpoint }) => `${event} ${pathOf.get(endpoint)}`),
  );
  const strange = again.filter(({ id, path }) => !owed.has(`${id} ${path}`));
  expect(strange.length === 0, `${strange.length} requests belong to nothing in the backup`);
  const ends = platform.deliveries.filter(({ state }) => state !== 'succeeded');
  expect(ends.length === 0, `${ends.length} deliveries did not succeed, e.g. ${ends[0]?.state}`);
}

/** @type {readonly Programme[]} */
export const programmes = [backupUnderLoad];
