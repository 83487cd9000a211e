import { decode } from '../encoding.ts';
import type { HeadersLike } from '../header-bag.ts';
import { type RequestReceiver, tooLarge } from '../receiver.ts';
import { alreadyParsed } from '../verifier.ts';
import { WebhookError } from '../webhook-error.ts';

/** Events of API Gateway (HTTP and REST), function URLs and load balancers, as far as needed. */
export interface LambdaEvent {
  readonly body?: string | null | undefined;
  readonly isBase64Encoded?: boolean | undefined;
  readonly headers?: Readonly<Record<string, string | undefined>> | null | undefined;
  readonly multiValueHeaders?:
    | Readonly<Record<string, readonly string[] | undefined>>
    | null
    | undefined;
  readonly rawPath?: string | undefined;
  readonly rawQueryString?: string | undefined;
  readonly path?: string | undefined;
  readonly httpMethod?: string | undefined;
  readonly requestContext?: object | undefined;
}

export interface LambdaResult {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly isBase64Encoded: false;
}

/**
 * For AWS Lambda. Work that goes on after the answer is frozen with the function: `waitUntil` does not
 * exist there.
 *
 * @example export const handler = lambda(receiver)
 */
export function lambda(receiver: RequestReceiver) {
  return async (event: LambdaEvent): Promise<LambdaResult> => {
    const { rawPath, rawQueryString, path, headers, multiValueHeaders } = event;
    const { http } = (event.requestContext ?? {}) as { readonly http?: { method?: string } };
    const query = rawQueryString ? `?${rawQueryString}` : '';
    const reply = await receiver.receive({
      raw: () => bodyOf(event, receiver.bodyBytesMax),
      headers: (headers ?? multiValueHeaders ?? {}) as HeadersLike,
      url: rawPath === undefined ? path : rawPath + query,
      method: http?.method ?? event.httpMethod,
    });
    const { status, body } = reply;
    return { statusCode: status, headers: { ...reply.headers }, body, isBase64Encoded: false };
  };
}

function bodyOf(event: LambdaEvent, bodyBytesMax: number): Uint8Array | string {
  const body: unknown = event.body ?? '';
  // A middleware such as middy's JSON parser puts an object here.
  if (typeof body !== 'string') throw alreadyParsed();
  if (event.isBase64Encoded !== true) return body;
  if (body.length > Math.ceil(bodyBytesMax / 3) * 4) throw tooLarge(bodyBytesMax);
  const bytes = decode(body, 'base64');
  if (bytes === undefined) throw new WebhookError('body_incomplete', 'the body is not base64');
  return bytes;
}
