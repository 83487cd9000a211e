// @ts-check
/** F21: the wall clock jumps while the product runs (libfaketime, Debian package `libfaketime`). */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, Failure, Skip } from '../lib/check.js';
import { tempDir } from '../lib/server.js';
import { Stage } from '../lib/stage.js';

/** @typedef {import('../lib/check.js').Programme} Programme */

function libfaketime() {
  const candidates = [
    process.env['FAKETIME_LIB'] ?? '',
    ...['x86_64', 'aarch64'].map((cpu) => `/usr/lib/${cpu}-linux-gnu/faketime/libfaketimeMT.so.1`),
    '/usr/lib/faketime/libfaketimeMT.so.1',
    '/usr/local/lib/faketime/libfaketimeMT.so.1',
  ];
  const found = candidates.find((file) => file !== '' && fs.existsSync(file));
  if (found === undefined) throw new Skip('needs libfaketime (or its path in FAKETIME_LIB)');
  return found;
}

/** Jumps the clock while a delivery waits for its retry; it must come neither twice nor late. @param {string} jump */
async function jumpTo(jump) {
  const file = path.join(tempDir('posthorn-clock'), 'faketimerc');
  fs.writeFileSync(file, '+0');
  const env = {
    LD_PRELOAD: libfaketime(),
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    FAKETIME_NO_CACHE: '1',
  };
  await Stage.with({ env }, async (stage) => {
    await stage.endpoint('/flaky/0', ['clock.a'], {
      retryPolicy: { schedule: [2, 2, 2], jitter: 0 },
    });
    await stage.endpoint('/ok/1', ['clock.a']);
    for (let n = 0; n < 20; n++) await stage.api.event('clock.a', { n });
    await sleep(400);
    fs.writeFileSync(file, jump);
    const jumped = Date.now();
    await sleep(200);
    for (let n = 0; n < 20; n++) await stage.api.event('clock.a', { n });
    await stage.reconcile(62_000).catch((error) => {
      throw new Failure(`after the jump ${jump}: ${error.message}`);
    });
    const took = Date.now() - jumped;
    expect(took <= 62_000, `after the jump ${jump} the deliveries took ${took} ms`);
    // One attempt each, and one more for those that failed once: nothing was brought forward twice.
    const { requests } = await stage.stats('/flaky/0');
    expect(requests <= 80, `after the jump ${jump} 40 deliveries took ${requests} requests`);
  });
}

/** @type {readonly Programme[]} */
export const programmes = [
  {
    id: 'F21',
    title: 'the clock jumps +2 h, −1 day, +10 years: seven zeros, no storm, nothing waits for ever',
    async run({ ci }) {
      for (const jump of ci ? ['+2h', '-1d'] : ['+2h', '-1d', '+10y']) await jumpTo(jump);
    },
  },
];
