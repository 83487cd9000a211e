import { concat } from '../encoding.ts';
import { type RequestReceiver, tooLarge } from '../receiver.ts';
import { alreadyParsed, type RawBody } from '../verifier.ts';
import { WebhookError } from '../webhook-error.ts';

/** What Workers and Vercel pass beside the request. */
export interface FetchContext {
  waitUntil?(promise: Promise<unknown>): void;
}

/**
 * For everything that speaks `Request` and `Response`: Bun, Deno, Workers, Next.js route handlers,
 * Remix, SvelteKit.
 *
 * @example export const POST = fetchHandler(receiver)
 */
export function fetchHandler(receiver: RequestReceiver) {
  return (request: Request, context?: FetchContext): Promise<Response> =>
    respondTo(receiver, request, {
      waitUntil: context?.waitUntil?.bind(context),
      read: () => bodyOf(request, receiver.bodyBytesMax),
    });
}

export interface RespondOptions {
  readonly waitUntil: ((promise: Promise<unknown>) => void) | undefined;
  readonly read: () => RawBody | Promise<RawBody>;
}

export async function respondTo(
  receiver: RequestReceiver,
  request: Request,
  { waitUntil, read }: RespondOptions,
): Promise<Response> {
  const { headers, method, url } = request;
  const reply = await receiver.receive({ raw: read, headers, method, url, waitUntil });
  return new Response(reply.body, { status: reply.status, headers: { ...reply.headers } });
}

/** Reads up to the bound; throws `WebhookError` at once if something else has read the body. */
export async function bodyOf(request: Request, bodyBytesMax: number): Promise<Uint8Array> {
  if (request.bodyUsed) throw alreadyParsed();
  if (request.body === null) return new Uint8Array(0);
  const reader = (request.body as ReadableStream<Uint8Array>).getReader();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.length;
      if (bytes > bodyBytesMax) throw tooLarge(bodyBytesMax);
      chunks.push(value);
    }
  } catch (error) {
    // Not awaited: a sender that goes on sending must not keep the answer back.
    void reader.cancel().catch(() => undefined);
    if (error instanceof WebhookError) throw error;
    const message = 'the sender hung up before its body was there';
    throw new WebhookError('body_incomplete', message, { cause: error });
  }
  return concat(chunks);
}
