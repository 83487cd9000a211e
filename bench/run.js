// @ts-check
/**
 * `npm run bench`: the built product beside the pass-through limit, in turns on the same machine.
 * `-- --quick` is shorter; `-- throughput hang` runs single scenarios. Absolute figures belong to the
 * machine and the hour; the ratios are what counts. JSON of each run goes to bench/results/.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { MAIN } from '../trust/lib/server.js';
import { inbox } from './inbox.js';
import { postgres } from './postgres.js';
import { backlog, endpoints, fanout, hang, throughput } from './scenarios.js';
import { search } from './search.js';
import { verify } from './verify.js';

/** @type {Record<string, (size: import('./scenarios.js').Size) => Promise<import('./scenarios.js').Report>>} */
const SCENARIOS = { throughput, fanout, hang, endpoints, backlog, search, verify, inbox, postgres };
const RESULTS = fileURLToPath(new URL('./results/', import.meta.url));

const words = process.argv.slice(2);
const quick = words.includes('--quick');
const wanted = words.filter((word) => word !== '--quick');
const unknown = wanted.filter((word) => !(word in SCENARIOS));
if (unknown.length > 0) {
  console.error(
    `Unknown: ${unknown.join(' ')}. Scenarios: ${Object.keys(SCENARIOS).join(' ')}; --quick.`,
  );
  process.exit(2);
}
if (!fs.existsSync(MAIN)) {
  console.error('The product is not built: run `npm run build` first.');
  process.exit(2);
}

const size = quick
  ? { rounds: 3, seconds: 2, endpointCounts: [10, 1000, 5000], backlog: 100_000, pending: 300_000 }
  : {
      rounds: 5,
      seconds: 4,
      endpointCounts: [10, 1000, 50_000],
      backlog: 1_000_000,
      pending: 3_000_000,
    };

/** @param {number} value */
const figure = (value) =>
  value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2);

/** @type {Record<string, unknown>} */
const results = {};
for (const name of wanted.length > 0 ? wanted : Object.keys(SCENARIOS)) {
  console.log(
    `\n${name}`.padEnd(42) + ['min', 'median', 'max'].map((word) => word.padStart(11)).join(''),
  );
  const report = await /** @type {(typeof SCENARIOS)[string]} */ (SCENARIOS[name])(size);
  results[name] = report;
  for (const { name: what, unit, value } of report.lines) {
    const figures = [value.min, value.median, value.max]
      .map((number) => figure(number).padStart(11))
      .join('');
    console.log(`  ${what.padEnd(39)}${figures}  ${unit}`);
  }
  for (const { name: what, met, said } of report.targets)
    console.log(`  ${met ? 'met   ' : 'MISSED'} ${what}: ${said}`);
}

fs.mkdirSync(RESULTS, { recursive: true });
const file = path.join(RESULTS, `${new Date().toISOString().replaceAll(':', '-')}.json`);
const machine = {
  node: process.version,
  cpus: os.cpus().length,
  model: os.cpus()[0]?.model,
  platform: `${os.platform()} ${os.release()}`,
};
fs.writeFileSync(
  file,
  `${JSON.stringify({ at: new Date().toISOString(), quick, machine, results }, null, 1)}\n`,
);
console.log(`\n${path.relative(process.cwd(), file)}`);
process.exit(0);
