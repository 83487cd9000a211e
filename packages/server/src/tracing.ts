import {
  type Attributes,
  type Context,
  context,
  createTraceState,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { TraceContext } from '@posthorn/wire';
import type { Span, SpanAttributes, SpanOptions, Tracer } from './core/tracing.ts';

/**
 * Spans through OpenTelemetry's API. Whoever traces brings the SDK, by `node --import`, which threads
 * inherit; it is looked for once, when a thread starts.
 */
export function createTracer(version: string): Tracer | undefined {
  const provider = trace.getTracerProvider();
  const nobody =
    provider instanceof ProxyTracerProvider && provider.getDelegateTracer('posthorn') === undefined;
  if (nobody) return undefined;
  const tracer = provider.getTracer('posthorn', version);
  return {
    start({ name, kind, attributes, ...belongs }) {
      const said = { kind: KINDS[kind], attributes: given(attributes) };
      const span = tracer.startSpan(name, said, within(belongs));
      return {
        trace: toTrace(span.spanContext()),
        end({ attributes: more, error }): void {
          if (more) span.setAttributes(given(more));
          if (error !== undefined) {
            span.setAttribute('error.type', error);
            span.setStatus({ code: SpanStatusCode.ERROR });
          }
          span.end();
        },
      } satisfies Span;
    },
  };
}

function given(attributes: SpanAttributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}

const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  internal: SpanKind.INTERNAL,
} as const;

/** What is active is a parent only where asked for: a delivery runs in the wake of any other. */
function within({ parent, joinsActive }: Pick<SpanOptions, 'parent' | 'joinsActive'>): Context {
  if (joinsActive && trace.getSpan(context.active())) return context.active();
  const [, traceId, spanId, flags] = parent?.parent.split('-') ?? [];
  if (traceId === undefined || spanId === undefined) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags ?? '0', 16),
    isRemote: true,
    ...(parent?.state === undefined ? {} : { traceState: createTraceState(parent.state) }),
  });
}

function toTrace(of: SpanContext): TraceContext {
  const flags = (of.traceFlags & 0xff).toString(16).padStart(2, '0');
  const state = of.traceState?.serialize();
  const parent = `00-${of.traceId}-${of.spanId}-${flags}`;
  return state ? { parent, state } : { parent };
}
