import type { IncomingMessage } from 'node:http';
import type { RequestReceiver } from '../receiver.ts';
import { alreadyParsed, bytesOf } from '../verifier.ts';
import { closing, readStream } from './node-body.ts';

/** What is used of Fastify 5; its own types fit. */
interface FastifyRequestLike {
  readonly raw: IncomingMessage;
  readonly body?: unknown;
  readonly method: string;
  readonly url: string;
}

interface FastifyReplyLike {
  code(status: number): FastifyReplyLike;
  headers(values: Record<string, string>): FastifyReplyLike;
  send(body: string): FastifyReplyLike;
}

type RouteHandler = (request: FastifyRequestLike, reply: FastifyReplyLike) => Promise<unknown>;

interface FastifyLike {
  removeAllContentTypeParsers(): unknown;
  addContentTypeParser(
    type: string,
    parser: (
      request: unknown,
      payload: IncomingMessage,
      done: (error: Error | null, body?: unknown) => void,
    ) => void,
  ): unknown;
  route(options: { method: string[]; url: string; handler: RouteHandler }): unknown;
}

export interface FastifyOptions {
  /** `/` unless told, behind the `prefix` of `register`. */
  readonly path?: string | undefined;
  readonly methods?: readonly string[] | undefined;
}

/**
 * A plugin for Fastify 5. Its scope hands bodies on as they come, whatever their content type; the
 * other routes of the server go on parsing JSON.
 *
 * @example server.register(fastify(receiver, { path: '/webhooks' }))
 */
export function fastify(receiver: RequestReceiver, options: FastifyOptions = {}) {
  const { path = '/', methods = ['POST', 'PUT', 'PATCH'] } = options;
  return async (scope: FastifyLike): Promise<void> => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    scope.route({ method: [...methods], url: path, handler: fastifyHandler(receiver) });
  };
}

/** The bare handler, for a scope that keeps its bodies raw by other means. */
export function fastifyHandler(receiver: RequestReceiver): RouteHandler {
  return async (request, response) => {
    const { method, url } = request;
    const reply = await receiver.receive({
      raw: () => bodyOf(request, receiver.bodyBytesMax),
      headers: request.raw.headers,
      method,
      url,
    });
    return response.code(reply.status).headers(closing(reply)).send(reply.body);
  };
}

async function bodyOf({ body, raw }: FastifyRequestLike, bodyBytesMax: number) {
  const kept = bytesOf(body);
  if (kept !== undefined) return kept;
  // A stream is what our own parser handed on, or nobody's yet: a GET's body is never parsed.
  const stream = isStream(body) ? body : raw;
  if (stream === raw && (raw.readableDidRead || raw.readableEnded)) throw alreadyParsed();
  return readStream(stream, bodyBytesMax);
}

function isStream(body: unknown): body is NodeJS.ReadableStream {
  return typeof body === 'object' && body !== null && 'pipe' in body;
}
