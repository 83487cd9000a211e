import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestReceiver } from '../receiver.ts';
import { type NodeRequest, replyTo, writeReply } from './node-body.ts';

/** `RequestHandler` of Express 4 and 5, as far as it is needed. */
export type ExpressHandler = (
  req: IncomingMessage,
  res: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * For Express 4 and 5. It reads the request itself: mount it before `express.json()`, or let that keep
 * the bytes with `captureRawBody`.
 *
 * @example app.post('/webhooks', express(receiver))
 */
export function express(receiver: RequestReceiver): ExpressHandler {
  return (req, res, next) => {
    replyTo(receiver, req as NodeRequest).then((reply) => writeReply(res, reply), next);
  };
}

/**
 * Keeps the bytes of what a body parser parses, for receivers mounted behind it.
 *
 * @example app.use(expressModule.json({ verify: captureRawBody }))
 */
export function captureRawBody(req: IncomingMessage, _res: ServerResponse, bytes: Buffer): void {
  (req as IncomingMessage & { rawBody?: Buffer }).rawBody = bytes;
}
