// @ts-check
/** F12, F13: a store whose bytes were turned, and one that is restored from a backup made under load. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, waitFor } from '../lib/check.js';
import { platformLedger, quiescence, readLines, readReceived } from '../lib/reconcile.js';
import { MAIN } from '../lib/server.js';
import { keyOf, verifies } from '../lib/signature.js';
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
  slow: true,
  title: 'a backup under load, restored: nothing acknowledged before it is lost, or sent again',
  run: ({ ci }) =>
    Stage.with({}, async (stage) => {
      for (let i = 0; i < 12; i++) {
        const kind = ['/ok', '/slow/30', '/flaky', '/slow/200'][i % 4];
        const types = [TYPES[i % TYPES.length] ?? ''];
        await stage.endpoint(`${kind}/${i}`, types, PATIENT);
      }
      const producer = await stage.produce({ types: TYPES, parallel: 4, pauseMs: ci ? 20 : 2 });
      await sleep(ci ? 1500 : 10_000);
      const before = acknowledged(stage);
      const backup = path.join(stage.dir, 'backup');
      const manifest = await posthorn(['backup', backup, '--data', stage.dataDir, '--json']);
      await sleep(1000);
      await producer.ask('stop');
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

const PAGE_BYTES = 4096;
/** In one round: the file of a small store has a few hundred pages. */
const TURNED = 40;

/** Turns a bit of as many random places of a store, outside of its header. @param {string} directory */
function turnBits(directory) {
  for (const name of ['posthorn.db', 'posthorn.db-wal']) {
    const file = path.join(directory, name);
    const bytes = fs.existsSync(file) ? fs.readFileSync(file) : Buffer.alloc(0);
    if (bytes.length <= PAGE_BYTES) continue;
    for (let i = 0; i < TURNED; i++) {
      const at = PAGE_BYTES + Math.floor(Math.random() * (bytes.length - PAGE_BYTES));
      bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (i % 8)), at);
    }
    fs.writeFileSync(file, bytes);
  }
}

/** What came that nobody posted. @param {Stage} stage @param {readonly any[]} requests */
function wrongOf(stage, requests) {
  const keys = new Map(stage.endpoints.map(({ path, secret }) => [path, keyOf(secret)]));
  const posted = new Map(acknowledged(stage).map(({ event, data }) => [event, data]));
  return requests.filter(({ id, path: place, head, body }) => {
    const bytes = Buffer.from(body, 'base64');
    const key = keys.get(place);
    const data = posted.get(id);
    const right = data !== undefined && bytes.includes(`"data":${data}`);
    return !right || !key || !verifies(key, { head: Buffer.from(head, 'latin1'), body: bytes });
  });
}

/** @type {Programme} */
const turnedBits = {
  id: 'F12',
  title:
    'bits turned in the database and its log: refused with what to do, or no wrong payload sent',
  slow: true,
  run: ({ ci }) =>
    Stage.with({}, async (stage) => {
      for (let i = 0; i < 4; i++) await stage.endpoint(`/outage/${i}`, TYPES, PATIENT);
      await stage.receivers.ask('set', { outage: true });
      const producer = await stage.produce({ types: TYPES, parallel: 8, pauseMs: 0, count: 500 });
      await producer.ask('done');
      await sleep(500);
      await stage.kill();
      const whole = stage.dataDir;
      const rounds = ci ? 6 : 60;
      const ends = { refused: 0, sent: 0, quiet: 0 };
      await stage.receivers.ask('set', { outage: false });
      for (let round = 0; round < rounds; round++) {
        stage.dataDir = path.join(stage.dir, `turned-${round}`);
        fs.cpSync(whole, stage.dataDir, { recursive: true });
        turnBits(stage.dataDir);
        const before = received(stage).length;
        const server = await stage.start({ ready: false });
        const end = await Promise.race([server.exited, sleep(4000)]);
        if (end) {
          const said = server.output.slice(-2000);
          expect(end.signal === null, `it died of ${end.signal}: ${said}`);
          expect(/damaged|restore a backup/.test(said), `it ended without saying why: ${said}`);
          ends.refused += 1;
        } else await stage.server.kill();
        const came = received(stage).slice(before);
        const wrong = wrongOf(stage, came);
        expect(
          wrong.length === 0,
          `${wrong.length} wrong requests, e.g. ${wrong[0]?.id} ${Buffer.from(
            wrong[0]?.body ?? '',
            'base64',
          )
            .toString()
            .slice(0, 200)}`,
        );
        if (!end) ends[came.length > 0 ? 'sent' : 'quiet'] += 1;
        fs.rmSync(stage.dataDir, { recursive: true });
      }
      return `${rounds} stores: ${ends.refused} refused, ${ends.sent} sent what was whole, ${ends.quiet} sent nothing`;
    }),
};

/** @type {readonly Programme[]} */
export const programmes = [turnedBits, backupUnderLoad];
