import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import type { Ms } from '../core/model.ts';
import type { SnapshotFacts, SnapshotTask } from '../store/sqlite/snapshot.ts';
import { copyKept, flush, keep } from './files.ts';
import {
  BackupError,
  DATABASES,
  KEYS,
  MANIFEST,
  type Manifest,
  type ManifestFile,
  sha256Of,
} from './manifest.ts';

export interface Step {
  readonly what: string;
  /** Of the step; undefined = nobody knows. */
  readonly done: number | undefined;
}

export interface BackupOptions {
  /** The data directory, of a server that may be running. */
  readonly directory: string;
  /** A directory that does not exist, or is empty. */
  readonly target: string;
  /** Everything is in PostgreSQL: there is nothing to copy. */
  readonly external: boolean;
  readonly version: string;
  readonly now: Ms;
  /** Carries out what holds a thread for long. */
  readonly work: (task: SnapshotTask) => Promise<SnapshotFacts>;
  readonly progress: (step: Step) => void;
}

const LOOK_MS = 100;

/** Where a backup is written until it is whole. */
export function partialOf(target: string): string {
  return `${resolve(target)}.partial`;
}

/**
 * A copy of everything that cannot be made anew, while the server runs: each database as it was at one
 * moment, checked, with its SHA-256. The target appears whole or not at all.
 */
export async function backUp(options: BackupOptions): Promise<Manifest> {
  const { directory } = options;
  const target = resolve(options.target);
  if (options.external) {
    throw new BackupError(
      'With DATABASE_URL everything is in PostgreSQL: back it up with pg_dump -n posthorn, or what your provider has, and keep POSTHORN_MASTER_KEY apart from it.',
    );
  }
  const databases = DATABASES.filter((name) => existsSync(join(directory, name)));
  if (!databases.includes('posthorn.db')) {
    throw new BackupError(
      `There is nothing to back up in ${directory}: name the data directory with --data.`,
    );
  }
  checkTarget(target, directory);
  const partial = partialOf(target);
  makePartial(partial);
  try {
    const manifest = await write(options, partial, databases);
    renameSync(partial, target);
    flush(dirname(target));
    return manifest;
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    throw error;
  }
}

function checkTarget(target: string, directory: string): void {
  const inside = relative(directory, target);
  if (inside === '' || !inside.startsWith('..')) {
    throw new BackupError(`${target} lies in the data directory: choose a place outside.`);
  }
  if (existsSync(target) && (!statSync(target).isDirectory() || readdirSync(target).length > 0)) {
    throw new BackupError(`${target} exists: a backup needs a new or empty directory.`);
  }
}

function makePartial(partial: string): void {
  try {
    mkdirSync(dirname(partial), { recursive: true });
    mkdirSync(partial, { mode: 0o700 });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new BackupError(
      code === 'EEXIST'
        ? `${partial} exists: another backup is writing there, or was broken off; then remove it.`
        : `${partial} can't be made: ${message}.`,
    );
  }
}

async function write(
  options: BackupOptions,
  partial: string,
  databases: readonly string[],
): Promise<Manifest> {
  const { directory } = options;
  const files: ManifestFile[] = [];
  const rows: Record<string, number> = {};
  for (const name of databases) {
    await copy(options, join(directory, name), join(partial, name));
    Object.assign(rows, await checked(options, join(partial, name)));
  }
  for (const name of KEYS) {
    if (existsSync(join(directory, name))) copyKept(join(directory, name), join(partial, name));
  }
  for (const name of readdirSync(partial).sort()) {
    const path = join(partial, name);
    options.progress({ what: `reading ${name}`, done: undefined });
    files.push({ name, bytes: statSync(path).size, sha256: await sha256Of(path) });
  }
  const manifest: Manifest = {
    format: 1,
    madeBy: `posthorn ${options.version}`,
    madeAt: new Date(options.now).toISOString(),
    masterKey: files.some(({ name }) => name === 'master-key') ? 'file' : 'elsewhere',
    events: 'sqlite',
    rows,
    files,
  };
  writeFileSync(join(partial, MANIFEST), `${JSON.stringify(manifest, undefined, 2)}\n`);
  keep(join(partial, MANIFEST));
  flush(partial);
  return manifest;
}

async function copy(options: BackupOptions, from: string, to: string): Promise<void> {
  const { work, progress } = options;
  const { bytes = 0 } = await work({ do: 'measure', path: from });
  const what = `copying ${relative(options.directory, from)}`;
  progress({ what, done: 0 });
  const timer = setInterval(() => {
    const size = statSync(to, { throwIfNoEntry: false })?.size ?? 0;
    progress({ what, done: Math.min(1, size / Math.max(bytes, 1)) });
  }, LOOK_MS);
  try {
    await work({ do: 'copy', from, to });
  } finally {
    clearInterval(timer);
  }
  keep(to);
}

async function checked(
  { work, progress }: BackupOptions,
  path: string,
): Promise<Readonly<Record<string, number>>> {
  progress({ what: 'checking the copy', done: undefined });
  const { damage, rows = {} } = await work({ do: 'check', path });
  if (damage === undefined) return rows;
  throw new BackupError(
    `The database is damaged (${damage}). Keep the last good backup, and look at the disk.`,
  );
}
