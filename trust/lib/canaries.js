// @ts-check
/** Canaries that must stay silent, a control that must not, and a server between them. */
import { once } from 'node:events';
import net from 'node:net';
import { expect } from './check.js';
import { Stage } from './stage.js';

/** Listeners that must stay silent, all on one port. */
export class Canaries {
  bytes = 0;
  connections = 0;
  port = 0;
  /** @type {import('node:net').Server[]} */
  #servers = [];

  static async open() {
    const canaries = new Canaries();
    for (const host of ['127.0.0.1', '127.9.9.9', '::1']) {
      const server = net.createServer((socket) => {
        canaries.connections++;
        socket.on('error', () => {});
        socket.on('data', (chunk) => {
          canaries.bytes += chunk.length;
          socket.end('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ncanary');
        });
      });
      server.listen(canaries.port, host);
      const listening = await Promise.race([
        once(server, 'listening').then(() => true),
        once(server, 'error').then(() => false),
      ]);
      if (!listening) continue;
      canaries.port = /** @type {import('node:net').AddressInfo} */ (server.address()).port;
      canaries.#servers.push(server);
    }
    return canaries;
  }

  assertSilent() {
    expect(
      this.bytes === 0 && this.connections === 0,
      `the canaries got ${this.connections} connections and ${this.bytes} bytes`,
    );
  }

  close() {
    for (const server of this.#servers) server.close();
  }
}

/**
 * A server with safe defaults that may reach one address and port: the control's.
 * @param {(world: World) => Promise<string | void>} play @param {{ wrap?: string[] }} [options]
 *
 * @typedef {{ stage: Stage, canaries: Canaries, attack: (url: string) => Promise<string> }} World
 */
export async function guarded(play, options = {}) {
  const canaries = await Canaries.open();
  try {
    const env = guardedEnv;
    return await Stage.with({ ...options, env, mode: 'serve', ledger: false }, async (stage) => {
      const said = await play({ stage, canaries, attack: (url) => attack(stage, url) });
      canaries.assertSilent();
      await assertControl(stage);
      return said;
    });
  } finally {
    canaries.close();
  }
}

/** Safe defaults, plain http for brevity, and one way out. @param {Stage} stage */
export function guardedEnv(stage) {
  return {
    POSTHORN_EGRESS_ALLOW: `127.0.0.1/32:${stage.receiverPort}`,
    POSTHORN_EGRESS_HTTP: 'true',
  };
}

/** The allowed receiver is reached, so silence at the canaries means something. @param {Stage} stage */
export async function assertControl(stage) {
  const { id } = await stage.api.endpoint(stage.url('/ok/control'), ['control.a'], {
    retryPolicy: { schedule: [] },
  });
  await stage.api.event('control.a');
  await stage.ended(id);
  const { requests } = await stage.stats('/ok/control');
  expect(requests >= 1, 'the control was not reached: the silence proves nothing');
}

let types = 0;

/** An event type that nobody else in this run uses. */
export function unusedType() {
  return `attack.${types++}`;
}

/**
 * Saves the URL and, if that is accepted, sends to it. Resolves with `refused <code>` or the attempt's fault.
 * @param {Stage} stage @param {string} url
 */
async function attack(stage, url) {
  const type = unusedType();
  const saved = await stage.api.request('POST', '/endpoints', {
    body: {
      name: 'attack',
      url,
      eventTypes: [type],
      timeoutMs: 1000,
      retryPolicy: { schedule: [] },
    },
  });
  if (saved.status >= 400 && saved.status < 500)
    return `refused ${saved.json?.code ?? saved.status}`;
  expect(saved.status === 201, `saving ${url} was answered ${saved.status}: ${saved.text}`);
  await stage.api.event(type);
  await stage.ended(saved.json.id);
  const [last] = (await stage.attempts(saved.json.id)).slice(-1);
  return last.fault ?? `status ${last.status}`;
}

/** All of them must be refused, forbidden, or names that lead nowhere. @param {World} world @param {readonly string[]} urls */
export async function allRefused({ attack }, urls) {
  let next = 0;
  const worker = async () => {
    while (next < urls.length) {
      const url = /** @type {string} */ (urls[next++]);
      const verdict = await attack(url);
      expect(/^(refused|forbidden$|dns_)/.test(verdict), `${JSON.stringify(url)}: ${verdict}`);
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return `${urls.length} URLs`;
}

/** Saving alone; nothing is ever sent to these. @param {World} world @param {readonly string[]} hosts */
export async function allSaved({ stage }, hosts) {
  for (const host of hosts) {
    const { status, text } = await stage.api.request('POST', '/endpoints', {
      body: { name: 'outside', url: `https://${host}/`, eventTypes: [unusedType()] },
    });
    expect(
      status === 201,
      `https://${host}/ is public and was refused: ${status} ${text.slice(0, 200)}`,
    );
  }
}
