import { readFileSync } from 'node:fs';
import { EXIT, type Output } from './cli/output.ts';
import type { Flags } from './cli/program.ts';
import { replay } from './cli/replay.ts';
import { replayInput, type ToolArguments, triggerInput, verifyInput } from './cli/tool-options.ts';
import { trigger } from './cli/trigger.ts';
import { verify } from './cli/verify.ts';
import { ConfigError } from './config.ts';
import { messageOf } from './config-values.ts';
import { clientConfig } from './kept-key.ts';
import { confirmer } from './terminal.ts';

/** `trigger`, `verify` and `replay` with the terminal, the clock and the signals of this process. */

export function runTrigger(args: ToolArguments, flags: Flags, output: Output): Promise<number> {
  const { secret } = flags;
  const given = typeof secret === 'string' ? secret : secretOf(flags);
  return trigger({ ...triggerInput(args, flags, given), now: new Date() }, output);
}

export async function runVerify(file: string, flags: Flags, output: Output): Promise<number> {
  if (file === '-' && process.stdin.isTTY === true) {
    output.note('There is no request: name a file, or pipe one in.');
    return EXIT.usage;
  }
  return verify({ ...verifyInput(file, flags, secretOf(flags)), now: new Date() }, output);
}

export function runReplay(what: string[], flags: Flags, output: Output): Promise<number> {
  const { url, key, tenant } = clientConfig(flags);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stop.abort();
      process.once(signal, () => process.exit(130));
    });
  }
  return replay(
    {
      ...replayInput(what, flags, new Date()),
      ...{ url, key, tenant },
      confirm: confirmer(),
      signal: stop.signal,
    },
    output,
  );
}

function secretOf(flags: Flags): string | undefined {
  const file = flags['secretFile'];
  if (typeof file !== 'string') return undefined;
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new ConfigError([`--secret-file: ${messageOf(error)}`]);
  }
}
