import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline/promises';
import type { Terminal } from './cli/listen-screen/listen-screen.ts';

/** The person at this terminal: questions, keys, a screen. */

/** Asks and resolves with the answer. */
export async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await terminal.question(question)).trim();
  } finally {
    terminal.close();
  }
}

/** Asks for yes or no; undefined = nobody is there to answer. */
export function confirmer(): ((question: string) => Promise<boolean>) | undefined {
  const { stdin, stdout } = process;
  if (stdin.isTTY !== true || stdout.isTTY !== true) return undefined;
  return async (question) => /^y(es)?$/i.test(await ask(question));
}

/** The terminal of this process, if there is a person at it who can be shown a screen. */
export function screenTerminal(editor: string | undefined): Terminal | undefined {
  const { stdin, stdout } = process;
  if (stdin.isTTY !== true || stdout.isTTY !== true) return undefined;
  return {
    size: () => ({ columns: stdout.columns, lines: stdout.rows }),
    write: (text) => void stdout.write(text),
    keys({ input, resized }) {
      stdin.setRawMode(true);
      stdin.setEncoding('utf8');
      stdin.on('data', input);
      stdin.resume();
      stdout.on('resize', resized);
      return () => {
        stdin.off('data', input);
        stdin.pause();
        stdin.setRawMode(false);
        stdout.off('resize', resized);
      };
    },
    edit: editor === undefined ? undefined : (file) => editWith(editor, file),
    // To its group: whoever started it, such as npx, stops too.
    suspend: () => void process.kill(0, 'SIGTSTP'),
  };
}

/** By the shell, because people set EDITOR to commands with options. */
function editWith(editor: string, file: string): Promise<void> {
  // Ctrl-C is typed to the editor; the terminal sends it to whoever runs there.
  const others = process.listeners('SIGINT');
  process.removeAllListeners('SIGINT');
  process.on('SIGINT', () => {});
  return new Promise<void>((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${editor} ended with ${code ?? signal}: nothing was sent.`));
    });
  }).finally(() => {
    process.removeAllListeners('SIGINT');
    for (const listener of others) process.on('SIGINT', listener);
  });
}
