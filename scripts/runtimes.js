// The packed receiver SDK on other runtimes: the conformance suite under Bun and Deno, over fetch and
// over node:http, and against a Worker in workerd. The runtimes come from npm, into a temporary
// directory, so this is for before a release and not for every change:
//
//   npm run build && node scripts/runtimes.js
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const here = fileURLToPath(new URL('./runtimes/', import.meta.url));
const wire = fileURLToPath(new URL('../packages/wire/', import.meta.url));
const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];

const directory = mkdtempSync(join(tmpdir(), 'posthorn-runtimes-'));
const inDirectory = { cwd: directory, stdio: 'inherit' };
const bin = (name) => join(directory, 'node_modules/.bin', name);
let failed = false;

function step(name, run) {
  try {
    console.log(`= ${name}`);
    run();
  } catch (error) {
    failed = true;
    console.error(`${name}: ${error.message}`);
  }
}

try {
  writeFileSync(join(directory, 'package.json'), '{"private":true,"type":"module"}');
  execFileSync('npm', ['pack', '--silent', '--pack-destination', directory], { cwd: wire });
  const packed = readdirSync(directory).find((name) => name.endsWith('.tgz'));
  const runtimes = ['bun@1', 'deno@2', 'workerd@1'];
  execFileSync('npm', ['install', ...quiet, `./${packed}`, ...runtimes], inDirectory);
  for (const file of readdirSync(here)) copyFileSync(join(here, file), join(directory, file));

  for (const file of ['fetch.mjs', 'node-http.mjs']) {
    step(`Bun, ${file}`, () => execFileSync(bin('bun'), [file], inDirectory));
    const deno = ['run', '--allow-all', '--node-modules-dir=manual', file];
    step(`Deno, ${file}`, () => execFileSync(bin('deno'), deno, inDirectory));
  }
  await worker();
} finally {
  rmSync(directory, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);

/** Bundled as for Workers, served by their own runtime, judged from outside. */
async function worker() {
  await build({
    input: join(directory, 'worker.mjs'),
    cwd: directory,
    resolve: { conditionNames: ['workerd', 'worker', 'browser', 'import', 'default'] },
    platform: 'neutral',
    output: { file: join(directory, 'worker.js'), format: 'esm' },
  });
  const workerd = spawn(bin('workerd'), ['serve', 'workerd.capnp'], inDirectory);
  try {
    const ask = ['worker-client.mjs', 'http://127.0.0.1:18787/'];
    step('Workers (workerd)', () => execFileSync(process.execPath, ask, inDirectory));
  } finally {
    workerd.kill();
  }
}
