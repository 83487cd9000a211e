import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

export interface Launched {
  readonly child: ChildProcess;
  /** The first line of its output that fits, whether it came already or comes. */
  line(fits: (line: string) => boolean): Promise<string>;
}

/** A process of its own until the test ends; it sees nothing of our environment but `PATH`. */
export function launch(
  argv: readonly string[],
  env: Record<string, string>,
  program = process.execPath,
): Launched {
  const child = spawn(program, argv, {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    for (const look of waiting) look();
  });
  return {
    child,
    line: (fits) =>
      new Promise((resolve) => {
        const look = () => {
          const found = lines.find(fits);
          if (found !== undefined) resolve(found);
        };
        waiting.add(look);
        look();
      }),
  };
}
