import { z } from 'zod';
import { None, TenantParams } from './common.ts';
import * as deliveries from './deliveries.ts';
import * as endpoints from './endpoints.ts';
import * as events from './events.ts';
import * as keys from './keys.ts';
import type { Operation } from './operation.ts';
import * as tenants from './tenants.ts';

/** The prefix of every operation that needs a key. */
export const API_PREFIX = '/api/v1';

const TENANT = '/api/v1/tenants/{tenant}';
const ENDPOINT = '/api/v1/tenants/{tenant}/endpoints/{endpoint}';

/**
 * The HTTP contract. The server's routes, the OpenAPI document and the client are made from this
 * table; an operation that is not here does not exist.
 */
export const operations = {
  listTenants: {
    method: 'GET',
    path: '/api/v1/tenants',
    scope: 'admin',
    tag: 'Tenants',
    summary: 'List tenants',
    params: None,
    query: tenants.TenantQuery,
    responses: { 200: { description: 'A page of tenants.', body: tenants.TenantPage } },
  },
  getTenant: {
    method: 'GET',
    path: TENANT,
    scope: 'read',
    tag: 'Tenants',
    summary: 'Get a tenant',
    params: TenantParams,
    query: None,
    responses: { 200: { description: 'The tenant.', body: tenants.Tenant } },
  },
  putTenant: {
    method: 'PUT',
    path: TENANT,
    scope: 'admin',
    tag: 'Tenants',
    summary: 'Create or replace a tenant',
    params: TenantParams,
    query: None,
    body: tenants.TenantInput,
    responses: { 200: { description: 'The tenant as it is now.', body: tenants.Tenant } },
    problems: ['conflict'],
  },
  deleteTenant: {
    method: 'DELETE',
    path: TENANT,
    scope: 'admin',
    tag: 'Tenants',
    summary: 'Delete a tenant and its keys',
    description: 'Refused while it has endpoints or children. `default` cannot be deleted.',
    params: TenantParams,
    query: None,
    responses: { 204: { description: 'Deleted.' } },
    problems: ['conflict'],
  },

  createEndpoint: {
    method: 'POST',
    path: `${TENANT}/endpoints`,
    scope: 'write',
    tag: 'Endpoints',
    summary: 'Create an endpoint',
    params: TenantParams,
    query: None,
    body: endpoints.EndpointCreate,
    responses: { 201: { description: 'Created.', body: endpoints.CreatedEndpoint } },
    problems: ['url_refused'],
  },
  listEndpoints: {
    method: 'GET',
    path: `${TENANT}/endpoints`,
    scope: 'read',
    tag: 'Endpoints',
    summary: 'List endpoints',
    params: TenantParams,
    query: endpoints.EndpointQuery,
    responses: { 200: { description: 'A page of endpoints.', body: endpoints.EndpointPage } },
  },
  getEndpoint: {
    method: 'GET',
    path: ENDPOINT,
    scope: 'read',
    tag: 'Endpoints',
    summary: 'Get an endpoint',
    params: endpoints.EndpointParams,
    query: None,
    responses: { 200: { description: 'The endpoint.', body: endpoints.Endpoint } },
  },
  updateEndpoint: {
    method: 'PATCH',
    path: ENDPOINT,
    scope: 'write',
    tag: 'Endpoints',
    summary: 'Change fields of an endpoint',
    params: endpoints.EndpointParams,
    query: None,
    body: endpoints.EndpointPatch,
    responses: { 200: { description: 'The endpoint as it is now.', body: endpoints.Endpoint } },
    problems: ['conflict', 'url_refused'],
  },
  deleteEndpoint: {
    method: 'DELETE',
    path: ENDPOINT,
    scope: 'write',
    tag: 'Endpoints',
    summary: 'Delete an endpoint; what it is still owed is cancelled',
    params: endpoints.EndpointParams,
    query: None,
    responses: { 204: { description: 'Deleted.' } },
    problems: ['conflict'],
  },
  getEndpointSecret: {
    method: 'GET',
    path: `${ENDPOINT}/secret`,
    scope: 'write',
    tag: 'Endpoints',
    summary: 'Show the signing secret',
    params: endpoints.EndpointParams,
    query: None,
    responses: { 200: { description: 'The secrets that sign.', body: endpoints.EndpointSecret } },
  },
  rotateEndpointSecret: {
    method: 'POST',
    path: `${ENDPOINT}/secret/rotate`,
    scope: 'write',
    tag: 'Endpoints',
    summary: 'Replace the signing secret; the old one signs on for a while',
    params: endpoints.EndpointParams,
    query: None,
    body: endpoints.RotateSecret.prefault({}),
    responses: { 200: { description: 'The secrets that sign.', body: endpoints.EndpointSecret } },
    problems: ['conflict'],
  },
  pauseEndpoint: {
    method: 'POST',
    path: `${ENDPOINT}/pause`,
    scope: 'write',
    tag: 'Endpoints',
    summary: 'Hold deliveries; events still match',
    params: endpoints.EndpointParams,
    query: None,
    responses: { 200: { description: 'The endpoint as it is now.', body: endpoints.Endpoint } },
    problems: ['conflict'],
  },
  resumeEndpoint: {
    method: 'POST',
    path: `${ENDPOINT}/resume`,
    scope: 'write',
    tag: 'Endpoints',
    summary: 'Send again what was held, by pause or because the endpoint was disabled',
    params: endpoints.EndpointParams,
    query: None,
    responses: { 200: { description: 'The endpoint as it is now.', body: endpoints.Endpoint } },
    problems: ['conflict'],
  },

  publishEvents: {
    method: 'POST',
    path: `${TENANT}/events`,
    scope: 'publish',
    tag: 'Events',
    summary: 'Publish an event, or up to 500 as one atomic request',
    description:
      'Stored before it is acknowledged. An `Idempotency-Key` header equals `id`. An array is ' +
      'answered with an array; a refusal names the index. 1 MiB per event, 8 MiB per request.',
    params: TenantParams,
    query: None,
    body: events.EventInputs,
    responses: {
      202: {
        description: 'Stored, and on its way.',
        body: z.union([events.Accepted, z.array(events.Accepted)]),
      },
    },
    problems: ['idempotency_conflict', 'unsupported_encoding', 'disk_full'],
  },
  listEvents: {
    method: 'GET',
    path: `${TENANT}/events`,
    scope: 'read',
    tag: 'Events',
    summary: 'List events',
    params: TenantParams,
    query: events.EventQuery,
    responses: { 200: { description: 'A page of events.', body: events.EventPage } },
  },
  getEvent: {
    method: 'GET',
    path: `${TENANT}/events/{event}`,
    scope: 'read',
    tag: 'Events',
    summary: 'Get an event with its data',
    params: events.EventParams,
    query: None,
    responses: { 200: { description: 'The event.', body: events.Event } },
  },

  listDeliveries: {
    method: 'GET',
    path: `${TENANT}/deliveries`,
    scope: 'read',
    tag: 'Deliveries',
    summary: 'List deliveries',
    params: TenantParams,
    query: deliveries.DeliveryQuery,
    responses: { 200: { description: 'A page of deliveries.', body: deliveries.DeliveryPage } },
  },
  getDelivery: {
    method: 'GET',
    path: `${TENANT}/deliveries/{delivery}`,
    scope: 'read',
    tag: 'Deliveries',
    summary: 'Get a delivery',
    params: deliveries.DeliveryParams,
    query: None,
    responses: { 200: { description: 'The delivery.', body: deliveries.Delivery } },
  },
  listAttempts: {
    method: 'GET',
    path: `${TENANT}/attempts`,
    scope: 'read',
    tag: 'Deliveries',
    summary: 'List attempts',
    params: TenantParams,
    query: deliveries.AttemptQuery,
    responses: { 200: { description: 'A page of attempts.', body: deliveries.AttemptPage } },
  },
  getAttempt: {
    method: 'GET',
    path: `${TENANT}/attempts/{attempt}`,
    scope: 'read',
    tag: 'Deliveries',
    summary: 'Get one attempt whole: what was sent and what came back',
    params: deliveries.AttemptParams,
    query: None,
    responses: { 200: { description: 'The attempt.', body: deliveries.Attempt } },
  },

  createKey: {
    method: 'POST',
    path: '/api/v1/keys',
    scope: 'admin',
    tag: 'Keys',
    summary: 'Create an API key; its text is shown once',
    params: None,
    query: None,
    body: keys.KeyCreate,
    responses: { 201: { description: 'Created.', body: keys.CreatedKey } },
  },
  listKeys: {
    method: 'GET',
    path: '/api/v1/keys',
    scope: 'admin',
    tag: 'Keys',
    summary: 'List API keys',
    params: None,
    query: keys.KeyQuery,
    responses: { 200: { description: 'A page of keys.', body: keys.KeyPage } },
  },
  deleteKey: {
    method: 'DELETE',
    path: '/api/v1/keys/{key}',
    scope: 'admin',
    tag: 'Keys',
    summary: 'Delete an API key',
    params: keys.KeyParams,
    query: None,
    responses: { 204: { description: 'Deleted; it no longer works.' } },
    problems: ['conflict'],
  },

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

export type Operations = typeof operations;
export type OperationId = keyof Operations;

function readiness() {
  return z.strictObject({ ok: z.boolean(), checks: z.record(z.string(), z.string()) });
}
