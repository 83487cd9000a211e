import { decodeMeta, type TraceContext } from '@posthorn/wire';
import type { Exchange } from '../core/exchange.ts';
import type { Endpoint, Header, StoredEvent } from '../core/model.ts';
import type { Tracer } from '../core/tracing.ts';
import type { Due } from '../store/store.ts';

export interface AttemptSpansOptions {
  /** undefined = nobody traces. */
  readonly tracer: Tracer | undefined;
  /** Receivers are told to which trace a request belongs. */
  readonly passOn: boolean;
}

export interface AttemptSpan {
  /** For the receiver. */
  readonly headers: readonly Header[];
  end(exchange: Exchange): void;
}

export interface SpannedAttempt {
  readonly event: StoredEvent;
  readonly due: Due;
  readonly endpoint: Endpoint;
  readonly url: URL;
}

/** Attempts as spans of the trace that their event was posted in. */
export class AttemptSpans {
  readonly #options: AttemptSpansOptions;

  constructor(options: AttemptSpansOptions) {
    this.#options = options;
  }

  begin(attempt: SpannedAttempt): AttemptSpan | undefined {
    const { tracer, passOn } = this.#options;
    if (!tracer && !passOn) return undefined;
    const posted = attempt.event.meta.includes('"trace"')
      ? decodeMeta(attempt.event.meta).trace
      : undefined;
    const span = tracer?.start({
      name: attempt.endpoint.method,
      kind: 'client',
      parent: posted,
      attributes: attributesOf(attempt),
    });
    const passed = passOn ? (span?.trace ?? posted) : undefined;
    if (!span && !passed) return undefined;
    return {
      headers: passed ? headersOf(passed) : [],
      end: (exchange) => span?.end(outcomeOf(exchange)),
    };
  }
}

function headersOf({ parent, state }: TraceContext): Header[] {
  const headers = [{ name: 'traceparent', value: parent }];
  return state === undefined ? headers : [...headers, { name: 'tracestate', value: state }];
}

/** https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span, and our own ids. */
function attributesOf({ event, due, endpoint, url }: SpannedAttempt) {
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  return {
    'http.request.method': endpoint.method,
    // Queries of webhooks hold tokens.
    'url.full': url.origin + url.pathname + (url.search === '' ? '' : '?REDACTED'),
    'server.address': url.hostname,
    'server.port': port,
    'http.request.resend_count': due.attempt > 0 ? due.attempt : undefined,
    'posthorn.tenant.id': event.tenant,
    'posthorn.event.id': due.event,
    'posthorn.event.type': event.type,
    'posthorn.endpoint.id': endpoint.id,
    'posthorn.delivery.run': due.run,
  };
}

function outcomeOf({ outcome, remoteAddress }: Exchange) {
  const { status } = outcome;
  const broken = outcome.kind === 'fault' ? outcome.fault : undefined;
  const failed = status !== undefined && status >= 400 ? String(status) : undefined;
  return {
    attributes: {
      'http.response.status_code': status,
      'network.peer.address': remoteAddress?.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1'),
      'network.protocol.version': status === undefined ? undefined : '1.1',
    },
    error: broken ?? failed,
  };
}
