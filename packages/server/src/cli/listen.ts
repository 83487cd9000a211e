import type { Agent } from 'node:http';
import { hostname } from 'node:os';
import { ApiError, type Client, createClient, type Inbox } from '@posthorn/api';
import type { AckResult, Hello, NackReason, TunnelMode, Welcome } from '../inbox/frames.ts';
import { findInbox } from './inbox/open.ts';
import { EXIT, type ExitCode } from './output.ts';
import { failure, NO_KEY } from './send.ts';
import { Deliveries } from './tunnel/deliveries.ts';
import type { Delivery } from './tunnel/delivery.ts';
import type { LineKind } from './tunnel/line-kind.ts';
import { LocalServer, parseTarget } from './tunnel/local-target.ts';
import { TunnelClient } from './tunnel/tunnel-client.ts';

export interface ListenInput {
  /** Port, host:port or URL. */
  readonly target: string;
  readonly path: string | undefined;
  readonly url: string;
  readonly key: string | undefined;
  readonly tenant: string;
  /** Id or name; undefined = this machine's own. */
  readonly inbox: string | undefined;
  /** An endpoint: what it gets comes here too. */
  readonly copyOf: string | undefined;
  readonly listener: string | undefined;
  readonly mode: TunnelMode;
  readonly takeOver: boolean;
  readonly from: Hello['from'];
  readonly filter: string;
  readonly backlog: 'ask' | 'replay' | 'skip' | undefined;
  readonly concurrency: number | undefined;
  readonly orderBy: string | undefined;
  readonly anywhere: boolean;
  readonly keepHost: boolean;
  readonly answer: boolean;
  /** Late captures are signed anew. */
  readonly resign: boolean;
  readonly timeoutMs: number;
  readonly via: LineKind | undefined;
  readonly agent: Agent | undefined;
  readonly version: string;
}

/** What people or programs see of it. */
export interface ListenView {
  connected(welcome: Welcome, target: string, kind: LineKind): void;
  lost(reason: string, retryMs: number): void;
  started(delivery: Delivery): void;
  done(delivery: Delivery, result: AckResult): void;
  failed(delivery: Delivery, reason: NackReason, message: string): void;
  holding(on: boolean, waiting: number): void;
  /** Captures wait from before: deliver them, or pass over them? */
  ask(welcome: Welcome): Promise<'replay' | 'skip'>;
  /** One line of what went wrong. */
  note(text: string): void;
  close(): void;
}

/** What the command remembers between its runs: the inbox of this machine. */
export interface ListenMemory {
  read(key: string): string | undefined;
  write(key: string, inbox: string): void;
}

export interface ListenControls {
  readonly client: Pick<TunnelClient, 'pause'>;
  readonly api: Client;
  /** Its id. */
  readonly inbox: string;
}

export interface ListenParts {
  readonly view: ListenView;
  readonly memory: ListenMemory;
  /** Aborted = stop. */
  readonly signal: AbortSignal;
  /** Told of what can be steered, for a view that does. */
  readonly ready?: ((controls: ListenControls) => void) | undefined;
}

/** Of captures from before, so many are delivered without a question. */
const UNASKED_MAX = 50;
const WINDOW = 256;

/** Carries captures to a local server until it is stopped. */
export async function listen(input: ListenInput, parts: ListenParts): Promise<ExitCode> {
  const { view } = parts;
  if (input.key === undefined) {
    view.note(NO_KEY);
    return EXIT.usage;
  }
  let server: LocalServer;
  try {
    server = localServer(input);
  } catch (error) {
    view.note(reasonOf(error, input.url));
    return EXIT.usage;
  }
  const api = createClient({ baseUrl: input.url, key: input.key });
  let inbox: string;
  try {
    inbox = await inboxOf(api, input, parts);
    if (input.copyOf !== undefined) await copy(api, input, inbox);
  } catch (error) {
    view.note(reasonOf(error, input.url));
    return EXIT.failed;
  }
  const client = tunnel({ input, view, server, inbox, key: input.key });
  parts.ready?.({ client, api, inbox });
  const stop = () => void client.stop();
  parts.signal.addEventListener('abort', stop, { once: true });
  const end = await client.run();
  server.close();
  if (end.reason === 'stopped') return EXIT.ok;
  view.note(hintOf(end.reason, end.message));
  return EXIT.failed;
}

function localServer({ target, path, ...rest }: ListenInput): LocalServer {
  const parsed = parseTarget(target);
  const base = path === undefined ? parsed.path : `/${path.replace(/^\/+|\/+$/g, '')}`;
  const { anywhere, keepHost, timeoutMs } = rest;
  return new LocalServer({ ...parsed, path: base, anywhere, keepHost, timeoutMs });
}

function tunnel(of: {
  input: ListenInput;
  view: ListenView;
  server: LocalServer;
  inbox: string;
  key: string;
}): TunnelClient {
  const { input, view, server, inbox, key } = of;
  const deliveries = new Deliveries({
    server,
    concurrency: input.concurrency,
    orderBy: input.orderBy,
    restart: () => client.restart(),
    events: {
      started: (delivery) => view.started(delivery),
      done: (delivery, result) => view.done(delivery, result),
      failed: (delivery, reason, message) => view.failed(delivery, reason, message),
      holding: (on) => {
        view.holding(on, deliveries.size);
        client.state();
      },
    },
  });
  const { mode, from, takeOver, filter, version } = input;
  const client = new TunnelClient({
    url: input.url,
    agent: input.agent,
    kind: input.via,
    deliveries,
    hello: {
      ...{ token: key, inbox, mode, from, takeOver, filter },
      listener: input.listener ?? machineName(),
      window: WINDOW,
      responder: input.answer,
      resign: input.resign,
      agent: `posthorn/${version} (${hostname()})`,
    },
    events: {
      connected: (welcome, kind) => view.connected(welcome, server.url, kind),
      lost: (reason, retryMs) => view.lost(reason, retryMs),
    },
    backlog: async (welcome) => {
      if (welcome.backlog === 0) return 'replay';
      const choice = input.backlog ?? (welcome.backlog <= UNASKED_MAX ? 'replay' : 'ask');
      return choice === 'ask' ? view.ask(welcome) : choice;
    },
  });
  return client;
}

/** The same copy again, if there is one for this inbox. */
async function copy(api: Client, { tenant, copyOf }: ListenInput, inbox: string): Promise<void> {
  await api.copyForDevelopment({
    tenant,
    endpoint: copyOf as `ep_${string}`,
    body: { inbox: inbox as Inbox['id'] },
  });
}

/** Under which the memory has this machine's own inbox. */
export function placeOf(url: string, tenant: string): string {
  return `${url} ${tenant}`;
}

/** Id of the inbox that was named, made if it is not there; or of this machine's own. */
async function inboxOf(api: Client, input: ListenInput, { memory }: ListenParts): Promise<string> {
  const { tenant, inbox } = input;
  const place = placeOf(input.url, tenant);
  const wanted = inbox ?? memory.read(place);
  const found = wanted === undefined ? undefined : await findInbox(api, tenant, wanted);
  if (found !== undefined) return found;
  if (inbox?.startsWith('inb_')) throw new Error(`There is no inbox ${inbox} in ${tenant}.`);
  const answer = { kind: 'live', fallback: { status: 202 } } as const;
  const made = await api.createInbox({
    tenant,
    body: { answer, name: inbox ?? null, title: `posthorn listen on ${hostname()}` },
  });
  if (inbox === undefined) memory.write(place, made.id);
  return made.id;
}

/** Keeps the cursor of this machine apart from others'. */
function machineName(): string {
  const bare = hostname().replace(/[^A-Za-z0-9._-]/g, '-');
  return `laptop-${bare}`.slice(0, 64);
}

function hintOf(reason: string, message: string): string {
  if (reason === 'held') return `${message} Add --take-over, or another --listener name.`;
  if (reason === 'replaced') return `${message} This one ends.`;
  return message;
}

/** Why something came to nothing: by an answer of the server, by none, or here. */
export function reasonOf(error: unknown, url: string): string {
  const ours = error instanceof Error && !(error instanceof ApiError) && error.cause === undefined;
  return ours ? error.message : failure(error, url);
}
