// @ts-check
/**
 * The load generator: hand-written keep-alive HTTP/1.1 that patches the send time into a ready-made
 * request, so that it costs little beside what it measures. Closed loop (the next when the last is
 * answered) or open loop (a given rate, whatever the answers do).
 */
import net from 'node:net';
import { performance } from 'node:perf_hooks';
import { serveHelper } from '../trust/lib/server.js';
import { Histogram } from './histogram.js';

/**
 * @typedef {object} Orders
 * @property {number} port
 * @property {string} [key] absent = no Authorization
 * @property {string} type event type; `#` in it becomes a number below `types`, as five digits
 * @property {number} types
 * @property {number} connections
 * @property {number} bodyBytes of each POST
 * @property {number} seconds
 * @property {number} [rate] events per second; absent = closed loop
 * @property {string} [path] absent = the API's ingestion route
 * @property {string} [host] of the Host header
 * @property {number} [taken] the status that counts; absent = 202
 */

const now = () => performance.timeOrigin + performance.now();
const INGESTION = '/api/v1/tenants/default/events';
/** An open loop that falls behind by this many requests is overrun; it says so instead of queueing on. */
const BEHIND_MAX = 100_000;

/** A request with the offsets of what changes in it. @param {Orders} orders */
function template({ port, key, type, bodyBytes, path = INGESTION, host = `127.0.0.1:${port}` }) {
  const open = `{"type":"${type.replace('#', '00000')}","data":{"sentAt":1234567890123.000,"pad":"`;
  const body = `${open}${'x'.repeat(Math.max(0, bodyBytes - open.length - 3))}"}}`;
  const authorization = key === undefined ? '' : `Authorization: Bearer ${key}\r\n`;
  const head =
    `POST ${path} HTTP/1.1\r\nHost: ${host}\r\n${authorization}` +
    `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  return {
    bytes: Buffer.from(head + body, 'latin1'),
    sentAt: head.length + body.indexOf('1234567890123'),
    number: type.includes('#') ? head.length + body.indexOf('00000') : -1,
  };
}

/** One kept connection with at most one request on it. */
class Connection {
  #socket;
  #bytes;
  #rest = '';
  #taken;
  sentAt = 0;

  /** @param {{ orders: Orders, ready: ReturnType<typeof template>, answered: (connection: Connection, taken: boolean) => void }} options */
  constructor({ orders, ready, answered }) {
    this.orders = orders;
    this.ready = ready;
    this.#bytes = Buffer.from(ready.bytes);
    this.#taken = `HTTP/1.1 ${orders.taken ?? 202} `;
    this.#socket = net.connect({ port: orders.port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => answered(this, false));
    this.#socket.on('data', (chunk) => {
      const text = this.#rest + chunk.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1]);
      if (end < 0 || text.length < end + 4 + length) {
        this.#rest = text;
        return;
      }
      this.#rest = '';
      answered(this, text.startsWith(this.#taken));
    });
  }

  /** @param {number} sentAt when it was due, so that an open loop counts its own waiting too */
  send(sentAt) {
    this.sentAt = sentAt;
    const bytes = this.#bytes;
    bytes.write(sentAt.toFixed(3), this.ready.sentAt, 'latin1');
    if (this.ready.number >= 0) {
      const number = Math.floor(Math.random() * this.orders.types);
      bytes.write(String(number).padStart(5, '0'), this.ready.number, 'latin1');
    }
    this.#socket.write(bytes);
    // What the kernel did not take at once is still the socket's: the next request needs its own copy.
    if (this.#socket.writableLength > 0) this.#bytes = Buffer.from(bytes);
  }

  close() {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }
}

/** @param {Orders} orders */
async function run(orders) {
  const ready = template(orders);
  const accept = new Histogram();
  const result = { accepted: 0, refused: 0, overrun: false, startedAt: now(), endedAt: 0, sent: 0 };
  const until = result.startedAt + orders.seconds * 1000;
  /** @type {Connection[]} */
  const idle = [];
  /** @type {number[]} */
  const due = [];
  let open = 0;
  const answered = (/** @type {Connection} */ connection, /** @type {boolean} */ taken) => {
    open--;
    if (taken) result.accepted++;
    else result.refused++;
    accept.add(now() - connection.sentAt);
    const next = orders.rate === undefined ? now() : due.shift();
    if (next === undefined || (orders.rate === undefined && next >= until)) idle.push(connection);
    else send(connection, next);
  };
  const send = (/** @type {Connection} */ connection, /** @type {number} */ at) => {
    open++;
    result.sent++;
    connection.send(at);
  };
  const connections = Array.from(
    { length: orders.connections },
    () => new Connection({ orders, ready, answered }),
  );
  if (orders.rate === undefined) for (const connection of connections) send(connection, now());
  else idle.push(...connections);
  await pace({ orders, until, idle, due, result, send });
  const patience = now() + 20_000;
  while (open > 0 && now() < patience) await tick();
  result.endedAt = now();
  for (const connection of connections) connection.close();
  return {
    ...result,
    unanswered: open,
    acceptP50: accept.quantile(0.5),
    acceptP99: accept.quantile(0.99),
  };
}

/** Sleeps out a closed loop; makes requests due in an open one. */
async function pace(
  /** @type {{ orders: Orders, until: number, idle: Connection[], due: number[], result: { startedAt: number, overrun: boolean }, send: (connection: Connection, at: number) => void }} */ plan,
) {
  const { orders, until, idle, due, result, send } = plan;
  let made = 0;
  while (now() < until) {
    if (orders.rate !== undefined) {
      const wanted = Math.floor(((now() - result.startedAt) / 1000) * orders.rate);
      for (; made < wanted; made++) {
        const at = result.startedAt + (made * 1000) / orders.rate;
        const connection = idle.pop();
        if (connection !== undefined) send(connection, at);
        else if (due.push(at) > BEHIND_MAX) {
          result.overrun = true;
          return;
        }
      }
    }
    await tick();
  }
}

const tick = () => new Promise((resolve) => setTimeout(resolve, 1));

serveHelper({ run });
