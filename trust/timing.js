// @ts-check
/** A26: how long a wrong signature takes to be refused does not tell how much of it was right. */
import { randomInt } from 'node:crypto';
import { generateSecret, importKey, sign, verify } from '@posthorn/wire';
import { expect } from './lib/check.js';

/** @typedef {import('./lib/check.js').Programme} Programme */

/** Above it two means differ (dudect, https://eprint.iacr.org/2016/1123.pdf). */
const T_MAX = 4.5;
/** Slower samples were interrupted: what is left of both sides is compared. */
const KEPT = 0.9;
/** A machine that is busy can make a difference once, not three times in a row. */
const TRIES = 3;

/** A request whose signature is wrong in one place only. @param {number} at @param {string} right */
function wrongAt(at, right) {
  const other = right[at] === 'A' ? 'B' : 'A';
  return right.slice(0, at) + other + right.slice(at + 1);
}

/**
 * Nanoseconds of each call, by which of two inputs it was given; drawn by lot, so that what else the
 * machine does falls on both.
 * @template T
 * @param {readonly [T, T]} inputs @param {(input: T) => boolean} refuse @param {number} samples
 */
function measure(inputs, refuse, samples) {
  /** @type {[number[], number[]]} */
  const times = [[], []];
  for (let i = 0; i < samples; i++) {
    const which = /** @type {0 | 1} */ (randomInt(2));
    const from = process.hrtime.bigint();
    const refused = refuse(inputs[which]);
    times[which].push(Number(process.hrtime.bigint() - from));
    expect(refused, 'a wrong signature was accepted');
  }
  return times;
}

/** Welch's t of two samples without their slowest tenth. @param {readonly [number[], number[]]} times */
function welch([a, b]) {
  const all = [...a, ...b].sort((x, y) => x - y);
  const limit = all[Math.floor(all.length * KEPT)] ?? Infinity;
  const [one, other] = [a, b].map((times) => moments(times.filter((ns) => ns <= limit)));
  if (!one || !other) throw new Error('no samples');
  return (one.mean - other.mean) / Math.sqrt(one.variance / one.n + other.variance / other.n);
}

/** @param {readonly number[]} times */
function moments(times) {
  const n = times.length;
  const mean = times.reduce((sum, ns) => sum + ns, 0) / n;
  const variance = times.reduce((sum, ns) => sum + (ns - mean) ** 2, 0) / (n - 1);
  return { n, mean, variance };
}

/** What must not be: it stops at the first difference. @param {string} a @param {string} b */
function leaky(a, b) {
  for (let i = 0; i < a.length; i++) if (a.charCodeAt(i) !== b.charCodeAt(i)) return false;
  return true;
}

/** @type {readonly Programme[]} */
export const programmes = [
  {
    id: 'A26',
    title: 'how long a wrong signature takes does not tell where it is wrong',
    async run({ ci }) {
      const samples = ci ? 50_000 : 200_000;
      const key = importKey(generateSecret('whsec'));
      const id = 'msg_1';
      const timestampS = Math.floor(Date.now() / 1000);
      const body = Buffer.from('{"type":"user.created"}');
      const right = sign(key, { id, timestampS, body });
      const at = { id, timestamp: String(timestampS), body, keys: [key], nowS: timestampS };
      /** The first and the last character behind `v1,`. @type {[string, string]} */
      const wrong = [wrongAt(3, right), wrongAt(right.length - 2, right)];
      /** @param {string} signature */
      const refuse = (signature) => !verify({ ...at, signature }).ok;
      measure(wrong, refuse, samples / 10);

      const found = [];
      while (found.length < TRIES && Math.abs(found.at(-1) ?? Infinity) >= T_MAX)
        found.push(welch(measure(wrong, refuse, samples)));
      const control = welch(measure(wrong, (signature) => !leaky(signature, right), samples));
      const said = found.map((t) => t.toFixed(1)).join(', ');
      expect(
        Math.abs(found.at(-1) ?? Infinity) < T_MAX,
        `t of ${samples} samples is ${said}: above ${T_MAX} each time`,
      );
      return `t = ${said} of ${samples} samples; of a comparison that stops early ${control.toFixed(1)}`;
    },
  },
];
