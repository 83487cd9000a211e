import { listen } from './cli/listen.ts';
import { listenInput } from './cli/listen-options.ts';
import { jsonView, lineView } from './cli/listen-views.ts';
import type { Flags } from './cli/program.ts';
import { proxyAgent } from './cli/tunnel/proxy.ts';
import { colorsFor, proxyFor, stateDirectory } from './config.ts';
import { clientConfig } from './kept-key.ts';
import { memoryIn } from './listen-memory.ts';
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
