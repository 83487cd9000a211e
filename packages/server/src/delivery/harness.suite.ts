import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import {
  createServer,
  type IncomingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Accepted,
  type AttemptPage,
  type Client,
  createClient,
  type Delivery,
  type operations,
} from '@posthorn/api';
import { importVerifyKey, verify } from '@posthorn/wire';
import { onTestFinished } from 'vitest';
import type { z } from 'zod';
import { type App, type AppOptions, startApp } from '../app.ts';
import { loadConfig } from '../config.ts';
import type { Clock } from '../core/clock.ts';
import type { Ms } from '../core/model.ts';
import { createLogger, createMetrics } from '../telemetry.ts';

/**
 * The whole product in this process, for tests of delivery through the front door: real SQLite, real
 * HTTP on both sides, and time that only moves when a test says so.
 */

const DEADLINE_MS = 8000;

/** Polls until `look` gives something truthy; `tick` lets time pass meanwhile. */
export async function eventually<T>(
  look: () => T | Promise<T>,
  what: string,
  tick: () => void = () => {},
): Promise<NonNullable<Exclude<T, false>>> {
  const end = performance.now() + DEADLINE_MS;
  for (;;) {
    const found = await look();
    if (found) return found as NonNullable<Exclude<T, false>>;
    if (performance.now() > end)
      throw new Error(`did not happen within ${DEADLINE_MS} ms: ${what}`);
    tick();
    await delay(1);
  }
}

/** The same for a count that may take long, as long as it grows. */
export async function reaches(
  count: () => number,
  target: number,
  tick: () => void = () => {},
): Promise<void> {
  while (count() < target) {
    const before = count();
    const what = `${target}, after ${before}`;
    await eventually(() => count() >= target || count() > before + 500, what, tick);
  }
}

/** Stands still. A jump runs each task that is due by then once, like a machine that slept. */
export class VirtualClock implements Clock {
  #now: Ms = Date.UTC(2026, 10, 22);
  readonly #tasks = new Set<{ readonly at: Ms; readonly task: () => void }>();

  now(): Ms {
    return this.#now;
  }

  after(delayMs: Ms, task: () => void): () => void {
    const entry = { at: this.#now + delayMs, task };
    this.#tasks.add(entry);
    return () => this.#tasks.delete(entry);
  }

  advance(ms: Ms): void {
    this.to(this.#now + ms);
  }

  /** Time goes by without anybody having waited for it. */
  protected pass(ms: Ms): void {
    this.#now += ms;
  }

  to(at: Ms): void {
    this.#now = Math.max(this.#now, at);
    const due = [...this.#tasks].filter((entry) => entry.at <= this.#now);
    for (const entry of due.sort((a, b) => a.at - b.at)) {
      if (this.#tasks.delete(entry)) entry.task();
    }
  }
}

const READINGS_MAX = 1_000_000;

/** A machine so slow that a millisecond passes with each look at the clock. */
export class CreepingClock extends VirtualClock {
  #readings = 0;

  override now(): Ms {
    this.#readings += 1;
    if (this.#readings > READINGS_MAX) throw new Error('somebody loops and looks at the clock');
    this.pass(1);
    return super.now();
  }
}

// ---- the receiving side --------------------------------------------------------------------------

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** `webhook-id`. */
  readonly id: string;
  /** 1 = the first request with this id on this path. */
  readonly n: number;
  /** Virtual time of its arrival. */
  readonly at: Ms;
}
type Answer =
  | number
  | {
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: string;
    };
type Answering = (request: Received) => Answer | Promise<Answer>;

export class Receiver {
  readonly requests: Received[] = [];
  answer: Answering;
  inFlight = 0;
  inFlightMax = 0;
  readonly #server: Server;
  readonly #seen = new Map<string, number>();

  constructor(server: Server, answer: Answering) {
    this.#server = server;
    this.answer = answer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** The n-th request (from 1), once it has come. */
  async request(n: number): Promise<Received> {
    return eventually(() => this.requests[n - 1], `request ${n} of ${this.requests.length}`);
  }

  ids(): string[] {
    return this.requests.map(({ id }) => id);
  }

  async take(request: Omit<Received, 'n'>, res: ServerResponse): Promise<void> {
    const key = `${request.path} ${request.id}`;
    const n = (this.#seen.get(key) ?? 0) + 1;
    this.#seen.set(key, n);
    const received = { ...request, n };
    this.requests.push(received);
    this.inFlight += 1;
    this.inFlightMax = Math.max(this.inFlightMax, this.inFlight);
    const answer = await this.answer(received);
    this.inFlight -= 1;
    if (typeof answer === 'number') res.writeHead(answer).end();
    else res.writeHead(answer.status, answer.headers).end(answer.body);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Answers 204 unless told otherwise. */
export async function startReceiver(
  clock: { now(): Ms },
  answer: Answering = () => 204,
): Promise<Receiver> {
  const server = createServer(async (req, res) => {
    const { method = '', url: path = '', headers } = req;
    const at = clock.now();
    const body = await buffer(req);
    await receiver.take(
      { method, path, headers, body, id: String(headers['webhook-id']), at },
      res,
    );
  });
  const receiver = new Receiver(server, answer);
  // A wide fan-out connects a thousand times at once; the kernel drops what Node's 511 cannot hold.
  const place = { port: 0, host: '127.0.0.1', backlog: 4096 };
  await new Promise<void>((resolve) => server.listen(place, resolve));
  onTestFinished(() => receiver.close());
  return receiver;
}

/** Answers when the test says so. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

/** `data.n` of the event that it carries. */
export const number = ({ body }: Received): number => JSON.parse(body.toString()).data.n;

export function verifies(request: Received, secret: string): boolean {
  const result = verify({
    id: request.id,
    timestamp: String(request.headers['webhook-timestamp']),
    signature: String(request.headers['webhook-signature']),
    body: request.body,
    keys: [importVerifyKey(secret)],
    nowS: request.at / 1000,
    toleranceS: 1,
  });
  return result.ok;
}

// ---- the product ---------------------------------------------------------------------------------

type NewEndpoint = Parameters<Client['createEndpoint']>[0]['body'];
type EndpointPatch = Parameters<Client['updateEndpoint']>[0]['body'];
type NewEvents = Parameters<Client['publishEvents']>[0]['body'];
type Created = z.infer<(typeof operations)['createEndpoint']['responses'][201]['body']>;
type Single = Exclude<NewEvents, readonly unknown[]>;

export interface StartOptions {
  readonly directory?: string;
  /** Kept from app to app when a test restarts. */
  readonly clock?: VirtualClock;
  readonly flags?: Readonly<Record<string, string>>;
  readonly wrapStore?: AppOptions['wrapStore'];
}

export interface Harness {
  readonly app: App;
  readonly api: Client;
  readonly clock: VirtualClock;
  readonly directory: string;
  /** Log lines, oldest first. */
  readonly log: readonly Record<string, unknown>[];
  /** Bytes as they are to the route that takes events. */
  post(body: Uint8Array | string): Promise<Response>;
  endpoint(input: NewEndpoint): Promise<Created>;
  update(id: string, body: EndpointPatch): Promise<void>;
  publish(event?: Partial<Single>): Promise<Accepted>;
  publishMany(count: number, event?: (i: number) => Partial<Single>): Promise<Accepted[]>;
  /** Of one endpoint, or all; oldest first. */
  deliveries(endpoint?: string): Promise<Delivery[]>;
  attempts(endpoint?: string): Promise<z.infer<typeof AttemptPage>['items']>;
  /** With another key than the admin's. */
  client(key: string): Client;
  /** Once so many attempts are logged. */
  attempted(count: number): Promise<void>;
  /** Once nothing is owed. */
  settled(): Promise<void>;
  /** Once the only delivery of the endpoint (or of all) satisfies `test`. */
  delivery(what: string, test: (delivery: Delivery) => boolean): Promise<Delivery>;
  /** Orderly end; time passes while it is waited for. */
  close(): Promise<void>;
}

export const ADMIN_KEY = 'test-admin-key-of-32-characters-or-more';

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-delivery-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** What a killed process would leave behind: the files as they are now, without the lock's holder. */
export function crashed(harness: Harness): string {
  const directory = temporaryDirectory();
  cpSync(harness.directory, directory, { recursive: true });
  return directory;
}

/** Nodes of one store ask it now and then what others did: that goes on while time stands still. */
const POLLS_MS = 500;

function asking(clock: VirtualClock): Clock {
  return {
    now: () => clock.now(),
    after(delayMs, task) {
      if (delayMs > POLLS_MS) return clock.after(delayMs, task);
      const timer = setTimeout(task, delayMs);
      return () => clearTimeout(timer);
    },
  };
}

type DatabaseOf = (directory: string) => Promise<string>;
let databaseOf: DatabaseOf | undefined;

/** From now on stores are where `of` says, instead of in SQLite; for running the same tests on both. */
export function keepStoresIn(of: DatabaseOf | undefined): void {
  databaseOf = of;
}

export async function start(options: StartOptions = {}): Promise<Harness> {
  const { clock = new VirtualClock(), directory = temporaryDirectory(), wrapStore } = options;
  const databaseUrl = await databaseOf?.(directory);
  const shared = databaseUrl === undefined ? {} : { databaseUrl, masterKey: 'm'.repeat(32) };
  const log: Record<string, unknown>[] = [];
  const stream = { write: (line: string) => log.push(JSON.parse(line)) };
  const app = await startApp({
    config: loadConfig({
      command: 'dev',
      flags: {
        data: directory,
        port: '0',
        adminKey: ADMIN_KEY,
        drain: '1s',
        ...shared,
        ...options.flags,
      },
      env: {},
      cwd: directory,
    }),
    logger: createLogger({ level: 'info', format: 'json', stream }),
    metrics: createMetrics(),
    clock: databaseUrl === undefined ? clock : asking(clock),
    ...(wrapStore && { wrapStore }),
  });
  const harness = createHarness({ app, clock, directory, log });
  onTestFinished(() => harness.close());
  return harness;
}

function createHarness(parts: Pick<Harness, 'app' | 'clock' | 'directory' | 'log'>): Harness {
  const { app, clock } = parts;
  const tenant = 'default';
  const api = createClient({ baseUrl: app.url, key: ADMIN_KEY });
  const publishBody = async (body: NewEvents) => [await api.publishEvents({ tenant, body })].flat();
  const filter = (endpoint: string | undefined) =>
    endpoint === undefined ? {} : { endpoint: endpoint as Created['id'] };
  const event = (fields: Partial<Single> = {}): Single => ({ type: 'a.b', data: {}, ...fields });
  const harness: Harness = {
    ...parts,
    api,
    post: (body) =>
      fetch(`${app.url}/api/v1/tenants/${tenant}/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
        body,
      }),
    endpoint: (body) => api.createEndpoint({ tenant, body }),
    async update(id, body) {
      await api.updateEndpoint({ tenant, endpoint: id as Created['id'], body });
    },
    publish: async (fields) => (await publishBody(event(fields)))[0] as Accepted,
    publishMany: (count, fields = () => ({})) =>
      publishBody(Array.from({ length: count }, (_, i) => event(fields(i)))),
    deliveries: async (endpoint) =>
      (await api.listDeliveries({ tenant, limit: 200, ...filter(endpoint) })).items.reverse(),
    attempts: async (endpoint) =>
      (await api.listAttempts({ tenant, limit: 200, ...filter(endpoint) })).items.reverse(),
    client: (key) => createClient({ baseUrl: app.url, key }),
    async attempted(count) {
      const enough = async () => (await app.store.log.stats(clock.now())).attempts >= count;
      await eventually(enough, `${count} attempts are logged`);
    },
    async settled() {
      const none = async () => (await app.store.log.stats(clock.now())).pending === 0;
      await eventually(none, 'nothing is owed any more');
    },
    delivery: (what, test) =>
      eventually(async () => {
        const [delivery] = await harness.deliveries();
        return delivery && test(delivery) && delivery;
      }, what),
    async close() {
      let open = true;
      const closed = app.close().finally(() => {
        open = false;
      });
      await eventually(
        () => !open,
        'the app closes',
        () => clock.advance(100),
      );
      await closed;
    },
  };
  return harness;
}

/** Returns when a delivery elsewhere has passed through the worker. */
export async function passBy(app: Harness): Promise<void> {
  const other = await startReceiver(app.clock);
  const { id } = await app.endpoint({ url: other.url, eventTypes: ['pass.by'] });
  await app.publish({ type: 'pass.by' });
  await other.request(1);
  await app.api.deleteEndpoint({ tenant: 'default', endpoint: id });
}

/** Waits until `attempts` are logged, and gives when the next one is due. */
export async function nextAt(app: Harness, attempts: number): Promise<number> {
  const delivery = await app.delivery(`attempt ${attempts}`, (d) => d.attempts === attempts);
  return Date.parse(String(delivery.nextAt));
}
