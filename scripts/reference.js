// Puts the API reference's script into packages/server/dist/reference, compressed, unless it is there.
// Its package wants a newer Node and 27 packages that only its own build needs, so it is no dependency:
// npm downloads the one archive, which must be the one named here.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gunzipSync, gzipSync } from 'node:zlib';

const NAME = '@scalar/api-reference';
const VERSION = '1.72.1';
const INTEGRITY =
  'sha512-XpEJ0rfc/cXbCrR+iC4kK0o/WwX2dTtGQbT049OlPKAHD6IMIFdTeGz2r+M27P2EDWKyUITRm/NzlP8z2pw/Ow==';
const SCRIPT = 'package/dist/browser/standalone.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const target = join(root, 'packages', 'server', 'dist', 'reference');

/** true = it is there. Without a registry the server runs, and its page says what is missing. */
export function buildReference() {
  const kept = join(target, 'version');
  if (existsSync(kept) && readFileSync(kept, 'utf8') === VERSION) return true;
  process.stderr.write('posthorn: getting the API reference …\n');
  // Beside its place, and moved there whole: nobody meets half of it.
  const building = `${target}.${process.pid}`;
  try {
    const archive = download();
    const script = fileIn(gunzipSync(archive), SCRIPT);
    mkdirSync(building, { recursive: true });
    const params = { [constants.BROTLI_PARAM_QUALITY]: 9 };
    writeFileSync(join(building, 'scalar.js.br'), brotliCompressSync(script, { params }));
    writeFileSync(join(building, 'scalar.js.gz'), gzipSync(script, { level: 9 }));
    writeFileSync(join(building, 'NOTICE'), notice());
    writeFileSync(join(building, 'version'), VERSION);
    rmSync(target, { recursive: true, force: true });
    renameSync(building, target);
    return true;
  } catch (error) {
    process.stderr.write(`posthorn: /docs is left out: ${error.message}\n`);
    return false;
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}

/** The archive, from the registry that this checkout uses or npm's cache of it. */
function download() {
  const place = mkdtempSync(join(tmpdir(), 'posthorn-reference-'));
  try {
    const npm = process.env.npm_execpath;
    const viaNode = npm !== undefined && /npm-cli\.c?js$/.test(npm);
    const [command, first] = viaNode ? [process.execPath, [npm]] : ['npm', []];
    const args = ['pack', `${NAME}@${VERSION}`, '--pack-destination', place, '--loglevel=error'];
    const { status, stdout, error } = spawnSync(command, [...first, ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 60_000,
    });
    if (status !== 0) throw error ?? new Error(`npm pack ended with ${status}`);
    const archive = readFileSync(join(place, stdout.toString().trim().split('\n').at(-1)));
    const found = `sha512-${createHash('sha512').update(archive).digest('base64')}`;
    if (found !== INTEGRITY) throw new Error(`${NAME}@${VERSION} is not what it was: ${found}`);
    return archive;
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** Of a tar archive: headers of 512 bytes, each before its file, which is filled up to 512. */
function fileIn(tar, name) {
  for (let at = 0; at + 512 <= tar.length; ) {
    const field = (from, to) => tar.toString('latin1', at + from, at + to).split('\0', 1)[0];
    const size = Number.parseInt(field(124, 136), 8) || 0;
    const prefix = field(345, 500);
    if ((prefix ? `${prefix}/` : '') + field(0, 100) === name) {
      return tar.subarray(at + 512, at + 512 + size);
    }
    at += 512 + Math.ceil(size / 512) * 512;
  }
  throw new Error(`${NAME}@${VERSION} has no ${name}`);
}

function notice() {
  return `scalar.js is ${NAME} ${VERSION} (https://github.com/scalar/scalar), licensed under MIT.\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = buildReference() ? 0 : 1;
}
