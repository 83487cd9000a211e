import { Readable } from 'node:stream';
import { API_PREFIX, type Operation, operations, PROBLEM_MEDIA_TYPE } from '@posthorn/api';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../core/errors.ts';
import { type Authenticator, authorize, noTenant, type Place, type Principal } from './auth.ts';
import {
  type Context,
  type Handler,
  type Handlers,
  RAW_OPERATION,
  Reply,
  Streaming,
} from './handlers.ts';
import type { ConfigView } from './ports.ts';
import type { ProblemAnswer } from './problem.ts';
import { API_HEADERS } from './respond.ts';

/** Walks the contract and makes each operation a route: authenticate, authorise, validate, run. */

/** More values than this in one body are a flood (A33), unless the operation says otherwise. */
const BODY_VALUES_MAX = 5000;

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal | undefined;
  }
  interface FastifyContextConfig {
    valuesMax?: number;
  }
}

type AnyHandler = Handler<Operation>;

export interface RegistrarOptions {
  readonly handlers: Handlers;
  readonly authenticator: Authenticator;
  readonly config: ConfigView;
}

/** Throws at start when an operation has no handler. */
export function registerOperations(app: FastifyInstance, options: RegistrarOptions): void {
  app.decorateRequest('principal', undefined);
  // Each handler has the type of its own operation; the walk treats them alike.
  const handlers = options.handlers as unknown as Readonly<Record<string, AnyHandler | undefined>>;
  for (const [id, operation] of Object.entries<Operation>(operations)) {
    if (id === RAW_OPERATION) continue;
    const handler = handlers[id];
    if (!handler) throw new Error(`no handler for the operation ${id}`);
    app.route({
      method: operation.method,
      url: operation.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      ...limitsOf(operation),
      onRequest: async (request) => admit(request, operation, options),
      handler: async (request, reply) => run({ request, reply, operation, handler, options }),
    });
  }
}

function limitsOf({ bodyLimits }: Operation) {
  if (!bodyLimits) return {};
  return { bodyLimit: bodyLimits.bytesMax, config: { valuesMax: bodyLimits.valuesMax } };
}

/** Before the body is read: who is it, and may they? */
function admit(request: FastifyRequest, operation: Operation, options: RegistrarOptions): void {
  refuseHeaders(request);
  const { scope } = operation;
  if (scope === 'public') return;
  request.principal = options.authenticator.authenticate(request.raw);
  const place: Place = { ...(request.params as Place), bots: operation.bots };
  const { tenant } = place;
  authorize(request.principal, scope, place);
  if (request.principal.only?.shared && !operation.shared) {
    throw new AppError('forbidden', 'A link that shows captures does nothing else.');
  }
  // Administration names tenants that are still to be made.
  const known = tenant === undefined || scope === 'admin' || options.config.tenant(tenant);
  if (!known) throw noTenant();
}

/** The same a while later: keys end and are deleted, and so are tenants. */
function isAllowed(
  request: FastifyRequest,
  operation: Operation,
  options: RegistrarOptions,
): boolean {
  try {
    admit(request, operation, options);
    return true;
  } catch {
    return false;
  }
}

/** Headers that would change what a request means, were they understood here. */
function refuseHeaders({ headers }: FastifyRequest): void {
  if (headers['idempotency-key'] !== undefined) {
    const message = 'Idempotency-Key is only understood where events are posted: leave it out.';
    throw new AppError('invalid_request', message, { details: { field: 'Idempotency-Key' } });
  }
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new AppError('unsupported_encoding', 'Send the body without Content-Encoding.');
  }
}

interface Run {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly operation: Operation;
  readonly handler: AnyHandler;
  readonly options: RegistrarOptions;
}

async function run({ request, reply, operation, handler, options }: Run): Promise<unknown> {
  const answer: unknown = await handler(validate(request, operation) as Context<Operation>);
  if (answer instanceof Streaming) {
    const headers = reply.getHeaders() as Record<string, string>;
    reply.hijack();
    answer.start({
      exchange: { req: request.raw, res: reply.raw },
      headers,
      allowed: () => isAllowed(request, operation, options),
    });
    return reply;
  }
  const status = answer instanceof Reply ? answer.status : firstStatus(operation);
  const type = operation.responses[status]?.contentType ?? 'application/json';
  reply.code(status);
  if (answer === undefined) return reply.send();
  reply.header('Content-Type', type);
  if (answer instanceof Reply) reply.headers(answer.headers);
  return reply.send(bytesOf(answer));
}

/** Bytes, because Fastify adds a charset to the type of a string. */
function bytesOf(answer: unknown): Uint8Array | Readable {
  const body = answer instanceof Reply ? answer.body : answer;
  if (body instanceof Uint8Array || body instanceof Readable) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

function firstStatus(operation: Operation): number {
  return Math.min(...Object.keys(operation.responses).map(Number));
}

function validate(request: FastifyRequest, operation: Operation): unknown {
  // An id that cannot exist is answered like one that does not.
  const params = operation.params.safeParse(request.params);
  if (!params.success) throw new AppError('not_found', 'There is no such resource.');
  return {
    params: params.data,
    query: operation.query.parse(request.query),
    body: body(request, operation),
    principal: request.principal,
  };
}

function body({ body: given }: FastifyRequest, operation: Operation): unknown {
  if (operation.body) {
    refuseProto(given);
    return operation.body.parse(given);
  }
  if (given === undefined) return undefined;
  throw new AppError('invalid_request', 'This operation takes no body: send none.');
}

/** `__proto__` is what schemas do not see: zod drops it without a word. */
function refuseProto(body: unknown): void {
  const open = [body];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (typeof value !== 'object' || value === null) continue;
    if (Object.hasOwn(value, '__proto__')) {
      throw new AppError('invalid_request', '__proto__: is not a known field');
    }
    for (const member of Object.values(value)) open.push(member);
  }
}

/**
 * JSON of a control request. Counted before it is parsed, so that a flood costs little; strict UTF-8,
 * because a replaced byte would be a changed value.
 */
export function parseJson(bytes: Buffer, valuesMax = BODY_VALUES_MAX): unknown {
  if (bytes.length === 0) return undefined;
  if (countValues(bytes) > valuesMax) {
    throw new AppError('invalid_request', `The body has more than ${valuesMax} values.`);
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw new AppError('invalid_json', 'The body is not JSON in UTF-8.', { cause });
  }
}

/** About how many values a JSON text has: each stands behind a comma or opens its container. */
function countValues(bytes: Uint8Array): number {
  let count = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) inString = !inString;
    else if (inString) i += byte === BACKSLASH ? 1 : 0;
    else if (byte === COMMA || byte === OPEN_ARRAY || byte === OPEN_OBJECT) count++;
  }
  return count;
}

/** Throws `method_not_allowed` when another method would do, else `not_found`. */
export function refuseRoute(request: FastifyRequest): never {
  const path = request.url.split('?')[0] ?? '';
  const known = Object.values<Operation>(operations).filter((o) => templateMatches(o.path, path));
  if (known.length === 0) throw new AppError('not_found', 'There is no such resource.');
  const allowed = known.map((operation) => operation.method).join(', ');
  const message = `${request.method.slice(0, 32)} is not possible here: use ${allowed}.`;
  throw new AppError('method_not_allowed', message, { details: { allowed } });
}

function templateMatches(template: string, path: string): boolean {
  const parts = path.split('/');
  const wanted = template.split('/');
  return (
    parts.length === wanted.length &&
    wanted.every((part, i) => (part.startsWith('{') ? parts[i] !== '' : part === parts[i]))
  );
}

export function setCommonHeaders(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('X-Request-Id', request.id);
  reply.header('X-Content-Type-Options', API_HEADERS['X-Content-Type-Options']);
  if (request.url.startsWith(API_PREFIX)) {
    reply.header('Cache-Control', API_HEADERS['Cache-Control']);
  }
}

export function replyProblem(reply: FastifyReply, { problem, headers }: ProblemAnswer): void {
  const allowed = problem['allowed'];
  if (typeof allowed === 'string') reply.header('Allow', allowed);
  reply
    .code(problem.status)
    .headers(headers)
    .header('Content-Type', PROBLEM_MEDIA_TYPE)
    .send(Buffer.from(JSON.stringify(problem)));
}
