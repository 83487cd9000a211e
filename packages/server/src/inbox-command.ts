import { diff } from './cli/inbox/diff.ts';
import type { InboxAccess } from './cli/inbox/open.ts';
import type { InboxCommandName } from './cli/inbox/options.ts';
import { replay } from './cli/inbox/replay.ts';
import { exportCaptures, saveFixture, show } from './cli/inbox/save.ts';
import { wait } from './cli/inbox/wait.ts';
import { readGiven } from './cli/input.ts';
import { placeOf } from './cli/listen.ts';
import { EXIT, type Output } from './cli/output.ts';
import type { Flags } from './cli/program.ts';
import { stateDirectory } from './config.ts';
import { clientConfig } from './kept-key.ts';
import { memoryIn } from './listen-memory.ts';

/** The commands about what an inbox captured, with the environment and the files of this process. */

export interface InboxCommand {
  readonly name: InboxCommandName;
  readonly words: readonly string[];
  readonly flags: Flags;
}

export function runInbox({ name, words, flags }: InboxCommand, output: Output): Promise<number> {
  const access = accessOf(flags);
  const [first = '', second] = words;
  const match = textOf(flags, 'match');
  const secrets = flags['secrets'] === true;
  const write = (bytes: Uint8Array) => void process.stdout.write(bytes);
  switch (name) {
    case 'wait': {
      const since = (flags['since'] ?? 'now') as 'now' | 'start' | number;
      const [timeoutS, count] = [numberOf(flags, 'timeout', 30), numberOf(flags, 'count', 1)];
      return wait({ ...access, match, timeoutS, count, since }, output);
    }
    case 'forward':
      return runReplay({ access, words, flags }, output);
    case 'diff':
      return diff({ ...access, a: first, b: second }, output);
    case 'fixture':
      return saveFixture({ ...access, capture: first, to: second ?? '', secrets }, output);
    case 'export': {
      const format = (textOf(flags, 'format') ?? 'ndjson') as 'csv' | 'ndjson' | 'har';
      const [limit, out] = [numberOf(flags, 'limit', 1000), textOf(flags, 'out')];
      return exportCaptures({ ...access, match, format, limit, secrets, out, write }, output);
    }
    case 'show': {
      const as = flags['curl'] === true ? 'curl' : flags['body'] === true ? 'body' : 'text';
      return show({ ...access, capture: first, as, secrets, write }, output);
    }
  }
}

async function runReplay(
  of: { access: InboxAccess; words: readonly string[]; flags: Flags },
  output: Output,
): Promise<number> {
  const { access, words, flags } = of;
  const given = textOf(flags, 'body');
  let body: Buffer | undefined;
  try {
    body = given === undefined ? undefined : await readGiven(given);
  } catch (error) {
    output.note(`The body cannot be read: ${(error as Error).message}`);
    return EXIT.usage;
  }
  return replay(
    {
      ...access,
      captures: words,
      body,
      ...{ match: textOf(flags, 'match'), to: textOf(flags, 'to') },
      ...{ listener: textOf(flags, 'listener'), method: textOf(flags, 'method') },
      path: textOf(flags, 'path'),
      resign: flags['resign'] === true,
      times: numberOf(flags, 'times', 1),
      delayMs: numberOf(flags, 'delay', 0),
    },
    output,
  );
}

function accessOf(flags: Flags): InboxAccess {
  const { inbox, to, path, method, body, count, timeout, ...others } = flags;
  const { url, key, tenant } = clientConfig(others);
  const own = () => memoryIn(stateDirectory()).read(placeOf(url, tenant));
  return { url, key, tenant, inbox: textOf(flags, 'inbox'), own };
}

function textOf(flags: Flags, name: string): string | undefined {
  const value = flags[name];
  return typeof value === 'string' ? value : undefined;
}

function numberOf(flags: Flags, name: string, otherwise: number): number {
  const value = flags[name];
  return typeof value === 'number' ? value : otherwise;
}
