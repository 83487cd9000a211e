// Makes a checkout ready to run: packages as package-lock.json says, then a build. Node built-ins
// only, because in a fresh clone there is nothing else. Says nothing when nothing is to do.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildDashboard } from './dashboard.js';
import { buildReference } from './reference.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`Posthorn needs Node 20.19 or newer, and this is ${process.version}. Node 24 is best.`);
}

if (!installed()) {
  process.stderr.write('posthorn: installing packages (npm ci) …\n');
  // --include=dev: with NODE_ENV=production npm would leave the compiler out.
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = process.env.npm_execpath;
  const viaNode = npm !== undefined && /npm-cli\.c?js$/.test(npm);
  // npm's own listing ("added 93 packages") is not worth a line here; its errors are.
  const stdio = ['ignore', 'ignore', 'inherit'];
  const result = viaNode
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio })
    : spawnSync('npm', args, { cwd: root, stdio, shell: process.platform === 'win32' });
  if (result.status !== 0) {
    fail(`npm ci failed${result.error ? ` (${result.error.message})` : ''}; see above.`);
  }
}

const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const build = spawnSync(process.execPath, [tsc, '-b'], { cwd: root, stdio: 'inherit' });
if (build.status !== 0) fail('the build failed; see above.');
if (!(await buildDashboard())) fail('the dashboard could not be built; see above.');
// Without a registry there is none, and all else works.
buildReference();

/** npm writes node_modules/.package-lock.json last, so an interrupted install does not count. */
function installed() {
  const mark = join(root, 'node_modules', '.package-lock.json');
  const lock = join(root, 'package-lock.json');
  return existsSync(mark) && statSync(mark).mtimeMs >= statSync(lock).mtimeMs;
}

function fail(message) {
  process.stderr.write(`posthorn: ${message}\n`);
  process.exit(1);
}
