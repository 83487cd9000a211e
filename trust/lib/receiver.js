// @ts-check
/**
 * The receivers, in a process of their own: one listener, and the path says how it behaves
 * (`/ok/3`, `/slow/200/3`, `/hang/1`: the table is in zoo.js). Every request is in the ledger before
 * it is answered, every answer after it was handed to the kernel; the ledger is append-only.
 */
import fs from 'node:fs';
import net from 'node:net';
import { serveHelper } from './server.js';
import { header, readRequests } from './wire.js';
import { BEHAVIOURS } from './zoo.js';

/** @type {number | undefined} */
let ledger;
let sequence = 0;
/** How often each (path, webhook-id) came, so that `/flaky` can fail the first time only. */
/** @type {Map<string, number>} */
const visits = new Map();
/** @type {Map<string, { requests: number, open: number, openMax: number, closed: number }>} */
const paths = new Map();
const world = { outage: false, killPid: 0, kills: 0 };
/** @type {number[]} */
const killedAt = [];

/** @param {string} path */
function statsOf(path) {
  const known = paths.get(path);
  if (known !== undefined) return known;
  const stats = { requests: 0, open: 0, openMax: 0, closed: 0 };
  paths.set(path, stats);
  return stats;
}

/** @param {Record<string, unknown>} line */
function write(line) {
  if (ledger !== undefined) fs.writeSync(ledger, `${JSON.stringify(line)}\n`);
}

/** @param {import('node:net').Socket} socket */
function serve(socket) {
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  /** Requests of this connection that have no answer yet. @type {Set<{ open: number, closed: number }>} */
  const waiting = new Set();
  socket.on('close', () => {
    for (const stats of waiting) {
      stats.open--;
      stats.closed++;
    }
  });
  readRequests(socket, ({ head, body, path }) => {
    const number = ++sequence;
    const id = header(head, 'webhook-id') ?? '';
    const key = `${path} ${id}`;
    const visit = (visits.get(key) ?? 0) + 1;
    visits.set(key, visit);
    const stats = statsOf(path);
    stats.requests++;
    stats.openMax = Math.max(stats.openMax, ++stats.open);
    waiting.add(stats);
    write({
      k: 'req',
      s: number,
      at: Date.now(),
      path,
      id,
      head: head.toString('latin1'),
      body: body.toString('base64'),
    });
    const [, name = '', ...rest] = path.split('/');
    const behave = BEHAVIOURS[name] ?? BEHAVIOURS['ok'];
    behave?.({
      socket,
      rest,
      id,
      visit,
      world,
      answer(status, headers = {}, text = '') {
        if (socket.destroyed) return;
        const lines = Object.entries(headers)
          .map(([name, value]) => `${name}: ${value}\r\n`)
          .join('');
        if (waiting.delete(stats)) stats.open--;
        socket.write(
          `HTTP/1.1 ${status} X\r\n${lines}Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
        );
        write({ k: 'res', s: number, at: Date.now(), status });
      },
      killServer() {
        if (world.kills-- <= 0 || world.killPid === 0) return;
        killedAt.push(Date.now());
        process.kill(world.killPid, 'SIGKILL');
      },
    });
  });
}

const server = net.createServer({ noDelay: true }, serve);

serveHelper({
  /** Starts to listen; resolves with the port. @param {{ ledger?: string }} options */
  listen: (options) =>
    new Promise((resolve) => {
      if (options?.ledger !== undefined) ledger = fs.openSync(options.ledger, 'a');
      server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, () =>
        resolve(/** @type {import('node:net').AddressInfo} */ (server.address()).port),
      );
    }),
  /** @param {Partial<typeof world>} change */
  set: (change) => void Object.assign(world, change),
  /** @param {string} path */
  stats: (path) => statsOf(path),
  killedAt: () => killedAt,
});
