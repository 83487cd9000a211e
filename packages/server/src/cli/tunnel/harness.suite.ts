import { once } from 'node:events';
import {
  type Agent,
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Inbox } from '@posthorn/api';
import { onTestFinished } from 'vitest';
import { type Harness, startServer } from '../../http/harness.suite.ts';
import type { AckResult, Hello, NackReason, Welcome } from '../../inbox/frames.ts';
import { Deliveries } from './deliveries.ts';
import type { LineKind } from './line-kind.ts';
import { LocalServer, type LocalTarget } from './local-target.ts';
import { TunnelClient, type TunnelEnd } from './tunnel-client.ts';

/** A real server, real local servers and the client of the command line, for tests of the tunnel. */

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

type Handle = (request: Received, res: ServerResponse) => void;

/** What a laptop runs. */
export class Local {
  readonly received: Received[] = [];
  handle: Handle;
  port = 0;
  #server: Server | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(handle: Handle = (_, res) => void res.end('ok')) {
    this.handle = handle;
  }

  async start(): Promise<this> {
    const server = createServer(async (req, res) => {
      const body = await buffer(req).catch(() => undefined);
      if (!body) return;
      const { method = '', url: path = '', rawHeaders, headers } = req;
      const request = { method, path, rawHeaders, headers, body };
      this.received.push(request);
      this.handle(request, res);
      for (const look of this.#waiting) look();
    });
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
    return this;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  /** Resolves when so many have come in all. */
  async reaches(count: number): Promise<void> {
    while (this.received.length < count) await this.next();
  }
  next(): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
    });
  }
  get paths(): string[] {
    return this.received.map(({ path }) => path);
  }
}

export async function startLocal(handle?: Handle): Promise<Local> {
  const local = await new Local(handle).start();
  onTestFinished(() => local.stop());
  return local;
}

export interface ClientOptions extends Partial<Omit<Hello, 'token'>> {
  readonly key?: string;
  readonly kind?: LineKind;
  readonly concurrency?: number;
  readonly orderBy?: string;
  readonly backlog?: 'replay' | 'skip';
  readonly target?: Partial<LocalTarget>;
  /** Goes through a proxy. */
  readonly proxy?: Agent;
  /** Of the server, as this client reaches it. */
  readonly url?: string;
}

/** A client that runs, and what became known of it. */
export class TestClient {
  readonly results: AckResult[] = [];
  readonly failures: NackReason[] = [];
  readonly welcomes: Welcome[] = [];
  readonly holds: boolean[] = [];
  readonly kinds: LineKind[] = [];
  readonly client: TunnelClient;
  readonly end: Promise<TunnelEnd>;
  #changed: (() => void)[] = [];

  constructor(of: { url: string; token: string; inbox: string; port: number }, o: ClientOptions) {
    const { port } = of;
    const target = { secure: false, host: '127.0.0.1', port, path: '', ...o.target };
    const server = new LocalServer({
      anywhere: false,
      keepHost: false,
      timeoutMs: 5000,
      ...target,
    });
    const changed = () => {
      for (const go of this.#changed.splice(0)) go();
    };
    const deliveries = new Deliveries({
      server,
      concurrency: o.concurrency,
      orderBy: o.orderBy,
      restart: () => this.client.restart(),
      events: {
        started() {},
        done: (_, result) => {
          this.results.push(result);
          changed();
        },
        failed: (_, reason) => {
          this.failures.push(reason);
          changed();
        },
        holding: (on) => {
          this.holds.push(on);
          this.client.state();
          changed();
        },
      },
    });
    const { key, kind, proxy: agent, url = of.url, backlog = 'replay', ...more } = o;
    const { concurrency: _, orderBy: __, target: ___, ...hello } = more;
    this.client = new TunnelClient({
      ...{ url, agent },
      kind,
      deliveries,
      hello: {
        ...{ token: key ?? of.token, inbox: of.inbox, listener: 'laptop', mode: 'fanout' },
        ...{ from: 'acked', takeOver: false, filter: '', window: 256, responder: true },
        agent: 'test',
        ...hello,
      },
      events: {
        connected: (welcome, means) => {
          this.welcomes.push(welcome);
          this.kinds.push(means);
          changed();
        },
        lost: () => changed(),
      },
      backlog: async () => backlog,
    });
    this.end = this.client.run().finally(changed);
  }

  async until(what: () => boolean): Promise<void> {
    while (!what()) await new Promise<void>((go) => this.#changed.push(go));
  }
  connected(times = 1): Promise<void> {
    return this.until(() => this.welcomes.length >= times);
  }
  done(count: number): Promise<void> {
    return this.until(() => this.results.length >= count);
  }
  /** Leaves in good order. */
  async stop(): Promise<void> {
    await this.client.stop();
    await this.end;
  }
}

export interface Stage {
  readonly server: Harness;
  readonly inbox: Inbox;
  readonly local: Local;
  /** A listening client; resolves when it is attached. */
  attach(options?: ClientOptions): Promise<TestClient>;
  client(options?: ClientOptions): TestClient;
  /** Sends to the inbox as a stranger does. */
  send(path: string, init?: RequestInit): Promise<Response>;
}

const LIVE = { kind: 'live', waitMs: 2000, fallback: { status: 202 } } as const;
const REPLY = { kind: 'reply' } as const;

export async function stage(
  options: {
    live?: boolean;
    waitMs?: number;
    handle?: Handle;
    server?: Parameters<typeof startServer>[1];
  } = {},
): Promise<Stage> {
  const server = await startServer({}, options.server);
  const { live = true, waitMs = 2000 } = options;
  const answer = live ? { ...LIVE, waitMs } : REPLY;
  const inbox = await server.admin.createInbox({
    tenant: 'default',
    body: { name: 'shop', answer },
  });
  const local = await startLocal(options.handle);
  const client = (more: ClientOptions = {}) => {
    const of = { url: server.url, token: server.adminKey, inbox: 'shop', port: local.port };
    const made = new TestClient(of, more);
    onTestFinished(() => made.stop());
    return made;
  };
  return {
    ...{ server, inbox, local, client },
    async attach(more) {
      const made = client(more);
      await made.connected();
      return made;
    },
    send: (path, init = {}) => fetch(`${server.url}/in/shop${path}`, { method: 'POST', ...init }),
  };
}
