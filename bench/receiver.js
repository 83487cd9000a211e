// @ts-check
/**
 * The cheap receiver: counts, takes the end-to-end time from `sentAt` in the body, checks one signature
 * in many. Requests to `/hang…` are never answered, one in fifty to `/flaky…` is answered by 500. Several
 * listeners stand for several hosts.
 */
import { once } from 'node:events';
import net from 'node:net';
import { performance } from 'node:perf_hooks';
import { serveHelper } from '../trust/lib/server.js';
import { keyOf, verifies } from '../trust/lib/signature.js';
import { readRequests } from '../trust/lib/wire.js';
import { Histogram } from './histogram.js';

const OK = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
const REASON = 'closed for maintenance';
const FAILED = Buffer.from(
  `HTTP/1.1 500 Failed\r\nContent-Length: ${REASON.length}\r\n\r\n${REASON}`,
);
const FAIL_EVERY = 50;
const SENT_AT = Buffer.from('"sentAt":');
const VERIFY_EVERY = 100;

const state = { count: 0, hanging: 0, firstAt: 0, lastAt: 0, verified: 0, bad: 0 };
const latency = new Histogram();
/** @type {Buffer | undefined} */
let key;

const now = () => performance.timeOrigin + performance.now();

/** @param {import('node:net').Socket} socket */
function serve(socket) {
  socket.on('error', () => socket.destroy());
  readRequests(socket, ({ head, body, path }) => {
    if (path.startsWith('/hang')) {
      state.hanging++;
      return;
    }
    socket.write(path.startsWith('/flaky') && state.count % FAIL_EVERY === 0 ? FAILED : OK);
    const at = now();
    if (state.count++ === 0) state.firstAt = at;
    state.lastAt = at;
    const start = body.indexOf(SENT_AT);
    if (start >= 0) {
      const from = start + SENT_AT.length;
      latency.add(at - Number(body.toString('latin1', from, from + 17)));
    }
    if (key !== undefined && state.count % VERIFY_EVERY === 0) {
      if (verifies(key, { head, body })) state.verified++;
      else state.bad++;
    }
  });
}

serveHelper({
  /** Opens `count` listeners; resolves with their ports. @param {{ count: number, secret: string }} options */
  async listen({ count, secret }) {
    key = keyOf(secret);
    const ports = [];
    for (let i = 0; i < count; i++) {
      const server = net.createServer({ noDelay: true }, serve);
      server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 });
      await once(server, 'listening');
      ports.push(/** @type {import('node:net').AddressInfo} */ (server.address()).port);
    }
    return ports;
  },
  reset() {
    Object.assign(state, { count: 0, hanging: 0, firstAt: 0, lastAt: 0, verified: 0, bad: 0 });
    latency.clear();
  },
  read: () => ({ ...state, p50: latency.quantile(0.5), p99: latency.quantile(0.99) }),
});
