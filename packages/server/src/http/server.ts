import { randomBytes } from 'node:crypto';
import * as http from 'node:http';
import type { Duplex } from 'node:stream';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { AppError } from '../core/errors.ts';
import { Authenticator } from './auth.ts';
import { misdirected } from './duty.ts';
import { CaptureHandler } from './inbox/capture-handler.ts';
import { inboxPlace } from './inbox/place.ts';
import { SharedPage } from './inbox/shared-page.ts';
import { TUNNEL_PATH, TunnelHandler } from './inbox/tunnel-handler.ts';
import { IngestHandler, ingestTenant } from './ingest.ts';
import { LiveFeed } from './live/feed.ts';
import { OAuthHandler } from './oauth/handler.ts';
import type { HttpDeps } from './ports.ts';
import { toProblem } from './problem.ts';
import { Reference } from './reference.ts';
import {
  parseJson,
  refuseRoute,
  registerOperations,
  replyProblem,
  setCommonHeaders,
} from './registrar.ts';
import { createRequestIds } from './request-id.ts';
import { LINGER_MS, sendProblem } from './respond.ts';
import { createHandlers } from './routes/index.ts';
import { Site } from './site.ts';

/**
 * The listening socket. Posted events, requests to inboxes and the dashboard's files are answered on
 * bare node:http, everything else by Fastify; all share one server, one authenticator and one form of
 * refusal.
 */

const CONTROL_BODY_BYTES_MAX = 1_048_576;
const IDLE_CHECK_MS = 50;

/** Bounds on slow clients (A36); Node's own are minutes. Headers are bounded to 16 KiB by Node. */
const TIMEOUTS = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5000,
};

export interface ListenOptions {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
}

export interface ListenAddress {
  readonly address: string;
  readonly port: number;
}

export interface HttpServer {
  readonly server: http.Server;
  listen(options: ListenOptions): Promise<ListenAddress>;
  /**
   * Stops accepting, answers new requests on kept connections with 503, waits up to `drainMs` for those
   * in flight, then cuts what is left.
   */
  close(drainMs: number): Promise<void>;
}

export async function createHttpServer(deps: HttpDeps): Promise<HttpServer> {
  const { logger } = deps;
  const requestId = createRequestIds(randomBytes);
  const authenticator = new Authenticator({ config: deps.config, now: deps.now });
  const ingest = new IngestHandler({ ...deps, authenticator, requestId });
  const { dashboard: files, config, publicUrl } = deps;
  const site = files && new Site({ files, config, publicUrl });
  const reference = new Reference({ files: deps.reference, publicUrl });
  const capture = new CaptureHandler({
    ...deps.inbox,
    logger,
    requestId,
    pages: deps.inbox.domain !== undefined,
  });
  const { relay, clock } = deps.inbox;
  const { view, store } = deps.inbox;
  const shared = new SharedPage({ authenticator, view, captures: store.captures });
  const tunnels = new TunnelHandler({ relay, authenticator, clock, logger, requestId });
  const duty = { roles: deps.roles, domain: deps.inbox.domain };
  const everything = deps.roles.includes('api') && deps.roles.includes('inbox');
  const oauth = new OAuthHandler({ ...deps, authenticator, requestId });
  let draining = false;
  let framework: http.RequestListener | undefined;

  function dispatch(req: http.IncomingMessage, res: http.ServerResponse): void {
    if (draining) {
      const error = new AppError('shutting_down', 'Shutting down: send it again elsewhere.', {
        retryAfterS: 1,
      });
      const id = requestId(req.headers['x-request-id']);
      sendProblem({ req, res }, toProblem(error, id, logger), true);
      return;
    }
    const elsewhere = everything ? undefined : misdirected(req, duty);
    if (elsewhere) {
      const id = requestId(req.headers['x-request-id']);
      sendProblem({ req, res }, toProblem(elsewhere, id, logger), true);
      return;
    }
    const place = inboxPlace(req, deps.inbox.domain);
    if (place) {
      capture.handle({ req, res }, place);
      return;
    }
    if (tunnels.handle(req, res) || shared.handle(req, res) || oauth.handle(req, res)) return;
    const tenant = ingestTenant(req);
    if (tenant !== undefined) ingest.handle(req, res, tenant);
    else if (!site?.handle(req, res) && !reference.handle(req, res)) framework?.(req, res);
  }

  const server = http.createServer({ ...TIMEOUTS, IncomingMessage: TunnelUpgrade }, dispatch);
  server.on('upgrade', (req, socket, head) => {
    if (everything || !misdirected(req, duty)) tunnels.upgrade(req, socket, head);
    else socket.end(MISDIRECTED);
  });
  // The 16 KiB of all headers are the bound; a count would drop some of them silently.
  server.maxHeadersCount = 0;
  const app = createApp(deps, {
    requestId,
    serverFactory: (handler) => {
      framework = handler;
      return server;
    },
  });
  const live = createFeed(deps);
  const handlers = createHandlers(deps, live);
  registerOperations(app, { handlers, authenticator, config: deps.config });
  await app.ready();

  return {
    server,
    listen: (options) => listen(server, options),
    close: async (drainMs) => {
      draining = true;
      live.close();
      await drain(server, drainMs);
      await app.close();
    },
  };
}

function createFeed({ log, configStore, config, now, logger, watchLog }: HttpDeps): LiveFeed {
  const feed = new LiveFeed({
    log,
    configStore,
    config,
    now,
    failed: (err) => logger.warn({ err }, 'a live connection ended: the store did not answer'),
    watch: watchLog,
  });
  config.onChange(() => feed.poke());
  return feed;
}

/**
 * Only the tunnel is upgraded to. Node hands every request that offers an upgrade to the listener for
 * upgrades once there is one, without its body; and some clients offer h2c with each POST.
 */
class TunnelUpgrade extends http.IncomingMessage {
  // Not a private field: Node's own constructor sets `upgrade`, before fields of ours exist.
  private offered: boolean | undefined;

  // Node's parser sets it, after the URL and before it asks.
  set upgrade(offered: boolean) {
    this.offered = offered && this.url === TUNNEL_PATH;
  }
  get upgrade(): boolean {
    return this.offered === true;
  }
}

interface AppOptions {
  readonly requestId: (given: string | string[] | undefined) => string;
  readonly serverFactory: (handler: http.RequestListener) => http.Server;
}

function createApp(deps: HttpDeps, { requestId, serverFactory }: AppOptions): FastifyInstance {
  const { logger } = deps;
  const app = Fastify({
    serverFactory,
    clientErrorHandler: refuseBytes,
    bodyLimit: CONTROL_BODY_BYTES_MAX,
    genReqId: (req) => requestId(req.headers['x-request-id']),
    frameworkErrors: (error, request, reply) => {
      setCommonHeaders(request, reply);
      replyProblem(reply, toProblem(error, request.id, logger));
    },
    // The longest type of an event, every character percent-encoded.
    routerOptions: { caseSensitive: true, maxParamLength: 3 * 128 },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    /^application\/(?:[\w.+-]+\+)?json *(?:;|$)/i,
    { parseAs: 'buffer' },
    async (request: FastifyRequest, bytes: Buffer) =>
      parseJson(bytes, request.routeOptions.config.valuesMax),
  );
  app.addHook('onRequest', async (request, reply) => setCommonHeaders(request, reply));
  app.setNotFoundHandler((request) => refuseRoute(request));
  app.setErrorHandler((error, request, reply) => {
    replyProblem(reply, toProblem(error, request.id, logger));
  });
  return app;
}

const MISDIRECTED =
  'HTTP/1.1 421 Misdirected Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';

/** What Node's parser could not read as HTTP: answered without a body, and the connection ends. */
function refuseBytes(error: Error & { code?: string }, socket: Duplex): void {
  // While an earlier request of this connection is unanswered, an answer now would be taken for its.
  const busy = (socket as { _httpMessage?: unknown })._httpMessage;
  if (busy || !socket.writable) {
    socket.destroy();
    return;
  }
  const status =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request';
  // The peer may still be sending and never close: it gets a moment to read the answer.
  const cut = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(cut));
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

async function listen(server: http.Server, { host, port }: ListenOptions): Promise<ListenAddress> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not a TCP socket');
  return address;
}

async function drain(server: http.Server, drainMs: number): Promise<void> {
  if (!server.listening) return;
  await new Promise<void>((resolve) => {
    // Node closes what is idle now, but not what becomes idle later.
    const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
    const cut = setTimeout(() => server.closeAllConnections(), drainMs);
    server.close(() => {
      clearInterval(idle);
      clearTimeout(cut);
      resolve();
    });
  });
}
