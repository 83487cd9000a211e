// @ts-check
/** The inbox: nothing lost on the way to a laptop that dies, every byte as sent, nothing for strangers. */
import { spawn } from 'node:child_process';
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';
import { decodePacket, encodeFrame } from '../packages/server/dist/inbox/frames.js';
import { expect, waitFor } from './lib/check.js';
import { ADMIN_KEY, MAIN, startServer, tempDir } from './lib/server.js';

/** @typedef {import('./lib/check.js').Programme} Programme */
/** @typedef {{ id: string, name: string, url: string }} Inbox */

const sha256 = (/** @type {Uint8Array} */ bytes) =>
  createHash('sha256').update(bytes).digest('hex');

/** The product, local servers and laptops, all ended with the programme. */
class Field {
  /** @type {(() => unknown)[]} */
  #closers = [];
  agent = new http.Agent({ keepAlive: true, maxSockets: 64 });

  /** @param {(field: Field) => Promise<string | void>} play @param {Record<string, string>} [env] */
  static async with(play, env = {}) {
    const field = new Field();
    field.server = await startServer({
      dataDir: path.join(tempDir('posthorn-inbox'), 'data'),
      env: { POSTHORN_LOG_LEVEL: 'warn', ...env },
    });
    try {
      return await play(field);
    } finally {
      field.agent.destroy();
      for (const close of field.#closers.reverse()) await close();
      if (field.server.alive) await field.server.kill();
    }
  }

  /** @type {import('./lib/server.js').Server} */
  server = /** @type {any} */ (undefined);

  /** @param {string} name @param {Record<string, unknown>} [more] @returns {Promise<Inbox>} */
  async inbox(name, more = {}) {
    const keep = { captures: 100_000, bytes: 2 ** 30 };
    const body = { name, keep, ...more };
    const answer = await this.server.api.request('POST', '/inboxes', { body });
    expect(answer.status === 201, `no inbox: ${answer.text}`);
    return answer.json;
  }

  /** @param {http.RequestListener} listener */
  async local(listener) {
    const server = http.createServer(listener).listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.#closers.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return /** @type {import('node:net').AddressInfo} */ (server.address()).port;
  }

  /** `posthorn listen`; resolves when it is attached. @param {number} port @param {string} inbox @param {string[]} more */
  async laptop(port, inbox, ...more) {
    const argv = [
      'listen',
      String(port),
      '--inbox',
      inbox,
      '--json',
      '--backlog',
      'replay',
      ...more,
    ];
    const child = spawn(process.execPath, [MAIN, ...argv], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: {
        PATH: process.env.PATH,
        HOME: tempDir('posthorn-home'),
        POSTHORN_URL: this.server.origin,
        POSTHORN_KEY: ADMIN_KEY,
      },
    });
    this.#closers.push(() => child.kill('SIGKILL'));
    const up = new Promise((resolve) => {
      child.stdout.setEncoding('utf8').on('data', (text) => {
        if (text.includes('"connected"')) resolve(undefined);
      });
    });
    await Promise.race([up, once(child, 'exit')]);
    return child;
  }

  /**
   * @param {string} url @param {Uint8Array | string} body @param {http.OutgoingHttpHeaders | string[]} [headers]
   * @returns {Promise<{ status: number, capture: string, headers: http.IncomingHttpHeaders, text: string }>}
   */
  send(url, body, headers = {}) {
    return new Promise((resolve, reject) => {
      const options = { method: 'POST', agent: this.agent, headers };
      const req = http.request(url, options, (res) => {
        let text = '';
        res.setEncoding('latin1').on('data', (chunk) => {
          text += chunk;
        });
        res.on('end', () => {
          const capture = String(res.headers['x-posthorn-capture'] ?? '');
          resolve({ status: res.statusCode ?? 0, capture, headers: res.headers, text });
        });
      });
      req.on('error', reject);
      req.end(body);
    });
  }

  /** Numbers of all captures by id. @param {Inbox} inbox */
  async numbers(inbox) {
    const found = new Map();
    for (let after = 0; ; ) {
      const page = `/inboxes/${inbox.id}/captures?limit=200&after=${after}`;
      const { json } = await this.server.api.request('GET', page);
      if (json.items.length === 0) return found;
      for (const { id, seq } of json.items) found.set(id, seq);
      after = json.items.at(-1).seq;
    }
  }
}

/** @type {Programme} */
const dying = {
  id: 'I1',
  title: 'a laptop that is killed and suspended at random loses nothing, and senders never notice',
  run: ({ ci, note }) =>
    Field.with(async (field) => {
      const events = ci ? 2_000 : 20_000;
      const inbox = await field.inbox('dying');
      /** @type {string[]} */
      const seen = [];
      const port = await field.local((req, res) => {
        seen.push(String(req.headers['x-posthorn-capture']));
        req.resume();
        res.end();
      });
      // A new listener begins behind what is there.
      let laptop = await field.laptop(port, inbox.name);
      const accepted = new Map();
      let sending = true;
      let next = 0;
      const statuses = new Map();
      const sender = async () => {
        while (next < events) {
          const n = next++;
          const { status, capture } = await field.send(inbox.url, `{"n":${n}}`);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          accepted.set(capture, n);
        }
      };
      const sent = Promise.all(Array.from({ length: 8 }, sender)).then(() => {
        sending = false;
      });
      const faults = { killed: 0, suspended: 0 };
      const least = ci ? 2 : 6;
      while (sending || faults.killed < least) {
        await sleep(randomInt(200, ci ? 700 : 1500));
        if (randomInt(2) === 0 && faults.killed >= least / 2) {
          faults.suspended += 1;
          laptop.kill('SIGSTOP');
          await sleep(randomInt(100, 800));
          laptop.kill('SIGCONT');
        } else {
          faults.killed += 1;
          laptop.kill('SIGKILL');
          await sleep(randomInt(0, 400));
          laptop = await field.laptop(port, inbox.name);
        }
      }
      await sent;
      const distinct = () => new Set(seen).size;
      await waitFor(`all ${events} at the laptop`, () => distinct() >= events, {
        timeoutMs: 120_000,
      });
      const numbers = await field.numbers(inbox);
      const order = [...new Set(seen)].map((id) => numbers.get(id));
      const wrong = order.filter((seq, i) => i > 0 && seq < order[i - 1]).length;
      const lost = [...accepted.keys()].filter((id) => !seen.includes(id)).length;
      const twice = seen.length - distinct();
      note(`${faults.killed} kills, ${faults.suspended} suspensions, ${twice} delivered twice`);
      expect(statuses.size === 1 && statuses.get(200) === events, `answers: ${[...statuses]}`);
      expect(lost === 0, `${lost} lost`);
      expect(wrong === 0, `${wrong} out of order`);
      expect(twice <= 256 * (faults.killed + 1), `${twice} twice, more than a window per kill`);
      return `${events} events, 0 lost`;
    }),
};

/** @type {Programme} */
const bytes = {
  id: 'I2',
  title: 'every byte arrives as it was sent; 50 MB does not hold up 1 KB',
  run: () =>
    Field.with(
      async (field) => {
        const inbox = await field.inbox('bytes');
        /** @type {Map<string, { hash: string, at: number, raw: string[] }>} */
        const seen = new Map();
        const port = await field.local((req, res) => {
          const hash = createHash('sha256');
          req.on('data', (chunk) => hash.update(chunk));
          req.on('end', () => {
            seen.set(req.url ?? '', {
              hash: hash.digest('hex'),
              at: Date.now(),
              raw: req.rawHeaders,
            });
            res.end();
          });
        });
        await field.laptop(port, inbox.name, '--concurrency', '2');
        const bodies = {
          '/all-values': Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
          '/numbers': Buffer.from('{"a":12345678901234567890,"b":1.0,"c":1e400}'),
          '/crlf': Buffer.from('{\r\n  "a": "\u00e9"\r\n}\r\n'),
          '/bom': Buffer.from('\ufeff{"a":1}'),
          '/random': randomBytes(3_000_001),
          '/empty': Buffer.alloc(0),
        };
        const odd = [
          'X-oDd',
          'one',
          'x-odd',
          'two',
          'X-ODD',
          ' three'.trim(),
          'X-Latin',
          '\xe9\xff',
        ];
        for (const [at, body] of Object.entries(bodies)) {
          const headers = ['Host', 'h', ...odd, 'Content-Length', String(body.length)];
          await field.send(inbox.url + at, body, headers);
        }
        await waitFor('all bodies', () => seen.size === Object.keys(bodies).length);
        for (const [at, body] of Object.entries(bodies)) {
          expect(seen.get(at)?.hash === sha256(body), `${at} was changed`);
          const raw = seen.get(at)?.raw.slice(2, 2 + odd.length);
          expect(JSON.stringify(raw) === JSON.stringify(odd), `${at}: headers ${raw}`);
        }
        const large = randomBytes(50_000_000);
        await field.send(`${inbox.url}/large`, large);
        await field.send(`${inbox.url}/small`, randomBytes(1024));
        await waitFor('both', () => seen.has('/large') && seen.has('/small'), {
          timeoutMs: 60_000,
        });
        const [big, small] = [seen.get('/large'), seen.get('/small')];
        expect(big?.hash === sha256(large), '50 MB were changed');
        const before = (big?.at ?? 0) - (small?.at ?? 0);
        expect(before > 0, `the small one came ${-before} ms after the large one`);
        return `the small one was there ${before} ms before the large one`;
      },
      { POSTHORN_INBOX_BODY: '64MiB', POSTHORN_INBOX_QUEUE: '256MiB' },
    ),
};

/**
 * A client that speaks the tunnel's frames itself.
 * @param {string} origin @param {Record<string, unknown>} hello
 */
function attach(origin, hello) {
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/_t`, 'posthorn.tunnel.v1');
  /** @type {any[]} */
  const frames = [];
  const told = { opened: 0, frames, socket, on: (/** @type {any} */ _frame) => {} };
  const first = {
    ...{ token: ADMIN_KEY, listener: 'race', mode: 'fanout', from: 'acked', takeOver: false },
    ...{ filter: '', window: 16, responder: false, agent: 'trust', ...hello },
  };
  socket.on('open', () =>
    socket.send(encodeFrame(/** @type {any} */ ({ type: 'hello', hello: first }))),
  );
  socket.on('error', () => {});
  socket.on('message', (data) => {
    for (const frame of decodePacket(/** @type {Buffer} */ (data))) {
      frames.push(frame);
      if (frame.type === 'open') told.opened += 1;
      told.on(frame);
    }
  });
  return told;
}

/** @param {ReturnType<typeof attach>} client @param {string} type */
const heard = (client, type) =>
  waitFor(type, () => client.frames.find((frame) => frame.type === type), { everyMs: 1 });

/** @type {Programme} */
const races = {
  id: 'A49',
  title: 'a listener has one holder: nothing crosses in races; names belong to who chose them',
  run: ({ ci }) =>
    Field.with(async (field) => {
      const rounds = ci ? 60 : 1000;
      const { origin, api } = field.server;
      const inbox = await field.inbox('races');
      let crossed = 0;
      /** @type {ReturnType<typeof attach> | undefined} */
      let holder;
      /** @type {Set<number>} */
      const acked = new Set();
      for (let round = 0; round < rounds; round++) {
        const before = holder;
        const client = attach(origin, { inbox: inbox.name });
        client.on = (frame) => {
          if (frame.type === 'welcome') {
            client.socket.send(encodeFrame({ type: 'credit', stream: 0, bytes: 1_000_000 }));
          }
          if (frame.type !== 'open') return;
          const { seq } = frame.head;
          if (holder !== client && holder !== before) crossed += 1;
          acked.add(seq);
          const result = { seq, status: 200, ms: 1, error: null, truncated: false };
          client.socket.send(encodeFrame({ type: 'ack', results: [result] }));
        };
        // A new listener begins behind what is there: the first one is attached before anything comes.
        if (before === undefined) await heard(client, 'welcome');
        const sending = field.send(inbox.url, `${round}`);
        await heard(client, 'welcome');
        holder = client;
        const count = before?.opened ?? 0;
        await sending;
        if (before) {
          await heard(before, 'goaway');
          if (before.opened > count) crossed += 1;
          before.socket.terminate();
        }
      }
      await waitFor('every capture', () => acked.size >= rounds, { timeoutMs: 30_000 });
      expect(crossed === 0, `${crossed} reached who no longer held it`);
      await strangers(field, inbox);
      const claims = await Promise.all(
        Array.from({ length: 20 }, () =>
          api.request('POST', '/inboxes', { body: { name: 'claimed' } }),
        ),
      );
      const won = claims.filter(({ status }) => status === 201);
      expect(won.length === 1, `${won.length} got one name`);
      await api.request('DELETE', `/inboxes/${won[0]?.json.id}`);
      await api.request('PUT', '/api/v1/tenants/other', { body: {} });
      const stolen = await api.request('POST', '/api/v1/tenants/other/inboxes', {
        body: { name: 'claimed' },
      });
      expect(stolen.status === 409, `a released name went to a stranger: ${stolen.status}`);
      return `${rounds} races, 0 crossed`;
    }),
};

/** Keys of others, of another scope, and none. @param {Field} field @param {Inbox} inbox */
async function strangers({ server }, inbox) {
  const { api, origin } = server;
  await api.request('PUT', '/api/v1/tenants/other', { body: {} });
  const key = async (/** @type {object} */ body) =>
    (await api.request('POST', '/api/v1/keys', { body: { name: 'x', ...body } })).json.key;
  const tokens = [
    await key({ tenant: 'other', scopes: ['read', 'write'] }),
    await key({ tenant: 'default', scopes: ['publish'] }),
    '',
    inbox.url,
  ];
  for (const token of tokens) {
    const client = attach(origin, { inbox: inbox.name, token, takeOver: true });
    const { reason } = await heard(client, 'goaway');
    expect(/no_inbox|unauthorized/.test(reason), `a stranger was told ${reason}`);
    expect(client.opened === 0, 'a stranger was sent a capture');
  }
}

const PAYLOADS = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "';alert(1)//",
  '<svg onload=alert(1)>',
  '</pre><script>alert(1)</script>',
  'javascript:alert(1)',
  '{{constructor.constructor("alert(1)")()}}',
  '\u2028<iframe srcdoc="<script>alert(1)</script>">',
];

/** @type {Programme} */
const pages = {
  id: 'A47',
  title: 'no answer below an inbox and no shared page runs, loads or sets anything',
  run: () =>
    Field.with(async (field) => {
      const { api } = field.server;
      const page = { status: 200, body: '{{body.x}}<script>alert(1)</script>' };
      const types = ['text/html', 'image/svg+xml', 'application/xhtml+xml', 'TEXT/HTML; charset=x'];
      for (const [i, type] of types.entries()) {
        const headers = [{ name: 'Content-Type', value: type }];
        const inbox = await field.inbox(`page-${i}`, {
          answer: { kind: 'reply', ...page, headers },
        });
        for (const payload of PAYLOADS) {
          const { headers: got } = await field.send(inbox.url, JSON.stringify({ x: payload }));
          const { 'content-security-policy': policy = '' } = got;
          expect(/^sandbox; default-src 'none'/.test(policy), `${type}: ${policy}`);
          expect(got['x-content-type-options'] === 'nosniff', `${type}: no nosniff`);
          expect(got['set-cookie'] === undefined, 'a cookie');
          expect(/^text\/plain/.test(got['content-type'] ?? ''), `a page: ${got['content-type']}`);
          expect(/noindex/.test(String(got['x-robots-tag'])), 'search engines may keep it');
          expect(got['referrer-policy'] === 'no-referrer', 'a referrer is sent on');
        }
      }
      const inbox = await field.inbox('shown');
      for (const payload of PAYLOADS) {
        const safe = encodeURIComponent(payload);
        await field.send(`${inbox.url}/${safe}?${safe}=${safe}`, payload, {
          'X-A': encodeURI(payload),
        });
      }
      const share = await api.request('POST', `/inboxes/${inbox.id}/shares`, { body: {} });
      const shown = await fetch(field.server.origin + new URL(share.json.url).pathname);
      const text = await shown.text();
      expect(shown.status === 200 && text.includes('POST'), `no page: ${shown.status}`);
      expect(!/<(?:script|img|iframe|svg)/i.test(text), 'markup of a stranger is on the page');
      const policy = shown.headers.get('content-security-policy') ?? '';
      expect(/default-src 'none'/.test(policy) && !/script/.test(policy), `policy: ${policy}`);
      return `${types.length * PAYLOADS.length} answers and a page of ${PAYLOADS.length}`;
    }),
};

/** @type {Programme} */
const guesses = {
  id: 'A48',
  title: 'inbox URLs cannot be guessed, and the URL of an inbox reads nothing',
  run: ({ ci }) =>
    Field.with(async (field) => {
      const count = ci ? 10_000 : 1_000_000;
      const { api, port } = field.server;
      const made = await api.request('POST', '/inboxes', { body: {} });
      expect(made.json.name.length >= 26, `${made.json.name} has less than 128 bits`);
      const text = () => randomBytes(16).toString('hex').slice(0, 26);
      const found = await pipelined(port, count, () => `/in/${text()}`);
      expect(found === 0, `${found} guesses found something`);
      await field.send(made.json.url, 'secret');
      for (const token of [made.json.name, made.json.url, made.json.id]) {
        const answer = await fetch(
          `${field.server.origin}/api/v1/tenants/default/inboxes/${made.json.id}/captures`,
          { headers: { authorization: `Bearer ${token}` } },
        );
        expect(answer.status === 401, `the ingest URL reads: ${answer.status}`);
      }
      return `${count} guesses, 0 found`;
    }),
};

/** How many answers are not 404. @param {number} port @param {number} count @param {() => string} target */
async function pipelined(port, count, target) {
  const socket = net.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  let answered = 0;
  let other = 0;
  let rest = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    rest += chunk;
    const lines = rest.split('HTTP/1.1 ');
    rest = `HTTP/1.1 ${lines.pop()}`;
    for (const line of lines) {
      if (line === '') continue;
      answered += 1;
      if (!line.startsWith('404')) other += 1;
    }
  });
  for (let sent = 0; sent < count; ) {
    const batch = Math.min(100, count - sent);
    let text = '';
    for (let i = 0; i < batch; i++) text += `GET ${target()} HTTP/1.1\r\nHost: h\r\n\r\n`;
    socket.write(text);
    sent += batch;
    // The last answer stays in `rest`, because nothing tells its end.
    await waitFor('answers', () => answered >= sent - 1, { everyMs: 0 });
  }
  socket.destroy();
  return other;
}

/** @type {Programme} */
const fuzz = {
  id: 'A50',
  slow: true,
  title: 'frames of any kind crash nothing; a tunnel leads to the one port that was named',
  run: ({ ci }) =>
    Field.with(async (field) => {
      const { origin, api } = field.server;
      const inbox = await field.inbox('fuzz');
      const until = Date.now() + (ci ? 5_000 : 600_000);
      let packets = 0;
      while (Date.now() < until) {
        const client = attach(origin, { inbox: inbox.name, listener: 'fuzz' });
        const how = randomInt(3);
        if (how > 0) await waitFor('an answer', () => client.frames.length > 0, { everyMs: 1 });
        for (let i = 0; i < 20 && client.socket.readyState === WebSocket.OPEN; i++) {
          client.socket.send(broken());
          packets += 1;
        }
        await sleep(1);
        client.socket.terminate();
      }
      expect(field.server.alive, 'the server ended');
      expect((await api.request('GET', '/healthz')).status === 200, 'the server is not well');
      const decoy = { hits: 0 };
      const decoyPort = await field.local((_, res) => {
        decoy.hits += 1;
        res.end();
      });
      /** @type {string[]} */
      const seen = [];
      const port = await field.local((req, res) => {
        seen.push(`${req.headers.host} ${req.url}`);
        res.end();
      });
      await field.laptop(port, inbox.name, '--path', '/base');
      const targets = [
        `//127.0.0.1:${decoyPort}/x`,
        `/@127.0.0.1:${decoyPort}/`,
        '/../../etc/passwd',
        '/..%2f..%2f',
        `/http://127.0.0.1:${decoyPort}/`,
        `?http://127.0.0.1:${decoyPort}/`,
      ];
      for (const target of targets)
        await rawPost(field.server.port, `/in/fuzz${target}`, decoyPort);
      await waitFor('all at the local server', () => seen.length >= targets.length);
      const astray = seen.filter((line) => !line.startsWith(`localhost:${port} /base`));
      expect(astray.length === 0, `went astray: ${astray}`);
      expect(decoy.hits === 0, `${decoy.hits} reached another port`);
      return `${packets} packets`;
    }),
};

/** With the Host of another server. @param {number} port @param {string} target @param {number} decoy */
async function rawPost(port, target, decoy) {
  const socket = net.connect(port, '127.0.0.1');
  const head = `POST ${target} HTTP/1.1\r\nHost: 127.0.0.1:${decoy}\r\n`;
  socket.end(`${head}Content-Length: 0\r\nConnection: close\r\n\r\n`);
  socket.resume();
  await once(socket, 'close');
}

/** A frame that is almost one. */
function broken() {
  const frame = encodeFrame({ type: 'credit', stream: randomInt(4), bytes: randomInt(2 ** 31) });
  const kind = randomInt(4);
  if (kind === 0) return randomBytes(randomInt(1, 200));
  if (kind === 1) frame[randomInt(frame.length)] = randomInt(256);
  if (kind === 2) return Buffer.concat([frame, frame.subarray(0, randomInt(frame.length))]);
  if (kind === 3) frame[4] = randomInt(1, 16);
  return frame;
}

/** @type {readonly Programme[]} */
export const programmes = [dying, bytes, races, pages, guesses, fuzz];
