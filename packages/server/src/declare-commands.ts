import { createInterface } from 'node:readline/promises';
import { apply } from './cli/declare/apply.ts';
import { dump } from './cli/declare/dump.ts';
import type { Output } from './cli/output.ts';
import type { Flags } from './cli/program.ts';
import { readVariables } from './config.ts';
import { clientConfig } from './kept-key.ts';

/** `posthorn apply` and `posthorn dump` with the terminal and the environment of this process. */

export interface DeclareCommand {
  readonly flags: Flags;
  readonly output: Output;
}

export function runApply({ flags, output }: DeclareCommand): Promise<number> {
  const { file, ...others } = flags;
  const { url, key } = clientConfig(others);
  const { stdin, stdout } = process;
  const terminal = stdin.isTTY === true && stdout.isTTY === true;
  return apply(
    {
      file: String(file),
      dryRun: flags['dryRun'] === true,
      prune: flags['prune'] === true,
      yes: flags['yes'] === true,
      json: flags['json'] === true,
      url,
      key,
      variables: readVariables(),
      confirm: terminal ? confirm : undefined,
    },
    output,
  );
}

export function runDump({ flags, output }: DeclareCommand): Promise<number> {
  const { tenant, ...others } = flags;
  const { url, key } = clientConfig(others);
  return dump(
    {
      tenant: typeof tenant === 'string' ? tenant : undefined,
      secrets: flags['secrets'] === true,
      url,
      key,
    },
    output,
  );
}

async function confirm(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(question)).trim());
  } finally {
    terminal.close();
  }
}
