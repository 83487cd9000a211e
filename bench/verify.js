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

/**
 * As the other scenarios send it, and with more fields: `JSON.parse` costs both sides the same, so the
 * more of it, the closer they are.
 */
const BODIES = {
  '1 KiB': padded({ sentAt: 1234567890123 }),
  '1 KiB of 10 fields': padded(fields()),
};

/** @param {import('./scenarios.js').Size} size @returns {Promise<import('./scenarios.js').Report>} */
export async function verify(size) {
  const lines = [];
  const ratios = [];
  for (const [name, raw] of Object.entries(BODIES)) {
    const runs = await measure(raw, size);
    const over = (/** @type {'ours' | 'sync' | 'theirs'} */ which) =>
      spread(runs.map((run) => run[which]));
    const ratio = spread(runs.map(({ ours, theirs }) => ours / theirs));
    ratios.push(ratio.median);
    lines.push(
      { name: `${name}: await verify()`, unit: '/s of CPU', value: over('ours') },
      { name: `${name}: verifySync()`, unit: '/s of CPU', value: over('sync') },
      { name: `${name}: standardwebhooks`, unit: '/s of CPU', value: over('theirs') },
      { name: `${name}: await verify()`, unit: '× standardwebhooks', value: ratio },
    );
  }
  const [plain = 0] = ratios;
  return {
    lines,
    targets: [
      {
        name: 'verify and parse 1 KiB ≥ 5 × standardwebhooks',
        met: plain >= 5,
        said: `${plain.toFixed(2)} ×`,
      },
    ],
  };
}

/** @param {Buffer} raw @param {import('./scenarios.js').Size} size */
async function measure(raw, size) {
  const secret = generateSecret('whsec');
  const scheme = schemes.standard();
  const id = 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W';
  const signed = await scheme.sign({ raw, id, at: new Date(), secret });
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
  const seconds = size.seconds / 4;
  const runs = [];
  for (let i = 0; i < size.rounds + 1; i += 1) {
    const ours = await rate(seconds, async () => {
      for (let n = 0; n < BATCH; n += 1) {
        await verifier.verify(raw, headers);
        JSON.parse(raw.toString());
      }
    });
    const sync = await rate(seconds, () => {
      for (let n = 0; n < BATCH; n += 1) {
        verifier.verifySync(raw, headers);
        JSON.parse(raw.toString());
      }
    });
    const theirs = await rate(seconds, () => {
      for (let n = 0; n < BATCH; n += 1) webhook.verify(raw, headers);
    });
    // The first round is for the compiler.
    if (i > 0) runs.push({ ours, sync, theirs });
  }
  return runs;
}

function fields() {
  return {
    id: 'u_01914b3c5678',
    email: 'alice@example.com',
    verified: true,
    roles: ['admin', 'editor'],
    address: { street: 'Rue de la Paix 1', city: 'Paris', zip: '75002' },
  };
}

/** An event with that data, of exactly 1 KiB. @param {object} data */
function padded(data) {
  const event = {
    type: 'user.created',
    timestamp: '2026-11-22T10:00:00.000Z',
    data: { ...data, pad: '' },
  };
  event.data.pad = 'x'.repeat(BODY_BYTES - Buffer.byteLength(JSON.stringify(event)));
  return Buffer.from(JSON.stringify(event));
}

/** Calls in a second of this process's CPU. @param {number} seconds @param {() => unknown} batch */
async function rate(seconds, batch) {
  const until = performance.now() + seconds * 1000;
  const from = process.cpuUsage();
  let calls = 0;
  while (performance.now() < until) {
    await batch();
    calls += BATCH;
  }
  const { user, system } = process.cpuUsage(from);
  return (calls / (user + system)) * 1e6;
}
