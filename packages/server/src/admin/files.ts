import { chmodSync, closeSync, constants, copyFileSync, fsyncSync, openSync } from 'node:fs';

/** Only its owner may read it, and it is on the disk. */
export function copyKept(from: string, to: string): void {
  copyFileSync(from, to, constants.COPYFILE_EXCL);
  keep(to);
}

export function keep(path: string): void {
  chmodSync(path, 0o600);
  flush(path);
}

/** Of a file its bytes, of a directory its names. */
export function flush(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
