// @ts-check
/** Processes that the inbox is measured beside; each is forked anew and asked one of these. */
import { once } from 'node:events';
import http from 'node:http';
import { createRequire } from 'node:module';
import net from 'node:net';
import { CaptureHandler } from '../packages/server/dist/http/inbox/capture-handler.js';
import { inboxPlace } from '../packages/server/dist/http/inbox/place.js';
import { Capturing } from '../packages/server/dist/inbox/capturing.js';
import { InboxView } from '../packages/server/dist/inbox/view.js';
import { serveHelper } from '../trust/lib/server.js';

/** @param {import('node:net').Server} server */
async function portOf(server) {
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 });
  await once(server, 'listening');
  return /** @type {net.AddressInfo} */ (server.address()).port;
}

/** The least: node:http reads the body and answers. */
function bare() {
  return portOf(
    http.createServer((req, res) => {
      /** @type {Buffer[]} */
      const chunks = [];
      req.on('data', (chunk) => chunks.push(chunk));
      req.on('end', () => {
        res.writeHead(200, { 'Content-Length': 0 });
        res.end();
      });
    }),
  );
}

const ANSWER = { kind: 'reply', status: 200, headers: [], body: '', delayMs: 0, fault: null };

/** The product's own handler, with rules and recognition, on a store that keeps nothing. @param {string} name of an inbox */
function unstored(name) {
  const id = 'inb_bench';
  const inbox = { id, tenant: 'default', name, answer: ANSWER, rules: [], handshakes: true };
  const value = { ...inbox, keep: {}, signing: { scheme: null, secrets: [] } };
  let seq = 0;
  const captured = () => ({ id: `cap_${++seq}`, seq, dropped: 0 });
  const view = new InboxView();
  view.apply([/** @type {any} */ ({ kind: 'inbox', id, value })]);
  const capturing = new Capturing({
    store: /** @type {any} */ ({
      capture: async (/** @type {unknown[]} */ batch) => batch.map(captured),
    }),
    now: Date.now,
    random: Math.random,
    queueCountMax: 10_000,
    queueBytesMax: 2 ** 26,
    kept: () => undefined,
    answers: () => 'nowhere',
    at: () => {},
  });
  const handler = new CaptureHandler({
    view,
    capturing,
    refresh: undefined,
    logger: /** @type {any} */ (console),
    requestId: () => 'bench',
    bodyBytesMax: 2 ** 23,
    receivingBytesMax: 2 ** 26,
    pages: false,
  });
  return portOf(
    http.createServer((req, res) => {
      const place = inboxPlace(req, undefined);
      if (place) handler.handle({ req, res }, place);
      else res.writeHead(404).end();
    }),
  );
}

/**
 * A way to another port that takes its time: bytes, and the opening and end of a connection, arrive `ms`
 * later, in each direction.
 * @param {{ port: number, ms: number }} to
 */
function delay({ port, ms }) {
  return portOf(
    net.createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
      near.pause();
      setTimeout(() => {
        const far = net.connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
        far.once('connect', () => near.resume());
        later(near, far, ms);
        later(far, near, ms);
      }, ms);
    }),
  );
}

/** Timers of one length keep their order. @param {net.Socket} from @param {net.Socket} to @param {number} ms */
function later(from, to, ms) {
  from.on('data', (chunk) => setTimeout(() => to.write(chunk), ms));
  from.on('end', () => setTimeout(() => to.end(), ms));
  from.on('close', (broken) => broken && setTimeout(() => to.destroy(), ms));
  from.on('error', () => {});
}

/** @param {{ server: string }} options the file that loads it */
function localtunnelServer({ server }) {
  return portOf(createRequire(server)(server)({ max_tcp_sockets: 10 }));
}

/**
 * The client asks for its tunnel by HTTP; what the server said is handed to it, with the port by which it
 * is to go.
 * @param {{ server: string, told: { id: string }, local: number }} options
 */
async function localtunnelClient({ server, told, local }) {
  const desk = http.createServer((_, res) => {
    res.setHeader('Content-Type', 'application/json');
    res.end(JSON.stringify(told));
  });
  const host = `http://127.0.0.1:${await portOf(desk)}`;
  const tunnel = await createRequire(server)('localtunnel')({
    host,
    subdomain: told.id,
    port: local,
  });
  tunnel.on('error', () => {});
}

serveHelper({ bare, unstored, delay, localtunnelServer, localtunnelClient });
