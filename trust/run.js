// @ts-check
/**
 * `npm run trust` runs everything; `npm run trust -- crash disk` some families; `-- F24 F37` single
 * lines; `--ci` what fits a few minutes. One line per fault; the exit code is 1 if one failed.
 */
import fs from 'node:fs';
import { programmes as egress } from './egress.js';
import { programmes as backup } from './faults/backup.js';
import { programmes as clock } from './faults/clock.js';
import { programmes as cluster } from './faults/cluster.js';
import { programmes as crash } from './faults/crash.js';
import { programmes as database } from './faults/database.js';
import { programmes as disk } from './faults/disk.js';
import { programmes as http } from './faults/http.js';
import { programmes as jobs } from './faults/jobs.js';
import { programmes as ledgers } from './faults/ledgers.js';
import { programmes as load } from './faults/load.js';
import { programmes as receivers } from './faults/receivers.js';
import { programmes as shards } from './faults/shards.js';
import { programmes as shutdown } from './faults/shutdown.js';
import { programmes as inbox } from './inbox.js';
import { runProgrammes } from './lib/check.js';
import { MAIN } from './lib/server.js';
import { programmes as schemas } from './schemas.js';
import { programmes as timing } from './timing.js';

/** @type {Record<string, readonly import('./lib/check.js').Programme[]>} */
const FAMILIES = {
  ledgers,
  crash,
  cluster,
  database,
  shards,
  jobs,
  disk,
  backup,
  clock,
  receivers,
  http,
  load,
  shutdown,
  egress,
  schemas,
  timing,
  inbox,
};

const words = process.argv.slice(2);
const ci = words.includes('--ci');
const wanted = words.filter((word) => word !== '--ci');
const all = Object.entries(FAMILIES).flatMap(([family, list]) =>
  list.map((programme) => ({ family, programme })),
);
const unknown = wanted.filter(
  (word) => !(word in FAMILIES) && !all.some(({ programme }) => programme.id === word),
);

if (unknown.length > 0) {
  console.error(
    `Unknown: ${unknown.join(' ')}. Families: ${Object.keys(FAMILIES).join(' ')}; or ids such as F24, A1; --ci.`,
  );
  process.exit(2);
}
if (!fs.existsSync(MAIN)) {
  console.error('The product is not built: run `npm run build` first.');
  process.exit(2);
}

const chosen = all
  .filter(
    ({ family, programme }) =>
      wanted.length === 0 || wanted.includes(family) || wanted.includes(programme.id),
  )
  .filter(({ programme }) => !(ci && programme.slow) || wanted.includes(programme.id))
  .map(({ programme }) => programme);
const { passed, failed, skipped } = await runProgrammes(chosen, ci);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed > 0 ? 1 : 0);
