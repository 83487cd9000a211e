import type { IncomingMessage, ServerResponse } from 'node:http';
import { REQUEST_BYTES_MAX } from '@posthorn/api';
import { type EventDraft, parseEvents } from '@posthorn/wire';
import { AppError } from '../core/errors.ts';
import type { TenantId } from '../core/model.ts';
import { type Span, type Tracer, traceOf } from '../core/tracing.ts';
import { type Authenticator, authorize } from './auth.ts';
import type { HttpLogger, Published, Publisher } from './ports.ts';
import { toProblem } from './problem.ts';
import { API_HEADERS, sendProblem } from './respond.ts';

/**
 * `POST /api/v1/tenants/{tenant}/events` on bare node:http, because it is the hot path: through the
 * framework the same request costs about a quarter more CPU (bench/ingest-route.js).
 */

const PREFIX = '/api/v1/tenants/';
const SUFFIX = '/events';
const ROUTE = `${PREFIX}{tenant}${SUFFIX}`;
const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json *(?:;|$)/i;
const KEY = /^[\x21-\x7e]{1,128}$/;
const PARSE_LIMITS = {};

export interface IngestOptions {
  readonly publisher: Publisher;
  readonly authenticator: Authenticator;
  readonly logger: HttpLogger;
  /** undefined = nobody traces. */
  readonly tracer: Tracer | undefined;
  readonly requestId: (given: string | string[] | undefined) => string;
}

/** The tenant of a request that posts events, as it stands in the path; undefined = another route. */
export function ingestTenant(req: IncomingMessage): string | undefined {
  const { method, url } = req;
  if (method !== 'POST' || url === undefined || !url.startsWith(PREFIX)) return undefined;
  const end = url.indexOf('/', PREFIX.length);
  if (end < 0 || !url.startsWith(SUFFIX, end)) return undefined;
  const after = url.charCodeAt(end + SUFFIX.length);
  const whole = Number.isNaN(after) || after === 0x3f; // the path ends here, or at `?`
  return whole ? url.slice(PREFIX.length, end) : undefined;
}

export class IngestHandler {
  readonly #options: IngestOptions;

  constructor(options: IngestOptions) {
    this.#options = options;
  }

  /** Answers the request whatever happens; never throws. The publisher knows whether the tenant exists. */
  handle(req: IncomingMessage, res: ServerResponse, tenant: string): void {
    const { requestId, authenticator } = this.#options;
    const ingest = new Ingest(this.#options, { req, res, tenant });
    ingest.requestId = requestId(req.headers['x-request-id']);
    ingest.trace();
    try {
      authorize(authenticator.authenticate(req), 'publish', { tenant });
      checkHead(req);
    } catch (error) {
      ingest.refuse(error);
      return;
    }
    ingest.read();
  }
}

/** Throws for what can be refused before the body is read. */
function checkHead(req: IncomingMessage): void {
  const { headers, url } = req;
  if (Number(headers['content-length']) > REQUEST_BYTES_MAX) throw tooLarge();
  const type = headers['content-type'];
  if (type !== undefined && !JSON_TYPE.test(type)) {
    throw new AppError('unsupported_media_type', 'Send events as application/json.');
  }
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    const message = 'Send events without Content-Encoding: compressed bodies are not read.';
    throw new AppError('unsupported_encoding', message);
  }
  if (url?.includes('?')) {
    throw new AppError('invalid_request', 'This operation takes no query: put it into the body.');
  }
}

interface IngestRequest {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly tenant: TenantId;
}

const INGEST = Symbol('ingest');
/** The listeners are shared functions that find their request in `this`: nothing is bound per request. */
type Incoming = IncomingMessage & { [INGEST]?: Ingest };

function onData(this: Incoming, chunk: Buffer): void {
  this[INGEST]?.take(chunk);
}
function onEnd(this: Incoming): void {
  this[INGEST]?.publish();
}

/** One request on its way from body to answer. A client that goes away leaves nothing behind. */
class Ingest {
  requestId = '';
  readonly #options: IngestOptions;
  readonly #request: IngestRequest;
  #first: Buffer | undefined;
  /** All chunks, once there is more than one. */
  #chunks: Buffer[] | undefined;
  #bytes = 0;
  #array = false;
  #refused = false;
  #span: Span | undefined;

  constructor(options: IngestOptions, request: IngestRequest) {
    this.#options = options;
    this.#request = request;
  }

  /** https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server */
  trace(): void {
    const { tracer } = this.#options;
    if (!tracer) return;
    const { req, tenant } = this.#request;
    this.#span = tracer.start({
      name: `POST ${ROUTE}`,
      kind: 'server',
      parent: traceOf(req.headers['traceparent'], req.headers['tracestate']),
      joinsActive: true,
      attributes: {
        'http.request.method': 'POST',
        'http.route': ROUTE,
        'posthorn.tenant.id': tenant,
      },
    });
  }

  read(): void {
    const req: Incoming = this.#request.req;
    req[INGEST] = this;
    req.on('data', onData);
    req.on('end', onEnd);
  }

  take(chunk: Buffer): void {
    if (this.#refused) return;
    this.#bytes += chunk.length;
    if (this.#bytes > REQUEST_BYTES_MAX) {
      this.#first = undefined;
      this.#chunks = undefined;
      this.refuse(tooLarge());
    } else if (this.#first === undefined) {
      this.#first = chunk;
    } else {
      this.#chunks ??= [this.#first];
      this.#chunks.push(chunk);
    }
  }

  publish(): void {
    if (this.#refused) return;
    const { publisher } = this.#options;
    const { req, tenant } = this.#request;
    try {
      const body = this.#chunks
        ? Buffer.concat(this.#chunks, this.#bytes)
        : (this.#first ?? Buffer.alloc(0));
      const { events, array } = parseEvents(body, PARSE_LIMITS);
      this.#array = array;
      const key = req.headers['idempotency-key'];
      const keyed = key === undefined ? events : withKey(events, array, key);
      const trace =
        this.#span?.trace ?? traceOf(req.headers['traceparent'], req.headers['tracestate']);
      const drafts = trace === undefined ? keyed : keyed.map((event) => ({ ...event, trace }));
      publisher.publish(tenant, drafts).then(
        (published) => this.#accept(published),
        (error: unknown) => this.refuse(error),
      );
    } catch (error) {
      this.refuse(error);
    }
  }

  #accept(published: readonly Published[]): void {
    const { res } = this.#request;
    const texts = published.map(acceptedText);
    const body = this.#array ? `[${texts.join(',')}]` : (texts[0] ?? 'null');
    // Flat, so Node copies nothing.
    res.writeHead(202, [
      'Content-Type',
      'application/json',
      'Cache-Control',
      API_HEADERS['Cache-Control'],
      'X-Content-Type-Options',
      API_HEADERS['X-Content-Type-Options'],
      'X-Request-Id',
      this.requestId,
      'Content-Length',
      String(Buffer.byteLength(body)),
    ]);
    res.end(body);
    this.#span?.end({ attributes: { ...statusOf(202), 'posthorn.events': published.length } });
  }

  refuse(error: unknown): void {
    this.#refused = true;
    const answer = toProblem(error, this.requestId, this.#options.logger);
    sendProblem(this.#request, answer);
    const { status, code } = answer.problem;
    // A refusal is the client's error, not this server's.
    this.#span?.end({ attributes: statusOf(status), error: status >= 500 ? code : undefined });
  }
}

function statusOf(status: number) {
  return { 'http.response.status_code': status };
}

/** Ids hold no character that JSON escapes. */
function acceptedText({ id, deliveries, duplicate, warnings }: Published): string {
  const plain = `{"id":"${id}","deliveries":${deliveries},"duplicate":${duplicate}`;
  return warnings ? `${plain},"warnings":${JSON.stringify(warnings)}}` : `${plain}}`;
}

/** `Idempotency-Key` is the id of the one event; it must not say something else than the body. */
function withKey(
  events: readonly EventDraft[],
  array: boolean,
  key: string | string[],
): EventDraft[] {
  const event = events[0];
  const field = 'Idempotency-Key';
  if (array || event === undefined) {
    throw invalid(field, 'belongs to a single event: give each event of an array its own id');
  }
  if (typeof key !== 'string' || !KEY.test(key)) {
    throw invalid(field, 'must be 1 to 128 printable ASCII characters without spaces');
  }
  if (event.id !== undefined && event.id !== key) {
    throw invalid(field, 'differs from the id of the event: send one of them');
  }
  return [{ ...event, id: key }];
}

function invalid(field: string, problem: string): AppError {
  return new AppError('invalid_request', `${field} ${problem}.`, { details: { field } });
}

function tooLarge(): AppError {
  const message = `The body has more than ${REQUEST_BYTES_MAX} bytes: post fewer events at once.`;
  return new AppError('payload_too_large', message);
}
