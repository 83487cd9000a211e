import { saveFixture } from './cli/inbox/save.ts';
import { type ListenInput, type ListenParts, type ListenView, listen } from './cli/listen.ts';
import { listenInput } from './cli/listen-options.ts';
import { ListenScreen } from './cli/listen-screen/listen-screen.ts';
import { jsonView, lineView } from './cli/listen-views.ts';
import { createOutput, EXIT, printable } from './cli/output.ts';
import type { Flags } from './cli/program.ts';
import { proxyAgent } from './cli/proxy.ts';
import { colorsFor, proxyFor, stateDirectory, terminalFor } from './config.ts';
import { clientConfig } from './kept-key.ts';
import { memoryIn } from './listen-memory.ts';
import { ask, screenTerminal } from './terminal.ts';

/** `posthorn listen` with the terminal, the environment and the signals of this process. */

export interface ListenCommand {
  readonly target: string;
  readonly flags: Flags;
  readonly version: string;
}

export async function runListen(command: ListenCommand): Promise<number> {
  const { target, flags, version } = command;
  const access = clientConfig(flags);
  const { url, key, tenant } = access;
  const stop = new AbortController();
  const quit = () => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, quit);
  const { view, ready } = viewFor(flags, { ...access, quit });
  const proxy = proxyFor(url);
  try {
    return await listen(
      {
        ...listenInput(flags),
        ...{ target, url, tenant, version },
        key,
        agent: proxy === undefined ? undefined : proxyAgent(proxy, url.startsWith('https:')),
      },
      { view, ready, memory: memoryIn(stateDirectory()), signal: stop.signal },
    );
  } finally {
    view.close();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, quit);
  }
}

type Access = Pick<ListenInput, 'url' | 'key' | 'tenant'>;
type Viewing = { readonly view: ListenView } & Pick<ListenParts, 'ready'>;

/** A screen where somebody can look at one, lines elsewhere, JSON for programs. */
function viewFor(flags: Flags, of: Access & { readonly quit: () => void }): Viewing {
  const { stdout, stderr, stdin } = process;
  const colors = colorsFor(stdout);
  const lines = {
    ...{ stdout, stderr, colors },
    now: () => new Date(),
    via: flags['via'] !== undefined,
    question: stdin.isTTY === true && stdout.isTTY === true ? ask : undefined,
  };
  if (flags['json'] === true) return { view: jsonView(lines) };
  const { draws, editor } = terminalFor();
  const terminal = draws && flags['plain'] !== true ? screenTerminal(editor) : undefined;
  if (!terminal) return { view: lineView(lines) };
  const screen = new ListenScreen({
    ...{ url: of.url, tenant: of.tenant, quit: of.quit, terminal, colors },
    print: (text) => void stderr.write(`${printable(text)}\n`),
    saveFixture: (capture, inbox) => fixtureFrom(of, capture, inbox),
  });
  // Also when something breaks: a trace is read on the terminal as it was.
  process.once('uncaughtExceptionMonitor', () => screen.restore());
  process.once('exit', () => screen.restore());
  return { view: screen, ready: (controls) => screen.ready(controls) };
}

const FIXTURES = 'fixtures';

/** As `posthorn fixture save` does, secrets masked; resolves with what that prints. */
async function fixtureFrom(access: Access, capture: string, inbox: string): Promise<string> {
  const said: string[] = [];
  const write = (text: string) => void said.push(text.trim());
  const streams = { stdout: { write }, stderr: { write } };
  const input = { ...access, inbox, own: () => undefined, capture, to: FIXTURES, secrets: false };
  const code = await saveFixture(input, createOutput({ ...streams, json: false, colors: false }));
  if (code !== EXIT.ok) throw new Error(said.join(' '));
  return said.join(' ');
}
