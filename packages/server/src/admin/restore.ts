import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import type { SnapshotFacts, SnapshotTask } from '../store/sqlite/snapshot.ts';
import type { Step } from './backup.ts';
import { copyKept, flush } from './files.ts';
import {
  BackupError,
  type Manifest,
  type ManifestFile,
  readManifest,
  sha256Of,
} from './manifest.ts';

export interface RestoreOptions {
  readonly backup: string;
  /** The data directory to be: it does not exist, or is empty. */
  readonly directory: string;
  readonly work: (task: SnapshotTask) => Promise<SnapshotFacts>;
  readonly progress: (step: Step) => void;
}

/** In a data directory as long as not all of it is there. Lists what the restore makes. */
const MARKER = 'restoring';

/** Throws if a restore into the directory was broken off: what is there is not what was backed up. */
export function refuseHalfRestored(directory: string): void {
  if (!existsSync(join(directory, MARKER))) return;
  throw new BackupError(
    `A restore into ${directory} was broken off: run posthorn restore again, then start.`,
  );
}

/**
 * Makes a data directory of a backup. All of the backup is checked first, and what was copied again; a
 * directory that has something in it is left alone.
 */
export async function restore(options: RestoreOptions): Promise<Manifest> {
  const [backup, directory] = [resolve(options.backup), resolve(options.directory)];
  const manifest = readManifest(backup);
  for (const file of manifest.files) await verify(options, backup, file);
  prepare(directory);
  const names = manifest.files.map(({ name }) => name);
  writeFileSync(join(directory, MARKER), JSON.stringify(names), { mode: 0o600 });
  flush(directory);
  for (const { name, sha256 } of manifest.files) {
    options.progress({ what: `copying ${name}`, done: undefined });
    copyKept(join(backup, name), join(directory, name));
    if ((await sha256Of(join(directory, name))) !== sha256) {
      throw new BackupError(`${name} was copied to ${directory} wrongly: look at the disk.`);
    }
  }
  flush(directory);
  rmSync(join(directory, MARKER));
  flush(directory);
  return manifest;
}

async function verify(
  { work, progress }: RestoreOptions,
  backup: string,
  { name, bytes, sha256 }: ManifestFile,
): Promise<void> {
  const path = join(backup, name);
  progress({ what: `checking ${name}`, done: undefined });
  const found = statSync(path, { throwIfNoEntry: false });
  const changed = found?.size !== bytes || (await sha256Of(path)) !== sha256;
  if (changed) {
    throw new BackupError(`${path} is not what was backed up: take another backup.`);
  }
  if (!name.endsWith('.db')) return;
  const { damage } = await work({ do: 'check', path });
  if (damage !== undefined) throw new BackupError(`${path} is damaged (${damage}).`);
}

/** What an earlier restore left, which was broken off, goes. */
function prepare(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const marker = join(directory, MARKER);
  const names = existsSync(marker) ? leftBehind(marker) : [];
  const others = readdirSync(directory).filter((name) => name !== MARKER && !names.includes(name));
  if (others.length > 0) {
    throw new BackupError(
      `${directory} is not empty (${others.slice(0, 3).join(', ')}): stop the server that uses it and move it away, or restore elsewhere with --data.`,
    );
  }
  for (const name of names) rmSync(join(directory, name), { force: true });
}

function leftBehind(marker: string): readonly string[] {
  try {
    return (JSON.parse(readFileSync(marker, 'utf8')) as string[]).map(String);
  } catch {
    // It was broken off before anything was copied.
    return [];
  }
}
