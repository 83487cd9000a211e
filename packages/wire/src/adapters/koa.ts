import type { IncomingMessage } from 'node:http';
import type { RequestReceiver } from '../receiver.ts';
import { closing, replyTo } from './node-body.ts';

/** What is used of Koa's context; its own type fits. */
interface KoaContextLike {
  readonly req: IncomingMessage;
  readonly request: object;
  readonly originalUrl: string;
  status: number;
  body: unknown;
  set(headers: Record<string, string>): void;
}

/**
 * For Koa 2 and 3; mount it before a body parser. (`koa-bodyparser` keeps `rawBody` and does no harm.)
 *
 * @example router.post('/webhooks', koa(receiver))
 */
export function koa(receiver: RequestReceiver) {
  return async (ctx: KoaContextLike): Promise<void> => {
    const { rawBody } = ctx.request as { readonly rawBody?: unknown };
    const kept = rawBody === undefined ? {} : { rawBody };
    const req = Object.assign(ctx.req, { originalUrl: ctx.originalUrl, ...kept });
    const reply = await replyTo(receiver, req);
    ctx.status = reply.status;
    ctx.set(closing(reply));
    ctx.body = reply.body;
  };
}
