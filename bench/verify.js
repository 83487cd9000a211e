// @ts-check
/**
 * Verifying and parsing one webhook of 1 KiB, beside the `standardwebhooks` package in turns. Judged by
 * CPU time, so what else runs on the machine does not count.
 */
import { Buffer } from 'node:buffer';
import { createVerifier, generateSecret, schemes } from '@posthorn/wire';
import { Webhook } from 'standardwebhooks';
import { spread } from './world.js';

const BODY_BYTES = 1024;
const BATCH = 500;

/** @param {import('./scenarios.js').Size} size @returns {Promise<import('./scenarios.js').Report>} */
export async function verify(size) {
  const secret = generateSecret('whsec');
  const scheme = schemes.standard();
  const raw = body();
  const signed = await scheme.sign({
    raw,
    id: 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W',
    at: new Date(),
    secret,
  });
  // What node:http hands out for a request of ours.
  const headers = {
    host: 'receiver.example.com',
    connection: 'keep-alive',
    'content-type': 'application/json',
    'user-agent': 'Posthorn/0.1.0 (+https://github.com/posthorn/posthorn)',
    'content-length': String(raw.length),
    ...signed,
  };
  const verifier = createVerifier({ scheme, secrets: secret });
  const webhook = new Webhook(secret);
  const seconds = size.seconds / 2;

  const runs = [];
  for (let i = 0; i < size.rounds + 1; i += 1) {
    const ours = await rate(seconds, async () => {
      await verifier.verify(raw, headers);
      return JSON.parse(raw.toString());
    });
    const sync = await rate(seconds, () => {
      verifier.verifySync(raw, headers);
      return JSON.parse(raw.toString());
    });
    const theirs = await rate(seconds, () => webhook.verify(raw, headers));
    // The first round is for the compiler.
    if (i > 0) runs.push({ ours, sync, theirs });
  }
  const ratio = spread(runs.map(({ ours, theirs }) => ours / theirs));
  const over = (/** @type {'ours' | 'sync' | 'theirs'} */ name) =>
    spread(runs.map((run) => run[name]));
  return {
    lines: [
      { name: '@posthorn/wire, await verify()', unit: '/s of CPU', value: over('ours') },
      { name: '@posthorn/wire, verifySync()', unit: '/s of CPU', value: over('sync') },
      { name: 'standardwebhooks 1.1.1', unit: '/s of CPU', value: over('theirs') },
      { name: 'await verify() / standardwebhooks', unit: '×', value: ratio },
    ],
    targets: [
      {
        name: 'verify and parse ≥ 5 × standardwebhooks',
        met: ratio.median >= 5,
        said: `${ratio.median.toFixed(2)} ×`,
      },
    ],
  };
}

/** A body as senders make them, of exactly 1 KiB. */
function body() {
  const event = {
    type: 'user.created',
    timestamp: '2026-11-22T10:00:00.000Z',
    data: {
      id: 'u_01914b3c5678',
      email: 'alice@example.com',
      verified: true,
      roles: ['admin', 'editor'],
      address: { street: 'Rue de la Paix 1', city: 'Paris', zip: '75002' },
      note: '',
    },
  };
  const missing = BODY_BYTES - Buffer.byteLength(JSON.stringify(event));
  event.data.note = 'lorem ipsum '.repeat(100).slice(0, missing);
  return Buffer.from(JSON.stringify(event));
}

/** Calls in a second of this process's CPU. @param {number} seconds @param {() => unknown} call */
async function rate(seconds, call) {
  const until = performance.now() + seconds * 1000;
  const from = process.cpuUsage();
  let calls = 0;
  while (performance.now() < until) {
    for (let i = 0; i < BATCH; i += 1) {
      const result = call();
      if (result instanceof Promise) await result;
    }
    calls += BATCH;
  }
  const { user, system } = process.cpuUsage(from);
  return (calls / (user + system)) * 1e6;
}
