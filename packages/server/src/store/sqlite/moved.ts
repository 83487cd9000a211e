import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

/** A store that was carried over to PostgreSQL is not used again: what it owes would be sent twice. */
const FILE = 'moved';

/** What to say to whoever starts with it; undefined = it was not. */
export function readMoved(directory: string): string | undefined {
  const path = join(directory, FILE);
  if (!existsSync(path)) return undefined;
  return `The store in ${directory} was carried over to PostgreSQL (${readFileSync(path, 'utf8').trim()}). Start with that DATABASE_URL; to go back to what was here before, remove ${path}.`;
}

/** On the disk when it returns. The URL without its password. */
export function writeMoved(directory: string, url: string): void {
  const path = join(directory, FILE);
  const { host, pathname } = new URL(url);
  const file = openSync(`${path}.new`, 'w', 0o600);
  try {
    writeSync(file, `${host}${pathname}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
  const parent = openSync(directory, 'r');
  try {
    fsyncSync(parent);
  } finally {
    closeSync(parent);
  }
}
