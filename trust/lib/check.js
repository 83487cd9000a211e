// @ts-check
/** What a fault's programme says: it held, it did not hold (and why), or it cannot run here. */

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * @typedef {object} Programme one line of the report
 * @property {string} id of the catalogue, e.g. `F24`
 * @property {string} title what must hold
 * @property {boolean} [slow] left out of `--ci`
 * @property {(context: Context) => Promise<string | void>} run resolves with a remark for the line
 *
 * @typedef {object} Context
 * @property {boolean} ci fewer rounds
 * @property {(text: string) => void} note a line of its own under the programme's
 */

export class Skip extends Error {}
export class Failure extends Error {}

/** @param {unknown} condition @param {string} message what did not hold, with the numbers @returns {asserts condition} */
export function expect(condition, message) {
  if (!condition) throw new Failure(message);
}

/**
 * Asks until the answer is truthy; the message of the failure is what was waited for.
 * @template T
 * @param {string} what
 * @param {() => T | Promise<T>} question
 * @param {{ timeoutMs?: number, everyMs?: number }} [options]
 * @returns {Promise<NonNullable<Awaited<T>>>}
 */
export async function waitFor(what, question, { timeoutMs = 15_000, everyMs = 25 } = {}) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answer = await question();
    if (answer) return /** @type {any} */ (answer);
    if (Date.now() > deadline) throw new Failure(`waited ${timeoutMs} ms in vain for ${what}`);
    await sleep(everyMs);
  }
}

/** Throws a Skip unless the programme can be run as we are. @param {string} command @param {string[]} [args] */
export function needs(command, args = ['-V']) {
  if (spawnSync(command, args, { stdio: 'ignore' }).status !== 0)
    throw new Skip(`needs ${command}`);
}

export function needsRoot() {
  if (process.getuid?.() !== 0) throw new Skip('needs root');
}

/** @param {string} file @param {string} what */
export function needsFile(file, what) {
  if (!fs.existsSync(file)) throw new Skip(`needs ${what}`);
}

/** @param {readonly number[]} values @param {number} share 0…1 */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/**
 * Runs programmes one after the other and prints one line each.
 * @param {readonly Programme[]} programmes @param {boolean} ci
 */
export async function runProgrammes(programmes, ci) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { id, title, run } of programmes) {
    const started = Date.now();
    const took = () => `${((Date.now() - started) / 1000).toFixed(1)} s`;
    try {
      const remark = await run({ ci, note: (text) => console.log(`     ${text}`) });
      counts.passed++;
      console.log(`ok   ${id} ${title} (${remark ? `${remark}, ` : ''}${took()})`);
    } catch (error) {
      if (error instanceof Skip) {
        counts.skipped++;
        console.log(`skip ${id}: ${error.message}`);
        continue;
      }
      counts.failed++;
      const text =
        error instanceof Failure
          ? error.message
          : String(/** @type {any} */ (error)?.stack ?? error);
      const lines = text.split('\n').slice(0, 20);
      console.log(`FAIL ${id} ${title} (${took()})`);
      for (const line of lines) console.log(`     ${line.slice(0, 400)}`);
    }
  }
  return counts;
}
