import type { RequestListener } from 'node:http';
import type { RequestReceiver } from '../receiver.ts';
import { fetchHandler } from './fetch.ts';
import { node } from './node.ts';

/**
 * A route handler for the app directory: `app/webhooks/route.ts`.
 *
 * @example export const { POST } = nextApp(receiver)
 */
export function nextApp(receiver: RequestReceiver) {
  const handle = fetchHandler(receiver);
  return { POST: (request: Request): Promise<Response> => handle(request) };
}

/**
 * A handler for the pages directory. Next must not parse the body; it reads that from the page:
 * `export const config = { api: { bodyParser: false } }`.
 *
 * @example export default nextPages(receiver)
 */
export function nextPages(receiver: RequestReceiver): RequestListener {
  return node(receiver);
}
