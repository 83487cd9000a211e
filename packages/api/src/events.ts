import { z } from 'zod';
import {
  Channel,
  EventId,
  EventKey,
  EventType,
  Header,
  logPage,
  logQuery,
  None,
  Subject,
  TENANT,
  TenantId,
  TenantParams,
  Timestamp,
} from './common.ts';
import type { Operation } from './operation.ts';

export const EVENT_BYTES_MAX = 1_048_576;
export const REQUEST_BYTES_MAX = 8_388_608;
export const EVENTS_PER_REQUEST_MAX = 500;

const meta = {
  subject: Subject.optional().meta({ description: 'Id of the resource.' }),
  actor: z.record(z.string().max(128), z.unknown()).optional(),
  context: z.record(z.string().max(128), z.unknown()).optional().meta({
    description: 'Request facts that dialects show: client IP, request URI, session …',
  }),
  orderingKey: z.string().max(256).optional(),
  channels: z.array(Channel).max(16).optional(),
};

/** An event as posted. The server reads it with the scanner of `@posthorn/wire`, not with this schema. */
export const EventInput = z
  .strictObject({
    type: EventType,
    data: z.unknown().meta({ description: 'Any JSON; delivered byte for byte. At most 1 MiB.' }),
    id: EventKey.optional().meta({
      description: 'Yours, for idempotency: the same id and bytes give the first answer again.',
    }),
    headers: z
      .union([z.array(Header).max(32), z.record(z.string(), z.string())])
      .optional()
      .meta({ description: 'Sent with this event.' }),
    occurredAt: Timestamp.optional(),
    ...meta,
  })
  .meta({ id: 'EventInput' });
export type EventInput = z.input<typeof EventInput>;

export const EventInputs = z.union([
  EventInput,
  z.array(EventInput).min(1).max(EVENTS_PER_REQUEST_MAX),
]);

export const EventWarning = z
  .strictObject({
    code: z.enum(['unknown_type', 'archived_type', 'schema', 'unchecked']).meta({
      description: 'unchecked: the schema could not be applied, or took too long.',
    }),
    message: z.string(),
    errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).meta({
      description: 'What does not fit the schema, as `data.user.email`.',
    }),
  })
  .meta({ id: 'EventWarning', description: 'How an event differs from the catalogue.' });

export const Accepted = z
  .strictObject({
    id: EventId,
    deliveries: z.int().meta({ description: 'To how many endpoints it goes.' }),
    duplicate: z.boolean().meta({ description: 'true: this id was accepted before.' }),
    warnings: z.array(EventWarning).optional().meta({
      description: "With the tenant's validation `warn`, if there is something to say.",
    }),
  })
  .meta({ id: 'Accepted' });
export type Accepted = z.infer<typeof Accepted>;

const event = {
  id: EventId,
  tenant: TenantId,
  type: EventType,
  idempotencyKey: z.string().nullable().meta({ description: 'The id given by the producer.' }),
  occurredAt: Timestamp,
  createdAt: Timestamp,
  ...meta,
  headers: z.array(Header).optional(),
  sizeBytes: z.int(),
  deliveries: z.int(),
  erasedAt: Timestamp.nullable().meta({
    description:
      'Since then the payload is gone, on request or for its age: data and all of the envelope but ' +
      'the type, the times and the id.',
  }),
};

export const EventSummary = z.strictObject(event).meta({ id: 'EventSummary' });
export const Event = z
  .strictObject({
    ...event,
    data: z.unknown().meta({ description: 'As posted, byte for byte; null once it is erased.' }),
  })
  .meta({ id: 'Event' });
export type Event = z.infer<typeof Event>;

export const EventPage = logPage('EventPage', EventSummary);
export const EventQuery = z.strictObject(logQuery);
export const EventParams = z.strictObject({ tenant: TenantId, event: EventId });

export const eventOperations = {
  publishEvents: {
    method: 'POST',
    path: `${TENANT}/events`,
    scope: 'publish',
    tag: 'Events',
    summary: 'Publish an event, or up to 500 as one atomic request',
    description:
      'Stored before it is acknowledged. An `Idempotency-Key` header equals `id`. An array is ' +
      'answered with an array; a refusal names the index. 1 MiB per event, 8 MiB per request. Where ' +
      "the tenant's validation is `refuse`, an event that is not what the catalogue says is answered " +
      'with `event_invalid`; its `reason` is a code of a warning.',
    params: TenantParams,
    query: None,
    body: EventInputs,
    responses: {
      202: {
        description: 'Stored, and on its way.',
        body: z.union([Accepted, z.array(Accepted)]),
      },
    },
    problems: [
      'idempotency_conflict',
      'event_invalid',
      'unsupported_encoding',
      'disk_full',
      'store_full',
    ],
  },
  listEvents: {
    method: 'GET',
    path: `${TENANT}/events`,
    scope: 'read',
    bots: true,
    tag: 'Events',
    summary: 'List events',
    params: TenantParams,
    query: EventQuery,
    responses: { 200: { description: 'A page of events.', body: EventPage } },
  },
  getEvent: {
    method: 'GET',
    path: `${TENANT}/events/{event}`,
    scope: 'read',
    bots: true,
    tag: 'Events',
    summary: 'Get an event with its data',
    params: EventParams,
    query: None,
    responses: { 200: { description: 'The event.', body: Event } },
  },
} as const satisfies Record<string, Operation>;
