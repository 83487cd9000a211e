import type { RequestListener } from 'node:http';
import type { RequestReceiver } from '../receiver.ts';
import { replyTo, writeReply } from './node-body.ts';

/**
 * For `node:http`, and for every framework that hands out its request and response.
 *
 * @example createServer(node(receiver)).listen(3000)
 */
export function node(receiver: RequestReceiver): RequestListener {
  return (req, res) => {
    // No request makes it reject; were that wrong, the connection must not hang.
    replyTo(receiver, req).then(
      (reply) => writeReply(res, reply),
      (error: unknown) => res.destroy(error instanceof Error ? error : undefined),
    );
  };
}
