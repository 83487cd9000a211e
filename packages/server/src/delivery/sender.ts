import type { Socket } from 'node:net';
import { createSecureContext, rootCertificates } from 'node:tls';
import type { Exchange, Outbound, OutboundRequest, Outcome, Timings } from '../core/exchange.ts';
import type { Broken, Connection, Origin, Waiter } from './connection.ts';
import { Dial, type DialContext, FORBIDDEN } from './dial.ts';
import { bareHost, type Guard, portOf } from './guard.ts';
import { type RequestBytes, renderRequest } from './http1.ts';
import { Pool } from './pool.ts';
import type { NameResolver } from './resolver.ts';

const IDLE_MS = 4_000;
const IDLE_SOCKETS_MAX = 1_024;
/** Deadlines and abort signals are looked at this often, for all sends together. */
const SWEEP_MS = 50;
const IDLE_SWEEP_TICKS = 20;
/** Remembered URLs and origins; forgetting one costs a new connection, nothing else. */
const ROUTES_MAX = 4_096;
const READ_BUFFER_BYTES = 64 * 1024;
const NOTHING = new Uint8Array(0);

const ABORTED: Broken = { fault: 'aborted', detail: 'the sender was told to stop' };

export interface SenderOptions {
  readonly guard: Guard;
  readonly resolver: NameResolver;
  readonly limits?: {
    /** Default 4,000. A peer's `Keep-Alive: timeout` shortens it. */
    readonly idleMs?: number;
    /** Default 1,024, over all origins. */
    readonly idleSocketsMax?: number;
  };
  /** PEM certificates that are trusted beside Node's own roots. */
  readonly tlsCa?: string;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

/** A URL, judged and cut into what a request needs. */
interface Route {
  readonly origin: Origin;
  readonly target: string;
  readonly host: string;
}

/**
 * The one way out of the process (`Outbound`). It follows no redirects, decodes no content coding,
 * repeats nothing, and knows nothing of proxies: `HTTP_PROXY` and its kind are not read.
 */
export function createSender(options: SenderOptions): Outbound {
  return new Sender(options);
}

class Sender implements Outbound {
  readonly #now: () => number;
  readonly #guard: Guard;
  readonly #pool: Pool;
  readonly #dialContext: DialContext;
  readonly #sockets = new Set<Socket>();
  readonly #flights = new Set<Flight>();
  readonly #routes = new Map<string, Route>();
  readonly #origins = new Map<string, Origin>();
  #sweeper: NodeJS.Timeout | undefined;
  #ticks = 0;
  #closed = false;

  constructor(options: SenderOptions) {
    this.#now = options.now ?? (() => performance.now());
    this.#guard = options.guard;
    this.#pool = new Pool({
      idleMs: options.limits?.idleMs ?? IDLE_MS,
      idleSocketsMax: options.limits?.idleSocketsMax ?? IDLE_SOCKETS_MAX,
      now: this.#now,
    });
    const ca = options.tlsCa === undefined ? {} : { ca: [...rootCertificates, options.tlsCa] };
    this.#dialContext = {
      guard: options.guard,
      resolver: options.resolver,
      secureContext: createSecureContext({ minVersion: 'TLSv1.2', ...ca }),
      readBuffer: Buffer.allocUnsafeSlow(READ_BUFFER_BYTES),
      sockets: this.#sockets,
      keeper: this.#pool,
      now: this.#now,
    };
  }

  send(request: OutboundRequest, signal?: AbortSignal): Promise<Exchange> {
    const startedAt = this.#now();
    const { href } = request.url;
    const route = this.#routes.get(href) ?? this.#addRoute(href);
    if (this.#closed || signal?.aborted) return this.#refuse(ABORTED, startedAt);
    if (route === undefined) return this.#refuse(FORBIDDEN, startedAt);
    const bytes = renderRequest({
      method: request.method,
      target: route.target,
      host: route.host,
      headers: request.headers,
      lowerCase: request.lowerCase,
      body: request.body,
    });
    if (typeof bytes === 'string') {
      return this.#refuse(
        { fault: 'render_failed', detail: `no request can be made: ${bytes}` },
        startedAt,
      );
    }
    return new Promise((resolve) => {
      const flight = new Flight({
        request,
        bytes,
        signal,
        startedAt,
        now: this.#now,
        resolve,
        flights: this.#flights,
      });
      this.#flights.add(flight);
      this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS).unref();
      const kept = this.#pool.take(route.origin);
      if (kept !== undefined) flight.start(kept);
      // The URL of the route, not the caller's: a URL object can change under a send.
      else void flight.dial(new Dial(this.#dialContext, route.origin, new URL(href)));
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const flight of this.#flights) flight.abort();
    this.#pool.close();
    const closing = [...this.#sockets].map(
      (socket) => new Promise((resolve) => socket.destroy().once('close', resolve)),
    );
    await Promise.all(closing);
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }

  #refuse(broken: Broken, startedAt: number): Promise<Exchange> {
    return Promise.resolve({
      outcome: { kind: 'fault', ...broken, status: undefined, head: undefined, body: undefined },
      requestHead: NOTHING,
      remoteAddress: undefined,
      timings: { ...NO_TIMINGS, totalMs: this.#now() - startedAt },
    });
  }

  /** Judged when first seen, and again at each new connection; undefined = forbidden. */
  #addRoute(href: string): Route | undefined {
    const url = new URL(href);
    if (this.#guard.judgeUrl(url) !== undefined) return undefined;
    const key = `${url.protocol}//${url.host}`;
    let origin = this.#origins.get(key);
    if (origin === undefined) {
      origin = {
        secure: url.protocol === 'https:',
        host: bareHost(url),
        port: portOf(url),
        idle: [],
        session: undefined,
        sessionAt: 0,
      };
      remember(this.#origins, key, origin);
    }
    const route = { origin, target: url.pathname + url.search, host: url.host };
    remember(this.#routes, href, route);
    return route;
  }

  /** One timer for all deadlines; it stops when nothing flies and nothing is kept. */
  #sweep(): void {
    const now = this.#now();
    for (const flight of this.#flights) flight.sweep(now);
    if (++this.#ticks % IDLE_SWEEP_TICKS === 0) this.#pool.sweep();
    if (this.#flights.size > 0 || this.#pool.size > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}

interface FlightOptions {
  readonly request: OutboundRequest;
  readonly bytes: RequestBytes;
  readonly signal: AbortSignal | undefined;
  readonly startedAt: number;
  readonly now: () => number;
  readonly resolve: (exchange: Exchange) => void;
  /** It is in here until it has resolved. */
  readonly flights: Set<Flight>;
}

/** One send under way: dials or takes a connection, and resolves exactly once. */
class Flight implements Waiter {
  readonly #options: FlightOptions;
  readonly #deadline: number;
  #dial: Dial | undefined;
  #connection: Connection | undefined;
  #settled = false;

  constructor(options: FlightOptions) {
    this.#options = options;
    this.#deadline = options.startedAt + options.request.timeoutMs;
  }

  start(connection: Connection): void {
    const { bytes, request } = this.#options;
    this.#connection = connection;
    connection.start(this, bytes.bytes, request.method === 'HEAD');
  }

  /** Never rejects: a bug in dialling is this send's fault `internal`, not the process's end. */
  async dial(dial: Dial): Promise<void> {
    this.#dial = dial;
    try {
      const dialled = await dial.run();
      if ('fault' in dialled) this.#settle(fault(dialled));
      else if (this.#settled) dialled.destroy();
      else this.start(dialled);
    } catch (error) {
      const name = error instanceof Error ? error.name : 'unknown error';
      this.#settle(fault({ fault: 'internal', detail: `the sender failed: ${name}` }));
    }
  }

  responded(connection: Connection): void {
    const { status, head, body, truncated } = connection.parser;
    this.#settle({ kind: 'response', status, head, body, truncated });
  }

  broke(connection: Connection, broken: Broken): void {
    this.#settle(fault(broken, connection));
  }

  sweep(now: number): void {
    // Written so that a budget that is no number ends at once instead of never.
    if (!(now < this.#deadline)) this.#timeOut();
    else if (this.#options.signal?.aborted) this.abort();
    else this.#dial?.sweep(now);
  }

  abort(): void {
    this.#giveUp(ABORTED);
  }

  #timeOut(): void {
    const { timeoutMs } = this.#options.request;
    const started = this.#connection?.parser.started;
    const step =
      started === undefined
        ? this.#dial?.step
        : started
          ? 'reading the response'
          : 'waiting for the response';
    this.#giveUp({
      fault: 'timeout',
      detail: `no complete response within ${timeoutMs} ms, while ${step}`,
    });
  }

  #giveUp(broken: Broken): void {
    const connection = this.#connection;
    this.#settle(fault(broken, connection));
    this.#dial?.cancel();
    connection?.destroy();
  }

  #settle(outcome: Outcome): void {
    if (this.#settled) return;
    this.#settled = true;
    const { bytes, flights, resolve } = this.#options;
    flights.delete(this);
    resolve({
      outcome,
      requestHead:
        this.#connection === undefined ? NOTHING : bytes.bytes.subarray(0, bytes.headLength),
      remoteAddress: this.#connection?.remoteAddress,
      timings: this.#timings(),
    });
  }

  #timings(): Timings {
    const { now, startedAt } = this.#options;
    const dial = this.#dial;
    const connection = this.#connection;
    return {
      dnsMs: dial?.dnsMs,
      connectMs: dial?.connectMs,
      tlsMs: dial?.tlsMs,
      firstByteMs: connection?.parser.started
        ? connection.firstByteAt - connection.writtenAt
        : undefined,
      totalMs: now() - startedAt,
    };
  }
}

const NO_TIMINGS = {
  dnsMs: undefined,
  connectMs: undefined,
  tlsMs: undefined,
  firstByteMs: undefined,
} as const;

/** With what had come of the response, if anything. */
function fault(broken: Broken, connection?: Connection): Outcome {
  const parser = connection?.parser.started ? connection.parser : undefined;
  return {
    kind: 'fault',
    fault: broken.fault,
    detail: broken.detail,
    status: parser === undefined || parser.status === 0 ? undefined : parser.status,
    head: parser?.head,
    body: parser === undefined || parser.status === 0 ? undefined : parser.body,
  };
}

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.set(key, value);
  if (map.size <= ROUTES_MAX) return;
  // Maps keep insertion order: the first key is the oldest.
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
