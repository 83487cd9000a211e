import { createInterface } from 'node:readline/promises';

/** Questions to the person at this terminal. */

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
