import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Reply, type RequestReceiver, tooLarge } from '../receiver.ts';
import { alreadyParsed, bytesOf } from '../verifier.ts';
import { WebhookError } from '../webhook-error.ts';

/** What every adapter over node:http shares: getting at the exact bytes, and writing the answer. */

/** A request as frameworks hand it on: a parser may have left its result on it. */
export type NodeRequest = IncomingMessage & {
  readonly body?: unknown;
  readonly rawBody?: unknown;
  readonly originalUrl?: string | undefined;
};

/**
 * The body's bytes: those a raw parser kept, or read now. Throws `WebhookError` at once if a parser
 * has consumed the stream: reading it again would wait for ever.
 */
async function bodyOf(req: NodeRequest, bodyBytesMax: number): Promise<Uint8Array> {
  const kept = bytesOf(req.rawBody) ?? bytesOf(req.body);
  if (kept !== undefined) return kept;
  if (req.readableDidRead || req.readableEnded) throw alreadyParsed();
  return readStream(req, bodyBytesMax);
}

/** Reads a stream up to the bound; behind it the rest is not kept. */
export async function readStream(
  stream: IncomingMessage | NodeJS.ReadableStream,
  bodyBytesMax: number,
): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void) => {
      stream.off('data', onData).off('end', onEnd).off('error', onBroken).off('close', onBroken);
      settle();
    };
    const onData = (chunk: Buffer | string) => {
      const data = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      bytes += data.length;
      if (bytes > bodyBytesMax) {
        // The answer goes out while the sender may still be sending; it is told to stop by that.
        stream.resume();
        finish(() => reject(tooLarge(bodyBytesMax)));
        return;
      }
      chunks.push(data);
    };
    const onEnd = () => finish(() => resolve(Buffer.concat(chunks, bytes)));
    const onBroken = () =>
      finish(() =>
        reject(new WebhookError('body_incomplete', 'the sender hung up before its body was there')),
      );
    stream.on('data', onData).on('end', onEnd).on('error', onBroken).on('close', onBroken);
  });
}

/** One request through the receiver; the reply is not written yet. */
export function replyTo(receiver: RequestReceiver, req: NodeRequest): Promise<Reply> {
  return receiver.receive({
    raw: () => bodyOf(req, receiver.bodyBytesMax),
    headers: req.headers,
    method: req.method,
    url: req.originalUrl ?? req.url,
  });
}

/** Unread bytes of a body would be taken for the next request of the connection. */
export function closing({ status, headers }: Reply): Record<string, string> {
  return status === 413 ? { ...headers, connection: 'close' } : { ...headers };
}

export function writeReply(res: ServerResponse, reply: Reply): void {
  if (res.headersSent || res.destroyed) return;
  const length = String(Buffer.byteLength(reply.body));
  res.writeHead(reply.status, { ...closing(reply), 'content-length': length });
  res.end(reply.body);
}
