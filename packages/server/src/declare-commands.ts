import { apply } from './cli/declare/apply.ts';
import { dump } from './cli/declare/dump.ts';
import type { Output } from './cli/output.ts';
import type { Flags } from './cli/program.ts';
import { readVariables } from './config.ts';
import { clientConfig } from './kept-key.ts';
import { confirmer } from './terminal.ts';

/** `posthorn apply` and `posthorn dump` with the terminal and the environment of this process. */

export interface DeclareCommand {
  readonly flags: Flags;
  readonly output: Output;
}

export function runApply({ flags, output }: DeclareCommand): Promise<number> {
  const { file, ...others } = flags;
  const { url, key } = clientConfig(others);
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
      confirm: confirmer(),
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
