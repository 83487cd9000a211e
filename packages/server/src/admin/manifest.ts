import { createHash } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a backup says of itself, in `manifest.json` beside its files. */
export interface Manifest {
  readonly format: 1;
  readonly madeBy: string;
  readonly madeAt: string;
  /** `elsewhere`: it came from the configuration and is not among the files. */
  readonly masterKey: 'file' | 'elsewhere';
  readonly events: 'sqlite';
  readonly rows: Readonly<Record<string, number>>;
  readonly files: readonly ManifestFile[];
}

export interface ManifestFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

export const MANIFEST = 'manifest.json';

/** Databases in the order they are copied: an inbox is in the second if captures of it are in the first. */
export const DATABASES = ['captures.db', 'posthorn.db'] as const;
/** The rest can be made anew: `derived.db` from the log, `lock`, `ballast` and `address` at a start. */
export const KEYS = ['master-key', 'admin-key'] as const;
const NAMES: readonly string[] = [...DATABASES, ...KEYS];

/** A backup or a place for it is not what it must be; the message says what to do. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

/** Throws `BackupError` for anything that is not a manifest of ours. */
export function readManifest(backup: string): Manifest {
  const path = join(backup, MANIFEST);
  let value: Partial<Manifest>;
  try {
    value = JSON.parse(readFileSync(path, 'utf8')) as Partial<Manifest>;
  } catch (error) {
    const why = (error as Error).message;
    throw new BackupError(`${backup} is no backup: ${path} can't be read (${why}).`);
  }
  if (value.format !== 1) {
    throw new BackupError(
      `${backup} has format ${value.format}, this release knows 1: restore it with the release that made it (${value.madeBy}).`,
    );
  }
  const files = Array.isArray(value.files) ? value.files : [];
  if (files.length === 0 || !files.every(isFile)) {
    throw new BackupError(`${path} was changed: it does not list the files of a backup.`);
  }
  return value as Manifest;
}

/** Names are of a closed list, so that nothing is ever read or written outside. */
function isFile(file: Partial<ManifestFile>): boolean {
  return (
    NAMES.includes(String(file.name)) &&
    Number.isInteger(file.bytes) &&
    /^[0-9a-f]{64}$/.test(String(file.sha256))
  );
}
