import { z } from 'zod';
import { None } from './common.ts';
import type { Operation } from './operation.ts';

export const systemOperations = {
  getHealth: {
    method: 'GET',
    path: '/healthz',
    scope: 'public',
    tag: 'System',
    summary: 'Is the process alive?',
    params: None,
    query: None,
    responses: {
      200: {
        description: 'It is.',
        body: z.strictObject({ status: z.literal('ok'), version: z.string() }),
      },
    },
  },
  getReadiness: {
    method: 'GET',
    path: '/readyz',
    scope: 'public',
    tag: 'System',
    summary: 'Can it take events?',
    params: None,
    query: None,
    responses: {
      200: { description: 'Yes.', body: readiness() },
      503: { description: 'Not now; `checks` says why.', body: readiness() },
    },
  },
  getMetrics: {
    method: 'GET',
    path: '/metrics',
    scope: 'public',
    tag: 'System',
    summary: 'Metrics in the Prometheus text format',
    params: None,
    query: None,
    responses: {
      200: {
        description: 'Text exposition 0.0.4.',
        body: z.string(),
        contentType: 'text/plain; version=0.0.4; charset=utf-8',
      },
    },
  },
  getOpenApi: {
    method: 'GET',
    path: '/openapi.json',
    scope: 'public',
    tag: 'System',
    summary: 'This document',
    params: None,
    query: None,
    responses: {
      200: { description: 'OpenAPI 3.1.', body: z.record(z.string(), z.unknown()) },
    },
  },
} as const satisfies Record<string, Operation>;

function readiness() {
  return z.strictObject({ ok: z.boolean(), checks: z.record(z.string(), z.string()) });
}
