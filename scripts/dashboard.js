// Builds the dashboard into packages/server/dist/dashboard, compressed, unless it is there already and
// nothing it is made of has changed. Node built-ins only until there is something to build.
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const source = join(root, 'packages', 'dashboard');
const target = join(root, 'packages', 'server', 'dist', 'dashboard');
const STAMP = 'sources.sha256';

/** Everything the built files depend on; the lock file stands for the packages. */
const INPUTS = [
  'package-lock.json',
  'scripts/dashboard.js',
  'packages/dashboard/index.html',
  'packages/dashboard/vite.config.ts',
  'packages/dashboard/src',
  'packages/api/src',
  'packages/wire/src',
];

/** true = it is there, and of these sources. */
export async function buildDashboard() {
  const stamp = stampOf(INPUTS.map((path) => join(root, path)));
  const kept = join(target, STAMP);
  if (existsSync(kept) && readFileSync(kept, 'utf8') === stamp) return true;
  process.stderr.write('posthorn: building the dashboard …\n');
  // Beside its place, and moved there whole: nobody meets half of it.
  const building = `${target}.${process.pid}`;
  try {
    const { build } = await import('vite');
    const configFile = join(source, 'vite.config.ts');
    await build({
      root: source,
      configFile,
      logLevel: 'warn',
      build: { outDir: building, emptyOutDir: true },
    });
    compress(join(building, 'assets'));
    writeFileSync(join(building, STAMP), stamp);
    rmSync(target, { recursive: true, force: true });
    mkdirSync(dirname(target), { recursive: true });
    renameSync(building, target);
    return true;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    return false;
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}

function stampOf(paths) {
  const hash = createHash('sha256');
  for (const file of paths.flatMap(filesBelow)) {
    // Tests are in no bundle.
    if (/\.(?:test|suite)\.tsx?$/.test(file)) continue;
    hash
      .update(`${relative(root, file)}\0`)
      .update(readFileSync(file))
      .update('\0');
  }
  return hash.digest('hex');
}

function filesBelow(path) {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** Once and as small as it gets; the server only sends. The plain files are not needed any more. */
function compress(directory) {
  for (const name of readdirSync(directory)) {
    const file = join(directory, name);
    const bytes = readFileSync(file);
    const params = { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
    writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params }));
    writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
    rmSync(file);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = (await buildDashboard()) ? 0 : 1;
}
