import { z } from 'zod';
import {
  Cursor,
  EndpointId,
  EventTypePattern,
  StatusFilter,
  TENANT,
  TenantParams,
  Timestamp,
} from './common.ts';
import { AttemptSummary, DeliveryState, Fault } from './deliveries.ts';
import { EVENT_STREAM } from './media-types.ts';
import type { Operation } from './operation.ts';

/** What happens in a tenant, as it happens: server-sent events that resume. */

const Ready = z.strictObject({ kind: z.literal('ready'), at: Timestamp });
const Logged = z.strictObject({ kind: z.literal('attempt'), attempt: AttemptSummary });
const Changed = z.strictObject({
  kind: z.literal('change'),
  of: z.enum(['tenant', 'endpoint', 'event-type']),
  id: z.string(),
  version: z.int(),
  deleted: z.boolean(),
});
const Gap = z.strictObject({
  kind: z.literal('gap'),
  reason: z.enum(['removed', 'behind']).meta({
    description:
      '`removed`: what followed your place is no longer stored. `behind`: more happened than this ' +
      'connection could be told; the lists have it.',
  }),
  at: Timestamp,
});
const Bye = z.strictObject({
  kind: z.literal('bye'),
  reason: z.enum(['slow', 'shutting_down', 'unauthorized', 'store_unavailable']),
  detail: z.string(),
});

/** The data of one message; its kind is also the name of the event. */
export const LiveMessage = z
  .discriminatedUnion('kind', [Ready, Logged, Changed, Gap, Bye])
  .meta({ id: 'LiveMessage' });
export type LiveMessage = z.infer<typeof LiveMessage>;

export const LiveQuery = z.strictObject({
  after: Cursor.optional().meta({
    description: 'The `id` of the last message that was seen; the header `Last-Event-ID` wins.',
  }),
  endpoint: EndpointId.optional(),
  type: EventTypePattern.optional(),
  state: DeliveryState.optional(),
  status: StatusFilter.optional(),
  fault: Fault.optional(),
});

export const liveOperations = {
  followLive: {
    method: 'GET',
    path: `${TENANT}/live`,
    scope: 'read',
    tag: 'Deliveries',
    summary: 'Follow attempts and changes as they happen',
    description:
      'Server-sent events: `ready` first, then `attempt` for each logged attempt and `change` for each ' +
      'change of configuration, with comments as heartbeats. The filters are about attempts. Every ' +
      'message has an `id`: sent as `Last-Event-ID` it resumes after that message, and what cannot be ' +
      'told any more is stated by `gap`. Before the server ends the stream it says why with `bye`. ' +
      'A key has a bounded number of connections; more are refused with 429.',
    params: TenantParams,
    query: LiveQuery,
    responses: {
      200: { description: 'The stream.', body: LiveMessage, contentType: EVENT_STREAM },
    },
  },
} as const satisfies Record<string, Operation>;
