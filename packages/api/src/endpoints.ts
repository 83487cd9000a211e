import { z } from 'zod';
import {
  Channel,
  ENDPOINT,
  EndpointId,
  EventTypePattern,
  GrantId,
  Header,
  Metadata,
  None,
  page,
  pageQuery,
  TENANT,
  TenantId,
  TenantParams,
  Timestamp,
  Version,
} from './common.ts';
import { Filter } from './filter.ts';
import { format, formatInput } from './format.ts';
import type { Operation } from './operation.ts';
import { RetryPolicy, RetryPolicyInput } from './retry.ts';
import { limits } from './tenants.ts';

const fields = {
  name: z.string().max(200),
  description: z.string().max(2000),
  url: z.string().min(1).max(2048),
  method: z.enum(['POST', 'GET', 'PUT', 'PATCH', 'DELETE', 'HEAD']),
  headers: z.array(Header).max(50).meta({
    description: 'Sent in this order. Sensitive values are masked when read.',
  }),
  eventTypes: z.array(EventTypePattern).max(200).meta({
    description: 'Exact types or patterns such as user.*; empty = every type.',
  }),
  channels: z.array(Channel).max(50).meta({ description: 'Empty = events of every channel.' }),
  filter: Filter.nullable().meta({ description: 'Which events, beyond their type; null = all.' }),
  scope: z.enum(['tenant', 'below', 'all']).meta({
    description:
      "below: this tenant's events and those of the tenants below it. all: every tenant's. Both with " +
      'admin keys only, and never ordered.',
  }),
  enabled: z.boolean().meta({ description: 'false: events do not match it at all.' }),
  ordering: z.enum(['none', 'endpoint', 'key']).meta({
    description: 'endpoint: one at a time, in order. key: in order per orderingKey.',
  }),
  ...format,
  ...limits,
};

export const Secret = z
  .string()
  .min(1)
  .max(256)
  .meta({
    description:
      '`whsec_…` (HMAC-SHA256) or `whsk_…` (Ed25519). With `ferriskey`, `logto` and `custom` with ' +
      'HMAC any text: its UTF-8 bytes are the key.',
  });

export const EndpointCreate = z
  .strictObject({
    url: fields.url,
    name: fields.name.default(''),
    description: fields.description.default(''),
    method: fields.method.default('POST'),
    headers: fields.headers.default([]),
    eventTypes: fields.eventTypes.default([]),
    channels: fields.channels.default([]),
    filter: fields.filter.default(null),
    scope: fields.scope.default('tenant'),
    alias: fields.alias.default(null),
    dialect: fields.dialect.default(null),
    contentType: fields.contentType.default(null),
    fields: fields.fields.default([]),
    actorFields: fields.actorFields.default(null),
    custom: formatInput.custom.default(null),
    standardHeaders: fields.standardHeaders.default(false),
    enabled: fields.enabled.default(true),
    ordering: fields.ordering.default('none'),
    timeoutMs: fields.timeoutMs.default(null),
    rateLimit: fields.rateLimit.default(null),
    maxConcurrency: fields.maxConcurrency.default(null),
    retryPolicy: RetryPolicyInput.nullable().default(null),
    metadata: Metadata.default({}),
    secret: Secret.optional().meta({ description: 'Made for you when left out.' }),
  })
  .meta({ id: 'EndpointCreate' });

export const EndpointPatch = z
  .strictObject({
    ...fields,
    ...formatInput,
    retryPolicy: RetryPolicyInput.nullable(),
    metadata: Metadata,
  })
  .partial()
  .extend({ version: Version.optional() })
  .meta({ id: 'EndpointPatch', description: 'Fields left out stay; a field given is replaced.' });
export type EndpointPatch = z.infer<typeof EndpointPatch>;

const endpoint = {
  id: EndpointId,
  tenant: TenantId,
  ...fields,
  paused: z.boolean().meta({ description: 'true: events match and wait.' }),
  disabled: z
    .strictObject({ at: Timestamp, reason: z.enum(['gone', 'failing']) })
    .nullable()
    .meta({ description: 'Set by us after 410 or five days of failures; resume clears it.' }),
  retryPolicy: RetryPolicy.nullable(),
  metadata: Metadata,
  grant: GrantId.nullable().meta({
    description: 'Set: it is what an app was granted, and changes and goes with the grant alone.',
  }),
  version: Version,
  createdAt: Timestamp,
  updatedAt: Timestamp,
};

export const Endpoint = z.strictObject(endpoint).meta({ id: 'Endpoint' });
export type Endpoint = z.infer<typeof Endpoint>;

export const CreatedEndpoint = z.strictObject({ ...endpoint, secret: Secret }).meta({
  id: 'CreatedEndpoint',
  description: 'An endpoint and, this once, its signing secret.',
});

export const EndpointPage = page('EndpointPage', Endpoint);
export const EndpointQuery = z.strictObject(pageQuery);
export const EndpointParams = z.strictObject({ tenant: TenantId, endpoint: EndpointId });

export const RotateSecret = z
  .strictObject({
    secret: Secret.optional(),
    overlapS: z
      .int()
      .min(0)
      .max(604_800)
      .default(86_400)
      .meta({
        description:
          'How long the old secret signs on beside the new one, in seconds. `ferriskey`, `logto` and ' +
          '`custom` have one signature, so there the new one signs alone at once.',
      }),
  })
  .meta({ id: 'RotateSecret' });

export const EndpointSecret = z
  .strictObject({
    secret: Secret,
    publicKey: z.string().nullable().meta({ description: '`whpk_…` of a `whsk_…` secret.' }),
    standardSecret: Secret.nullable().meta({
      description:
        'What verifies the webhook-… headers of an endpoint whose secret is any text: the same ' +
        'bytes as `whsec_…`. null = there are no such headers, or the secret itself does.',
    }),
    previous: z.array(z.strictObject({ secret: Secret, expiresAt: Timestamp })).meta({
      description: 'Older secrets that still sign.',
    }),
    headers: z.array(Header).meta({
      description: "The endpoint's headers with their values: secrets, some of them.",
    }),
  })
  .meta({ id: 'EndpointSecret' });

export const endpointOperations = {
  createEndpoint: {
    method: 'POST',
    path: `${TENANT}/endpoints`,
    scope: 'write',
    tag: 'Endpoints',
    summary: 'Create an endpoint',
    params: TenantParams,
    query: None,
    body: EndpointCreate,
    responses: { 201: { description: 'Created.', body: CreatedEndpoint } },
    problems: ['url_refused'],
  },
  listEndpoints: {
    method: 'GET',
    path: `${TENANT}/endpoints`,
    scope: 'read',
    tag: 'Endpoints',
    summary: 'List endpoints',
    params: TenantParams,
    query: EndpointQuery,
    responses: { 200: { description: 'A page of ', body: EndpointPage } },
  },
  getEndpoint: {
    method: 'GET',
    path: ENDPOINT,
    scope: 'read',
    tag: 'Endpoints',
    summary: 'Get an endpoint',
    params: EndpointParams,
    query: None,
    responses: { 200: { description: 'The endpoint.', body: Endpoint } },
  },
  updateEndpoint: {
    method: 'PATCH',
    path: ENDPOINT,
    scope: 'write',
    tag: 'Endpoints',
    summary: 'Change fields of an endpoint',
    params: EndpointParams,
    query: None,
    body: EndpointPatch,
    responses: { 200: { description: 'The endpoint as it is now.', body: Endpoint } },
    problems: ['conflict', 'url_refused'],
  },
  deleteEndpoint: {
    method: 'DELETE',
    path: ENDPOINT,
    scope: 'write',
    tag: 'Endpoints',
    summary: 'Delete an endpoint; what it is still owed is cancelled',
    params: EndpointParams,
    query: None,
    responses: { 204: { description: 'Deleted.' } },
    problems: ['conflict'],
  },
  getEndpointSecret: {
    method: 'GET',
    path: `${ENDPOINT}/secret`,
    scope: 'write',
    tag: 'Endpoints',
    summary: 'Show the signing secret and the values of the headers',
    params: EndpointParams,
    query: None,
    responses: { 200: { description: 'The secrets that sign.', body: EndpointSecret } },
  },
  rotateEndpointSecret: {
    method: 'POST',
    path: `${ENDPOINT}/secret/rotate`,
    scope: 'write',
    tag: 'Endpoints',
    summary: 'Replace the signing secret; the old one signs on for a while',
    params: EndpointParams,
    query: None,
    body: RotateSecret.prefault({}),
    responses: { 200: { description: 'The secrets that sign.', body: EndpointSecret } },
    problems: ['conflict'],
  },
  pauseEndpoint: {
    method: 'POST',
    path: `${ENDPOINT}/pause`,
    scope: 'write',
    tag: 'Endpoints',
    summary: 'Hold deliveries; events still match',
    params: EndpointParams,
    query: None,
    responses: { 200: { description: 'The endpoint as it is now.', body: Endpoint } },
    problems: ['conflict'],
  },
  resumeEndpoint: {
    method: 'POST',
    path: `${ENDPOINT}/resume`,
    scope: 'write',
    tag: 'Endpoints',
    summary: 'Send again what was held, by pause or because the endpoint was disabled',
    params: EndpointParams,
    query: None,
    responses: { 200: { description: 'The endpoint as it is now.', body: Endpoint } },
    problems: ['conflict'],
  },
} as const satisfies Record<string, Operation>;
