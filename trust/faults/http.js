// @ts-check
/** F31, F32, F35, A36: TLS, DNS and HTTP that are not what they should be, and clients that are slow. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { expect, needs, quantile } from '../lib/check.js';
import { withNames } from '../lib/names.js';
import { tempDir } from '../lib/server.js';
import { healthLatencies, Stage } from '../lib/stage.js';
import { INVALID } from '../lib/zoo.js';
import { aim, oneAttempt } from './receivers.js';

/** @typedef {import('../lib/check.js').Programme} Programme */

/** A certificate authority and certificates of it, made by openssl. */
class Authority {
  dir = tempDir('posthorn-ca');

  constructor() {
    this.#openssl(
      'req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 30 -subj /CN=trust-ca',
    );
  }

  /** @param {string} words */
  #openssl(words) {
    execFileSync('openssl', words.split(' '), { cwd: this.dir, stdio: 'ignore' });
  }

  get file() {
    return path.join(this.dir, 'ca.pem');
  }

  /** @param {string} name @param {{ san: string, days?: number, selfSigned?: boolean }} options */
  issue(name, { san, days = 30, selfSigned = false }) {
    fs.writeFileSync(path.join(this.dir, 'ext'), `subjectAltName=${san}\n`);
    this.#openssl(
      `req -newkey rsa:2048 -nodes -keyout ${name}.key -out ${name}.csr -subj /CN=trust`,
    );
    const signer = selfSigned ? `-signkey ${name}.key` : '-CA ca.pem -CAkey ca.key -CAcreateserial';
    this.#openssl(
      `x509 -req -in ${name}.csr ${signer} -out ${name}.pem -days ${days} -extfile ext`,
    );
    const read = (/** @type {string} */ ending) =>
      fs.readFileSync(path.join(this.dir, `${name}.${ending}`));
    return { key: read('key'), cert: read('pem') };
  }
}

/**
 * A TLS receiver that answers 200 and remembers the first bytes of each connection.
 * @param {import('node:tls').TlsOptions} options
 */
async function tlsReceiver(options) {
  const state = { requests: 0, port: 0, close: () => {} };
  const server = tls.createServer(options, (socket) => {
    socket.on('error', () => {});
    socket.on('data', () => {
      state.requests++;
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    });
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  state.port = /** @type {import('node:net').AddressInfo} */ (server.address()).port;
  state.close = () => server.close();
  return state;
}

/** Takes connections, keeps the bytes and says nothing: a handshake that hangs. */
async function silentReceiver() {
  const state = { port: 0, bytes: Buffer.alloc(0), close: () => {} };
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      state.bytes = Buffer.concat([state.bytes, chunk]);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  state.port = /** @type {import('node:net').AddressInfo} */ (server.address()).port;
  state.close = () => server.close();
  return state;
}

/** @type {Programme} */
const tlsFaults = {
  id: 'F31',
  title:
    'TLS: good chain accepted; expired, self-signed, wrong host, old version, hanging handshake refused by name',
  async run() {
    needs('openssl', ['version']);
    const authority = new Authority();
    const good = authority.issue('good', { san: 'IP:127.0.0.1' });
    const old = { ...good, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' };
    /** @type {Record<string, import('node:tls').TlsOptions>} */
    const bad = {
      expired: authority.issue('expired', { san: 'IP:127.0.0.1', days: -1 }),
      'self-signed': authority.issue('alone', { san: 'IP:127.0.0.1', selfSigned: true }),
      'wrong host': authority.issue('other', { san: 'DNS:example.org,IP:127.0.0.2' }),
      'TLS 1.1': /** @type {any} */ (old),
    };
    return Stage.with({ env: { POSTHORN_EGRESS_CA_FILE: authority.file } }, async (stage) => {
      const fine = await tlsReceiver(good);
      const first = await oneAttempt(stage, `https://127.0.0.1:${fine.port}/`);
      fine.close();
      expect(
        first.status === 200,
        `a good certificate: status ${first.status}, ${first.fault} ${first.detail}`,
      );
      const details = [];
      for (const [name, options] of Object.entries(bad)) {
        const receiver = await tlsReceiver(options);
        const { fault, detail } = await oneAttempt(stage, `https://127.0.0.1:${receiver.port}/`);
        receiver.close();
        expect(fault === 'tls', `${name}: fault ${fault} instead of tls`);
        expect(detail !== '', `${name}: the log gives no reason`);
        expect(receiver.requests === 0, `${name}: a request was sent all the same`);
        details.push(`${name}: ${detail}`);
      }
      const silent = await silentReceiver();
      const { fault, timings } = await oneAttempt(stage, `https://127.0.0.1:${silent.port}/`);
      silent.close();
      expect(timings.totalMs <= 1250, `a hanging handshake took ${timings.totalMs} ms (${fault})`);
      expect(
        silent.bytes[0] === 22 && !silent.bytes.includes('POST'),
        'something was sent in clear',
      );
      return details.join('; ');
    });
  },
};

/** @type {Programme} */
const dnsFaults = {
  id: 'F32',
  title: 'DNS that fails in every way: named within 3 s, and nobody else waits',
  run: () =>
    withNames(async ({ wrap, zone }) =>
      Stage.with({ wrap }, async (stage) => {
        zone.set('fine.test', { addresses: ['127.0.0.1'] });
        zone.set('nx.test', { code: 3 });
        zone.set('servfail.test', { code: 2 });
        zone.set('empty.test', { addresses: [] });
        zone.set('loop.test', { cname: 'loop.test' });
        zone.set('truncated.test', { truncated: true });
        zone.set('silent.test', { silent: true });
        zone.set('late.test', { addresses: ['127.0.0.1'], delayMs: 10_000 });
        const port = stage.receiverPort;
        const fine = await oneAttempt(stage, `http://fine.test:${port}/ok/fine`);
        expect(fine.status === 200, `a good name: ${fine.status} ${fine.fault} ${fine.detail}`);
        const faults = await Promise.all(
          ['nx', 'servfail', 'empty', 'loop', 'truncated', 'silent', 'late'].map(async (name) => {
            const { fault, timings } = await oneAttempt(stage, `http://${name}.test:${port}/ok/x`, {
              timeoutMs: 5000,
            });
            expect(/^dns_/.test(fault ?? ''), `${name}: fault ${fault}`);
            expect(timings.totalMs <= 3300, `${name}: took ${timings.totalMs} ms`);
            return `${name} ${fault}`;
          }),
        );
        await blackHoles(stage, zone);
        return faults.join(', ');
      }),
    ),
};

/** 200 names without an answer beside a healthy one. @param {Stage} stage @param {Map<string, import('../lib/names.js').Answer>} zone */
async function blackHoles(stage, zone) {
  const names = Array.from({ length: 200 }, (_, i) => `hole${i}.test`);
  for (const name of names) {
    zone.set(name, { silent: true });
    await stage.api.endpoint(`http://${name}:${stage.receiverPort}/ok/hole`, ['hole.a'], {
      retryPolicy: { schedule: [] },
    });
  }
  const { id } = await stage.api.endpoint(`http://fine.test:${stage.receiverPort}/ok/well`, [
    'well.a',
  ]);
  await stage.api.event('hole.a');
  const lateness = [];
  for (let n = 0; n < 40; n++) {
    const posted = Date.now();
    await stage.api.event('well.a', n);
    await stage.ended(id);
    lateness.push(Date.now() - posted);
  }
  const p90 = quantile(lateness, 0.9);
  expect(
    p90 <= 200,
    `beside 200 black-holed names a healthy delivery took ${p90} ms (p90, with the polling)`,
  );
}

/** @type {Programme} */
const invalidHttp = {
  id: 'F35',
  title: `${INVALID.length} answers that are not HTTP: one failed attempt each, with a reason; the loop stays free`,
  run: ({ ci }) =>
    Stage.with({}, async (stage) => {
      const shots = [];
      for (const [i, answer] of INVALID.entries()) {
        shots.push({ ...answer, shoot: await aim(stage, `/invalid/${i}`) });
      }
      const all = Promise.all(
        shots.map(async ({ name, lenient, shoot }) => {
          const { status, fault, state } = await shoot();
          const refused = state === 'failed' && fault !== null;
          expect(
            refused || (lenient && status === 200),
            `"${name}": ${state}, status ${status}, fault ${fault}`,
          );
        }),
      );
      const health = quantile(await healthLatencies(stage.api, all), 0.95);
      await all;
      expect(stage.server.alive, 'the server ended');
      expect(health <= (ci ? 300 : 100), `health p95 ${health.toFixed(0)} ms`);
      return `health p95 ${health.toFixed(0)} ms`;
    }),
};

/** How long a request takes while something else happens. @param {import('../lib/api.js').Api} api @param {number} count */
async function postLatencies(api, count) {
  const took = [];
  for (let n = 0; n < count; n++) {
    const started = performance.now();
    await api.event('nobody.listens', { n });
    took.push(performance.now() - started);
  }
  return took;
}

/** Says a byte of a request a second and never ends it. @param {number} port @param {string} head */
function trickle(port, head) {
  const socket = net.connect(port, '127.0.0.1', () => socket.write(head));
  const timer = setInterval(() => socket.write('a'), 1000);
  socket.on('error', () => {});
  const closed = new Promise((resolve) => {
    socket.on('close', () => {
      clearInterval(timer);
      resolve(performance.now());
    });
  });
  return { socket, closed };
}

/** @type {Programme} */
const slowClients = {
  id: 'A36',
  slow: true,
  title: 'clients that never end their requests are cut, and nobody waits for them',
  run: ({ ci }) =>
    Stage.with({}, async (stage) => {
      const { api, server } = stage;
      await postLatencies(api, 50);
      const alone = quantile(await postLatencies(api, 200), 0.99);
      const half = ci ? 500 : 5000;
      const path = 'POST /api/v1/tenants/default/events HTTP/1.1\r\nHost: a\r\n';
      const body = `${path}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`;
      const started = performance.now();
      const slow = Array.from({ length: 2 * half }, (_, i) =>
        trickle(server.port, i < half ? `${path}X-Slow: ` : body),
      );
      await sleep(2000);
      const beside = quantile(await postLatencies(api, 200), 0.99);
      // Heads have 10 s, whole requests 30 s, and both are looked at every 5 s.
      const cut = Promise.all(slow.slice(0, half).map(({ closed }) => closed));
      const all = Promise.all(slow.map(({ closed }) => closed));
      const end = await Promise.race([ci ? cut : all, sleep(ci ? 20_000 : 45_000)]);
      for (const { socket } of slow) socket.destroy();
      expect(end !== undefined, 'slow connections were kept');
      const s = ((Math.max(...end) - started) / 1000).toFixed(1);
      const limit = 2 * alone + 50;
      const p99 = `${beside.toFixed(1)} ms beside ${2 * half} slow clients, ${alone.toFixed(1)} ms alone`;
      expect(beside <= limit, `the p99 of others was ${p99}`);
      return `the last one was cut after ${s} s; p99 ${p99}`;
    }),
};

/** @type {readonly Programme[]} */
export const programmes = [slowClients, tlsFaults, dnsFaults, invalidHttp];
