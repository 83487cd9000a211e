import type { RequestReceiver } from '../receiver.ts';
import { bodyOf, respondTo } from './fetch.ts';

/** What is used of Hono's context; its own type fits. */
interface HonoContextLike {
  readonly req: {
    readonly raw: Request;
    arrayBuffer(): Promise<ArrayBuffer>;
  };
}

/**
 * A handler for Hono. A middleware that read the body by `c.req.text()`, `json()` or
 * `arrayBuffer()` does no harm: Hono keeps what it read.
 *
 * @example app.post('/webhooks', hono(receiver))
 */
export function hono(receiver: RequestReceiver) {
  return (context: HonoContextLike): Promise<Response> => {
    const { req } = context;
    return respondTo(receiver, req.raw, {
      waitUntil: waitUntilOf(context),
      read: () => (isKept(req) ? req.arrayBuffer() : bodyOf(req.raw, receiver.bodyBytesMax)),
    });
  };
}

/**
 * false = nobody has read the body; or it went past Hono's cache (`c.req.raw.json()`), or only parsed
 * values are left of it, which Hono would print again.
 */
function isKept(req: HonoContextLike['req']): boolean {
  if (!req.raw.bodyUsed) return false;
  const { bodyCache } = req as unknown as { bodyCache?: Readonly<Record<string, unknown>> };
  return ['arrayBuffer', 'text', 'blob'].some((kind) => bodyCache?.[kind] !== undefined);
}

/** `executionCtx` throws where the platform has none. */
function waitUntilOf(context: object): ((promise: Promise<unknown>) => void) | undefined {
  try {
    const { executionCtx } = context as {
      readonly executionCtx?: { waitUntil?(promise: Promise<unknown>): void };
    };
    return executionCtx?.waitUntil?.bind(executionCtx);
  } catch {
    return undefined;
  }
}
