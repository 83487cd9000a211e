import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ListenMemory, listen } from './cli/listen.ts';
import { listenInput } from './cli/listen-options.ts';
import { jsonView, lineView } from './cli/listen-views.ts';
import type { Flags } from './cli/program.ts';
import { proxyAgent } from './cli/tunnel/proxy.ts';
import { colorsFor, proxyFor, stateDirectory } from './config.ts';
import { clientConfig } from './kept-key.ts';
import { ask } from './terminal.ts';

/** `posthorn listen` with the terminal, the environment and the signals of this process. */

export interface ListenCommand {
  readonly target: string;
  readonly flags: Flags;
  readonly version: string;
}

export async function runListen(command: ListenCommand): Promise<number> {
  const { target, flags, version } = command;
  const { url, key, tenant } = clientConfig(flags);
  const { stdout, stderr, stdin } = process;
  const asks = stdin.isTTY === true && stdout.isTTY === true;
  const options = {
    stdout,
    stderr,
    colors: colorsFor(stdout),
    now: () => new Date(),
    via: flags['via'] !== undefined,
    question: asks ? ask : undefined,
  };
  const view = flags['json'] === true ? jsonView(options) : lineView(options);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stop.abort();
      process.once(signal, () => process.exit(130));
    });
  }
  const proxy = proxyFor(url);
  try {
    return await listen(
      {
        ...listenInput(flags),
        ...{ target, url, tenant, version },
        key,
        agent: proxy === undefined ? undefined : proxyAgent(proxy, url.startsWith('https:')),
      },
      { view, memory: memoryIn(stateDirectory()), signal: stop.signal },
    );
  } finally {
    view.close();
  }
}

/** A small file; losing it costs a new inbox, nothing else. */
function memoryIn(directory: string): ListenMemory {
  const path = join(directory, 'listen.json');
  const all = (): Record<string, string> => {
    try {
      return JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>;
    } catch {
      return {};
    }
  };
  return {
    read: (key) => (Object.hasOwn(all(), key) ? all()[key] : undefined),
    write(key, inbox) {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      writeFileSync(path, `${JSON.stringify({ ...all(), [key]: inbox }, null, 2)}\n`, {
        mode: 0o600,
      });
    },
  };
}
