import { z } from 'zod';
import {
  ENDPOINT,
  EndpointId,
  EventId,
  EventType,
  None,
  TENANT,
  TenantParams,
  Timestamp,
} from './common.ts';
import { BodyText, Fault, Timings } from './deliveries.ts';
import {
  CreatedEndpoint,
  Endpoint,
  EndpointCreate,
  EndpointParams,
  EndpointPatch,
  Secret,
} from './endpoints.ts';
import type { Operation } from './operation.ts';

/** What people do with endpoints beside reading and changing one: copy, put many, test, preview. */

const TYPES_MAX = 20;
export const ENDPOINTS_PER_REQUEST_MAX = 100;

const Unsaved = EndpointPatch.omit({ version: true }).meta({ id: 'EndpointChanges' });

export const DuplicateEndpoint = Unsaved.extend({ secret: Secret.optional() }).meta({
  id: 'DuplicateEndpoint',
  description: 'What the copy has otherwise. It has a secret of its own and is not enabled.',
});

export const EndpointUpsert = EndpointCreate.extend({
  id: EndpointId.optional().meta({ description: 'Left out: found by its name, or created.' }),
}).meta({ id: 'EndpointUpsert' });

export const EndpointsInput = z
  .strictObject({
    endpoints: z.array(EndpointUpsert).max(ENDPOINTS_PER_REQUEST_MAX),
    dryRun: z.boolean().default(false).meta({ description: 'true: only tells what would change.' }),
  })
  .meta({ id: 'EndpointsInput' });

export const UpsertedEndpoints = z
  .strictObject({
    dryRun: z.boolean(),
    created: z.int(),
    updated: z.int(),
    unchanged: z.int(),
    items: z.array(
      z.strictObject({
        change: z.enum(['created', 'updated', 'unchanged']),
        name: z.string(),
        fields: z.array(z.string()).meta({ description: 'What differs; `secret` among them.' }),
        before: Endpoint.nullable().meta({ description: 'null = it is new.' }),
        after: Endpoint.nullable().meta({
          description: 'null = it is new, and this is a dry run.',
        }),
        secret: Secret.nullable().meta({ description: 'Of one that was created.' }),
      }),
    ),
  })
  .meta({ id: 'UpsertedEndpoints', description: 'In the order of the request.' });
export type UpsertedEndpoints = z.infer<typeof UpsertedEndpoints>;

const types = z.array(EventType).min(1).max(TYPES_MAX).optional().meta({
  description: 'One sample of each is sent. Left out: the types that it listens to, 20 at most.',
});

export const TestEndpoint = z
  .strictObject({
    types,
    endpoint: Unsaved.optional().meta({ description: 'Changes that are not saved.' }),
  })
  .meta({ id: 'TestEndpoint' });
export const TestUnsavedEndpoint = z
  .strictObject({ types, endpoint: EndpointCreate })
  .meta({ id: 'TestUnsavedEndpoint' });

const exchange = {
  request: z.strictObject({
    method: z.string(),
    url: z.string(),
    head: z.string().meta({ description: 'As sent, secrets masked; empty if nothing was sent.' }),
    body: BodyText,
  }),
  response: z
    .strictObject({
      head: z.string(),
      body: BodyText,
      truncated: z.boolean().meta({ description: 'true: there was more of the body.' }),
    })
    .nullable(),
};

export const EndpointTest = z
  .strictObject({
    items: z.array(
      z.strictObject({
        type: EventType,
        ok: z.boolean().meta({ description: 'It answered 2xx.' }),
        status: z.int().nullable(),
        fault: Fault.nullable(),
        detail: z.string(),
        durationMs: z.number(),
        timings: Timings,
        remoteAddress: z.string().nullable(),
        ...exchange,
      }),
    ),
    omitted: z
      .int()
      .meta({ description: 'Types that it also listens to and that were not tried.' }),
  })
  .meta({
    id: 'EndpointTest',
    description: 'What came of each sample. Tests are not logged and count nowhere.',
  });
export type EndpointTest = z.infer<typeof EndpointTest>;

const previewed = {
  event: EventId.optional().meta({ description: 'A stored event; with none of the other fields.' }),
  type: EventType.optional().meta({ description: 'Left out: one that the endpoint listens to.' }),
  data: z.unknown().optional().meta({ description: "Left out: the catalogue's example." }),
  subject: z.string().max(256).optional(),
  actor: z.record(z.string().max(128), z.unknown()).optional(),
  context: z.record(z.string().max(128), z.unknown()).optional(),
  occurredAt: Timestamp.optional(),
};

const Only = {
  path: ['event'],
  message: 'stands for a stored event: leave out type, data and the rest',
};
const isOne = ({
  event,
  endpoint: _endpoint,
  ...others
}: {
  event?: unknown;
  endpoint?: unknown;
}) => event === undefined || Object.values(others).every((value) => value === undefined);

export const PreviewEndpoint = z
  .strictObject({
    ...previewed,
    endpoint: Unsaved.optional().meta({ description: 'Changes that are not saved.' }),
  })
  .refine(isOne, Only)
  .meta({ id: 'PreviewEndpoint' });
export const PreviewUnsavedEndpoint = z
  .strictObject({ ...previewed, endpoint: EndpointCreate })
  .refine(isOne, Only)
  .meta({ id: 'PreviewUnsavedEndpoint' });

export const EndpointPreview = z
  .strictObject({
    type: EventType,
    method: z.string(),
    url: z.string(),
    head: z.string().meta({ description: 'Request line and headers, secrets masked.' }),
    body: BodyText,
    key: z.enum(['endpoint', 'throw-away']).meta({
      description: 'What signed it: throw-away, if nothing is saved and no secret was given.',
    }),
  })
  .meta({ id: 'EndpointPreview', description: 'The request exactly as it would be sent now.' });

const LARGE = { bytesMax: 4_194_304, valuesMax: 50_000 };
const ENDPOINTS = `${TENANT}/endpoints` as const;

export const endpointToolOperations = {
  putEndpoints: {
    method: 'PUT',
    path: ENDPOINTS,
    scope: 'write',
    tag: 'Endpoints',
    summary: 'Create or replace up to 100 endpoints, all or none',
    description:
      'Found by id, else by name. What is left out takes its default, but for the secret, which stays. ' +
      'A changed secret leaves the old one signing beside it for a day.',
    params: TenantParams,
    query: None,
    body: EndpointsInput,
    bodyLimits: LARGE,
    responses: { 200: { description: 'What became of each.', body: UpsertedEndpoints } },
    problems: ['conflict', 'url_refused'],
  },
  duplicateEndpoint: {
    method: 'POST',
    path: `${ENDPOINT}/duplicate`,
    scope: 'write',
    tag: 'Endpoints',
    summary: 'Copy an endpoint; the copy has its own secret and is not enabled',
    params: EndpointParams,
    query: None,
    body: DuplicateEndpoint.prefault({}),
    responses: { 201: { description: 'The copy.', body: CreatedEndpoint } },
    problems: ['conflict', 'url_refused'],
  },
  testEndpoint: {
    method: 'POST',
    path: `${ENDPOINT}/test`,
    scope: 'write',
    bots: true,
    tag: 'Endpoints',
    summary: 'Send samples to an endpoint, also with changes that are not saved',
    params: EndpointParams,
    query: None,
    body: TestEndpoint.prefault({}),
    responses: { 200: { description: 'What came of it.', body: EndpointTest } },
    problems: ['url_refused'],
  },
  testUnsavedEndpoint: {
    method: 'POST',
    path: `${ENDPOINTS}/test`,
    scope: 'write',
    tag: 'Endpoints',
    summary: 'Send samples to an endpoint that is not saved',
    params: TenantParams,
    query: None,
    body: TestUnsavedEndpoint,
    responses: { 200: { description: 'What came of it.', body: EndpointTest } },
    problems: ['url_refused'],
  },
  previewEndpoint: {
    method: 'POST',
    path: `${ENDPOINT}/preview`,
    scope: 'write',
    tag: 'Endpoints',
    summary: 'Show the request that an event would make; nothing is sent',
    params: EndpointParams,
    query: None,
    body: PreviewEndpoint.prefault({}),
    responses: { 200: { description: 'The request.', body: EndpointPreview } },
    problems: ['url_refused'],
  },
  previewUnsavedEndpoint: {
    method: 'POST',
    path: `${ENDPOINTS}/preview`,
    scope: 'write',
    tag: 'Endpoints',
    summary: 'Show the request that an event would make of an endpoint that is not saved',
    params: TenantParams,
    query: None,
    body: PreviewUnsavedEndpoint,
    responses: { 200: { description: 'The request.', body: EndpointPreview } },
    problems: ['url_refused'],
  },
} as const satisfies Record<string, Operation>;
