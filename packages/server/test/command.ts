import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { KEY, type Product } from './product.ts';

/** The built program as a process of its own, in a directory that nothing else is in. */

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

export interface Ran {
  readonly exitCode: number | null;
  readonly out: string;
  readonly err: string;
}
export interface RunOptions {
  readonly stdin?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
}
export interface Commands {
  readonly directory: string;
  run(argv: readonly string[], options?: RunOptions): Promise<Ran>;
  remove(): void;
}

/** Talks to `product`, or to nobody in particular. */
export function commandsFor(product?: Product): Commands {
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-command-'));
  const access = product ? { POSTHORN_URL: product.url, POSTHORN_KEY: KEY } : {};
  return {
    directory,
    async run(argv, { stdin = '', env = {} } = {}) {
      const child = spawn(process.execPath, [MAIN, ...argv], {
        cwd: directory,
        env: { PATH: process.env['PATH'], HOME: directory, ...access, ...env },
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      // A command that refuses before it reads closes its end.
      child.stdin.on('error', () => {});
      child.stdin.end(stdin);
      const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
      const [out, err, exitCode] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        exited,
      ]);
      return { exitCode, out, err };
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
