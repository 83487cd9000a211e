import type { IncomingMessage, ServerResponse } from 'node:http';
import { PROBLEM_MEDIA_TYPE } from '@posthorn/api';
import type { ProblemAnswer } from './problem.ts';

/** Answers of the raw handlers: those that never reach the framework. */

/** A body this small is read to its end by Node, so the connection can be kept. */
const DRAINED_BYTES_MAX = 1_048_576;
/** How long a connection that ends is still read, so that its answer arrives. */
export const LINGER_MS = 2000;

/** On every answer below /api. `nosniff`: an answer is what its content type says, and nothing else. */
export const API_HEADERS = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
} as const;

export interface RawExchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

/** Sends a problem. With `close`, or when much of the body is still to come, the connection ends. */
export function sendProblem({ req, res }: RawExchange, answer: ProblemAnswer, close = false): void {
  if (res.headersSent || res.destroyed) return;
  const body = JSON.stringify(answer.problem);
  const unread = !req.complete && !(Number(req.headers['content-length']) <= DRAINED_BYTES_MAX);
  res.writeHead(answer.problem.status, {
    ...API_HEADERS,
    ...answer.headers,
    'Content-Type': PROBLEM_MEDIA_TYPE,
    'Content-Length': Buffer.byteLength(body),
    'X-Request-Id': answer.problem.requestId,
    ...(close || (unread && hasBody(req)) ? { Connection: 'close' } : {}),
  });
  if (unread && hasBody(req)) endLingering({ req, res }, body);
  else res.end(body);
}

function hasBody(req: IncomingMessage): boolean {
  const { headers } = req;
  return headers['transfer-encoding'] !== undefined || headers['content-length'] !== undefined;
}

/**
 * Closing a socket that still receives makes the kernel reset it, and a reset can erase the answer before
 * the client read it (RFC 9112 §9.6): the answer goes out whole, what comes is dropped for a moment.
 */
export function endLingering({ req, res }: RawExchange, body: string | Uint8Array): void {
  const end = (): void => {
    clearTimeout(timer);
    res.end();
  };
  const timer = setTimeout(end, LINGER_MS);
  req.once('end', end);
  res.once('close', end);
  res.write(body);
  req.resume();
}
