// What posting an event costs through node:http directly and through Fastify: CPU time of the serving
// process per request, with the same authentication, the same parser and a publisher that answers at
// once. Run after `npm run build`: node bench/ingest-route.js [runs] [requests per run]
import { fork } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseEvents } from '@posthorn/wire';
import Fastify from 'fastify';
import { Authenticator, authorize } from '../packages/server/dist/http/auth.js';
import { createRequestIds } from '../packages/server/dist/http/request-id.js';
import { createHttpServer } from '../packages/server/dist/http/server.js';

const KEY = 'phk_bench';
const TENANT = 'default';
const PATH = `/api/v1/tenants/${TENANT}/events`;
const CONNECTIONS = 64;
const BODY_BYTES = 1024;

const config = {
  version: 1,
  keyByHash: (hex) =>
    hex === sha256(KEY)
      ? { id: 'key_1', tenant: TENANT, scopes: ['publish'], expiresAt: null }
      : undefined,
  tenant: (id) => (id === TENANT ? { id } : undefined),
};
const published = [{ id: 'evt_01m80gkt5ae00s5qwkzgjnme2d', deliveries: 1, duplicate: false }];
const publisher = { publish: () => Promise.resolve(published) };

function sha256(text) {
  return createHash('sha256').update(text).digest('hex');
}

// ---- the two servers ---------------------------------------------------------------------------

async function startRaw() {
  const quiet = { info() {}, warn() {}, error() {} };
  const rest = {
    registry: {},
    log: {},
    configStore: {},
    ready: async () => ({}),
    metrics: async () => '',
  };
  const { server, listen } = await createHttpServer({
    ...rest,
    publisher,
    config,
    logger: quiet,
    version: '0',
    now: Date.now,
  });
  await listen({ host: '127.0.0.1', port: 0 });
  return server;
}

async function startFastify() {
  const authenticator = new Authenticator({ config, now: Date.now });
  const requestId = createRequestIds(randomBytes);
  let server;
  const app = Fastify({
    serverFactory: (handler) => (server = http.createServer(handler)),
    bodyLimit: 8_388_608,
    genReqId: (req) => requestId(req.headers['x-request-id']),
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );
  app.post(
    '/api/v1/tenants/:tenant/events',
    {
      onRequest: (request, _reply, done) => {
        const { tenant } = request.params;
        authorize(authenticator.authenticate(request.raw), 'publish', tenant);
        if (config.tenant(tenant) === undefined) throw new Error('no tenant');
        done();
      },
    },
    (request, reply) => {
      const { events } = parseEvents(request.body, {});
      // Not awaited, as in the raw handler; this publisher never rejects.
      void publisher.publish(request.params.tenant, events).then(([one]) => {
        const body = `{"id":"${one.id}","deliveries":${one.deliveries},"duplicate":${one.duplicate}}`;
        reply
          .code(202)
          .headers({
            'Content-Type': 'application/json',
            'Cache-Control': 'no-store',
            'X-Content-Type-Options': 'nosniff',
            'X-Request-Id': request.id,
          })
          .send(body);
      });
    },
  );
  await app.ready();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function serve(kind) {
  const server = await (kind === 'raw' ? startRaw() : startFastify());
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send({ cpuUs: user + system });
  });
  process.on('disconnect', () => process.exit(0));
  process.send({ port: server.address().port });
}

// ---- the load ------------------------------------------------------------------------------------

function requestBytes() {
  const event = { type: 'user.created', data: { text: '' } };
  event.data.text = 'x'.repeat(BODY_BYTES - JSON.stringify(event).length);
  const body = JSON.stringify(event);
  return Buffer.from(
    `POST ${PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${KEY}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}

/** Sends `count` requests over the sockets, one at a time on each; resolves when all are answered. */
function load(sockets, count) {
  const request = requestBytes();
  let left = count;
  let open = 0;
  return new Promise((resolve, reject) => {
    const next = (socket) => {
      if (left-- > 0) {
        open++;
        socket.write(request);
      } else if (open === 0) resolve();
    };
    for (const socket of sockets) {
      let text = '';
      socket.removeAllListeners('data');
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
        const end = text.indexOf('\r\n\r\n');
        if (end < 0) return;
        const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1]);
        if (text.length < end + 4 + length) return;
        if (!text.startsWith('HTTP/1.1 202 ')) reject(new Error(text));
        text = '';
        open--;
        next(socket);
      });
      next(socket);
    }
  });
}

async function ask(child) {
  child.send('cpu');
  const [{ cpuUs }] = await once(child, 'message');
  return cpuUs;
}

async function start(kind) {
  const child = fork(fileURLToPath(import.meta.url), ['serve', kind]);
  const [{ port }] = await once(child, 'message');
  const sockets = Array.from({ length: CONNECTIONS }, () => net.connect(port, '127.0.0.1'));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  return { kind, child, sockets, costs: [] };
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

async function measure(runs, requests) {
  const servers = [await start('raw'), await start('fastify')];
  for (const server of servers) await load(server.sockets, requests);
  for (let run = 0; run < runs; run++) {
    for (const server of servers) {
      const before = await ask(server.child);
      await load(server.sockets, requests);
      server.costs.push(((await ask(server.child)) - before) / requests);
    }
  }
  for (const { sockets, child } of servers) {
    for (const socket of sockets) socket.destroy();
    child.disconnect();
  }
  const ratios = servers[0].costs.map((cost, i) => servers[1].costs[i] / cost);
  // Runs that stood beside each other met the same noise of the machine.
  const ratio = median(ratios);
  const us = (values) => values.map((value) => Number(value.toFixed(1)));
  console.log(
    JSON.stringify({
      bench: 'ingest-route',
      node: process.version,
      bodyBytes: BODY_BYTES,
      connections: CONNECTIONS,
      requests,
      rawUs: us(servers[0].costs),
      fastifyUs: us(servers[1].costs),
      ratio: Number(ratio.toFixed(3)),
      ratios: ratios.map((value) => Number(value.toFixed(3))),
    }),
  );
  console.log('\nCPU per request     median      min      max');
  for (const { kind, costs } of servers) {
    const cells = [median(costs), Math.min(...costs), Math.max(...costs)];
    console.log(
      kind.padEnd(16) + cells.map((cell) => `${cell.toFixed(1)} µs`.padStart(9)).join(''),
    );
  }
  console.log(`fastify / raw, median of the pairs: ${ratio.toFixed(2)}`);
}

if (process.argv[2] === 'serve') await serve(process.argv[3]);
else await measure(Number(process.argv[2] ?? 7), Number(process.argv[3] ?? 20_000));
