import type { TraceContext } from '@posthorn/wire';

/**
 * What others' tracing sees of us. A room asks for spans by this port; where nobody traces there is no
 * tracer, and nothing is made.
 */

export type SpanAttributes = Readonly<Record<string, string | number | undefined>>;

export interface SpanOptions {
  readonly name: string;
  readonly kind: 'server' | 'client' | 'internal';
  /** Where it belongs. `active`: to what the calling code is in, or else to `trace`. */
  readonly parent: TraceContext | undefined;
  readonly joinsActive?: boolean;
  readonly attributes: SpanAttributes;
}

export interface Span {
  /** What carries it on to others. */
  readonly trace: TraceContext;
  /** `error`: the class of what went wrong. */
  end(said: { readonly attributes?: SpanAttributes; readonly error?: string | undefined }): void;
}

export interface Tracer {
  start(options: SpanOptions): Span;
}

/** `body` in a span; what it throws is told and thrown on. */
export async function traced<T>(
  tracer: Tracer | undefined,
  options: SpanOptions,
  body: (span: Span | undefined) => Promise<T>,
): Promise<T> {
  if (!tracer) return body(undefined);
  const span = tracer.start(options);
  try {
    const value = await body(span);
    span.end({});
    return value;
  } catch (error) {
    span.end({ error: error instanceof Error ? error.name : 'error' });
    throw error;
  }
}

const PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const STATE = /^[\x20-\x7e]{1,512}$/;

/**
 * Of a request's headers. A later version of the format begins like the first one, and is passed on as
 * that (https://www.w3.org/TR/trace-context/#versioning-of-traceparent). What is malformed was never sent.
 */
export function traceOf(parent: unknown, state: unknown): TraceContext | undefined {
  const match = typeof parent === 'string' ? PARENT.exec(parent) : null;
  if (!match) return undefined;
  const [, version, trace = '', span = '', flags, more] = match;
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (/^0*$/.test(trace) || /^0*$/.test(span)) return undefined;
  const known = `00-${trace}-${span}-${flags}`;
  return typeof state === 'string' && STATE.test(state)
    ? { parent: known, state }
    : { parent: known };
}
