import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Context,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanOptions,
  type SpanStatus,
  trace,
} from '@opentelemetry/api';
import { createClient } from '@posthorn/api';
import { expect, onTestFinished, test } from 'vitest';
import { eventually, startReceiver } from './delivery/harness.suite.ts';
import { createPosthorn, type PosthornOptions } from './index.ts';

/** Spans as an SDK is asked for them: a provider of our own stands in its place. */

interface Recorded {
  readonly name: string;
  readonly kind: SpanKind | undefined;
  readonly context: SpanContext;
  readonly parent: SpanContext | undefined;
  readonly attributes: Record<string, unknown>;
  status: SpanStatus | undefined;
  ended: boolean;
}

/** Registered until the test ends. */
function recordSpans(): Recorded[] {
  const spans: Recorded[] = [];
  const startSpan = (name: string, options: SpanOptions, within: Context): Span => {
    const parent = trace.getSpanContext(within);
    const number = String(spans.length + 1);
    const context = {
      traceId: parent?.traceId ?? number.padStart(32, '0'),
      spanId: number.padStart(16, '0'),
      traceFlags: parent?.traceFlags ?? 1,
      ...(parent?.traceState && { traceState: parent.traceState }),
    };
    const attributes: Record<string, unknown> = { ...options.attributes };
    const one: Recorded = {
      ...{ name, kind: options.kind, context, parent, attributes },
      ...{ status: undefined, ended: false },
    };
    spans.push(one);
    const span = {
      spanContext: () => context,
      setAttribute: (key: string, value: unknown) =>
        void Object.assign(attributes, { [key]: value }),
      setAttributes: (more: object) => void Object.assign(attributes, more),
      setStatus: (status: SpanStatus) => void Object.assign(one, { status }),
      end: () => void Object.assign(one, { ended: true }),
    };
    return span as unknown as Span;
  };
  trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan }) as never });
  onTestFinished(() => trace.disable());
  return spans;
}

const adminKey = 'embedded-admin-key-of-32-characters!';
const tenant = 'default';
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const traceparent = `00-${TRACE}-00f067aa0ba902b7-01`;
const tracestate = 'vendor=value';

async function start(options: Partial<PosthornOptions> = {}, status = 204) {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'posthorn-tracing-'));
  const hooks = await createPosthorn({
    ...{ dataDirectory, inline: true, adminKey, logLevel: 'silent' },
    ...{ allowHttp: true, allowLoopback: true, ...options },
  });
  onTestFinished(async () => {
    await hooks.close();
    rmSync(dataDirectory, { recursive: true, force: true });
  });
  const api = createClient({ baseUrl: hooks.url, key: adminKey });
  const receiver = await startReceiver({ now: Date.now }, () => status);
  const url = `${receiver.url}hook?token=hush`;
  const endpoint = await api.createEndpoint({ tenant, body: { url } });
  const post = async (headers: Record<string, string> = {}, body = '{"type":"a.b","data":1}') => {
    const response = await fetch(`${hooks.url}/api/v1/tenants/default/events`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${adminKey}`,
        'content-type': 'application/json',
        ...headers,
      },
      body,
    });
    return { status: response.status, json: (await response.json()) as { id: string } };
  };
  return { hooks, api, receiver, endpoint, post };
}

test('an event and its attempts are spans of the trace it was posted in', async () => {
  const spans = recordSpans();
  const { post, receiver, endpoint } = await start();
  const { json } = await post({ traceparent, tracestate });
  await receiver.request(1);
  const [ingest, attempt] = await eventually(
    () => spans.length === 2 && spans.every(({ ended }) => ended) && spans,
    'two spans that ended',
  );
  expect(ingest).toMatchObject({
    name: 'POST /api/v1/tenants/{tenant}/events',
    kind: SpanKind.SERVER,
    parent: { traceId: TRACE, spanId: '00f067aa0ba902b7', isRemote: true },
    attributes: {
      'http.request.method': 'POST',
      'http.response.status_code': 202,
      'posthorn.tenant.id': tenant,
      'posthorn.events': 1,
    },
  });
  const { port } = new URL(receiver.url);
  expect(attempt).toMatchObject({
    name: 'POST',
    kind: SpanKind.CLIENT,
    parent: { traceId: TRACE, spanId: ingest?.context.spanId },
    status: undefined,
  });
  expect(attempt?.attributes).toEqual({
    'http.request.method': 'POST',
    'http.response.status_code': 204,
    'url.full': `${receiver.url}hook?REDACTED`,
    'server.address': '127.0.0.1',
    'server.port': Number(port),
    'network.peer.address': '127.0.0.1',
    'network.protocol.version': '1.1',
    'posthorn.tenant.id': tenant,
    'posthorn.event.id': json.id,
    'posthorn.event.type': 'a.b',
    'posthorn.endpoint.id': endpoint.id,
    'posthorn.delivery.run': 0,
  });
  // Receivers are strangers unless the operator says otherwise.
  expect(receiver.requests[0]?.headers).not.toHaveProperty('traceparent');
});

test('a failed attempt and a refused request say so', async () => {
  const spans = recordSpans();
  const { post, receiver } = await start({}, 503);
  expect((await post({}, '{"type":"')).status).toBe(400);
  await post();
  await receiver.request(1);
  await eventually(() => spans.filter(({ ended }) => ended).length === 3, 'three spans');
  const [refused, , failed] = spans;
  expect(refused).toMatchObject({
    parent: undefined,
    status: undefined,
    attributes: { 'http.response.status_code': 400 },
  });
  expect(failed).toMatchObject({
    status: { code: 2 },
    attributes: { 'http.response.status_code': 503, 'error.type': '503' },
  });
});

test('a step of a job is a span', async () => {
  const spans = recordSpans();
  const { api, post, receiver, endpoint } = await start();
  await post();
  await eventually(async () => {
    const { items } = await api.listDeliveries({ tenant, state: 'succeeded' });
    return items.length === 1;
  }, 'the first delivery');
  const body = { endpoints: [endpoint.id], only: 'all' as const };
  const job = await api.startReplay({ tenant, body });
  await receiver.request(2);
  await eventually(
    () => spans.some(({ name, ended }) => name === 'posthorn.job replay' && ended),
    'a span of the replay',
  );
  expect(spans.find(({ name }) => name === 'posthorn.job replay')).toMatchObject({
    kind: SpanKind.INTERNAL,
    attributes: {
      'posthorn.job.id': 'id' in job ? job.id : '',
      'posthorn.job.kind': 'replay',
      'posthorn.tenant.id': tenant,
      'posthorn.endpoint.id': endpoint.id,
    },
  });
});

test('receivers are told the trace when asked: of the attempt, where somebody traces', async () => {
  const spans = recordSpans();
  const { post, receiver } = await start({ passTrace: true });
  await post({ traceparent, tracestate });
  const { headers } = await receiver.request(1);
  const attempt = spans.find(({ kind }) => kind === SpanKind.CLIENT);
  expect(headers).toMatchObject({
    traceparent: `00-${TRACE}-${attempt?.context.spanId}-01`,
    tracestate,
  });
});

test('where nobody traces, receivers are told what the producer said', async () => {
  const { api, post, receiver } = await start({ passTrace: true });
  const { json } = await post({ traceparent, tracestate });
  expect((await receiver.request(1)).headers).toMatchObject({ traceparent, tracestate });
  await post();
  expect((await receiver.request(2)).headers).not.toHaveProperty('traceparent');
  const own = '{"type":"a.b","data":1,"headers":[{"name":"Traceparent","value":"mine"}]}';
  await post({ traceparent }, own);
  expect((await receiver.request(3)).headers).toMatchObject({ traceparent: 'mine' });
  const { items } = await eventually(async () => {
    const page = await api.listEvents({ tenant, q: TRACE });
    return page.items.length === 2 && page;
  }, 'the events of a trace');
  expect(items.map(({ id }) => id)).toContain(json.id);
});

test('a malformed traceparent is as good as none', async () => {
  const { post, receiver } = await start({ passTrace: true });
  const malformed = [
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `00-${TRACE}-0000000000000000-01`,
    `ff-${TRACE}-00f067aa0ba902b7-01`,
    `${traceparent}-more`,
    traceparent.toUpperCase(),
    'hello',
  ];
  for (const wrong of malformed) expect((await post({ traceparent: wrong })).status).toBe(202);
  await receiver.request(malformed.length);
  for (const { headers } of receiver.requests) expect(headers).not.toHaveProperty('traceparent');
});

test('a traceparent of a later version is passed on as the first', async () => {
  const { post, receiver } = await start({ passTrace: true });
  await post({ traceparent: `01-${TRACE}-00f067aa0ba902b7-01-more` });
  expect((await receiver.request(1)).headers).toMatchObject({ traceparent });
});
