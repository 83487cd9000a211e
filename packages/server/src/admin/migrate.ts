import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { AppError } from '../core/errors.ts';
import { type Progress, type Transferred, transfer } from '../store/transfer/transfer.ts';

/** `posthorn migrate`: a store from SQLite to PostgreSQL. */

export interface MigrateOptions {
  /** `sqlite:` and the data directory. */
  readonly from: string;
  /** `postgres:` or `postgresql:` and the rest of a URL. */
  readonly to: string;
  /** undefined = the one that is kept beside the store. */
  readonly masterKey: string | undefined;
  readonly progress: (progress: Progress) => void;
}

export interface Migrated extends Transferred {
  readonly directory: string;
  /** File that holds the master key nodes must be given; undefined = it was given. */
  readonly masterKeyFile: string | undefined;
}

export async function migrateStore(options: MigrateOptions): Promise<Migrated> {
  const directory = sourceOf(options.from);
  const to = targetOf(options.to);
  const file = join(directory, 'master-key');
  const kept = options.masterKey === undefined ? readKey(file) : undefined;
  const masterKey = options.masterKey ?? kept;
  if (masterKey === undefined) {
    throw new AppError(
      'invalid_request',
      `There is no ${file}: give the master key of that store (POSTHORN_MASTER_KEY).`,
    );
  }
  const { progress } = options;
  const done = await transfer({ from: directory, to, masterKey, progress });
  return { ...done, directory, masterKeyFile: kept === undefined ? undefined : file };
}

function sourceOf(text: string): string {
  const [, path] = /^sqlite:(?:\/\/)?(.+)$/.exec(text) ?? [];
  if (path === undefined) {
    throw new AppError('invalid_request', '--from must be sqlite:DIRECTORY, a data directory.');
  }
  return resolve(path);
}

function targetOf(text: string): string {
  const url = text.replace(/^postgres:(?=\/\/)/, 'postgresql:');
  if (!url.startsWith('postgresql://') || !URL.canParse(url)) {
    throw new AppError('invalid_request', '--to must be postgres://user:password@host/database.');
  }
  return url;
}

function readKey(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}
