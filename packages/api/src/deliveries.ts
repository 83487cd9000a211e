import { z } from 'zod';
import {
  AttemptId,
  DeliveryId,
  EndpointId,
  EventId,
  EventType,
  logPage,
  logQuery,
  None,
  StatusFilter,
  TENANT,
  TenantId,
  TenantParams,
  Timestamp,
} from './common.ts';
import type { Operation } from './operation.ts';

export const DeliveryState = z.enum(['pending', 'succeeded', 'failed', 'cancelled']);

/** Why no complete, valid response came. Permanent, like the error codes. */
export const Fault = z
  .enum([
    'forbidden',
    'dns_not_found',
    'dns_timeout',
    'dns_failed',
    'connect_refused',
    'connect_unreachable',
    'connect_timeout',
    'tls',
    'timeout',
    'reset',
    'eof',
    'stale_connection',
    'invalid_response',
    'header_too_large',
    'aborted',
    'render_failed',
    'quarantined',
    'expired',
    'skipped',
    'internal',
  ])
  .meta({ id: 'Fault' });

const address = {
  event: EventId,
  endpoint: EndpointId,
  run: z.int().meta({ description: '0 = as routed; each resend or replay is the next.' }),
  type: EventType,
  state: DeliveryState,
};
const outcome = {
  status: z.int().nullable().meta({ description: 'HTTP status; null = no response.' }),
  fault: Fault.nullable(),
};

export const Delivery = z
  .strictObject({
    id: DeliveryId,
    ...address,
    ...outcome,
    attempts: z.int(),
    createdAt: Timestamp,
    lastAttemptAt: Timestamp.nullable(),
    nextAt: Timestamp.nullable().meta({ description: 'When a pending one is due.' }),
  })
  .meta({ id: 'Delivery' });
export type Delivery = z.infer<typeof Delivery>;

const filters = {
  ...logQuery,
  endpoint: EndpointId.optional(),
  event: EventId.optional(),
  state: DeliveryState.optional(),
  status: StatusFilter.optional(),
  fault: Fault.optional(),
};
export const DeliveryPage = logPage('DeliveryPage', Delivery);
export const DeliveryQuery = z.strictObject(filters);
export const DeliveryParams = z.strictObject({ tenant: TenantId, delivery: DeliveryId });

const attempt = {
  id: AttemptId,
  delivery: DeliveryId,
  ...address,
  ...outcome,
  n: z.int().meta({ description: '1 = the first; 0 = a decision without an exchange.' }),
  startedAt: Timestamp,
  durationMs: z.number(),
  detail: z.string(),
  afterCrash: z.boolean().meta({
    description: 'true: a process that died may have sent it before without logging it.',
  }),
  erased: z.boolean().meta({
    description: 'true: the bytes of both sides are gone, on request or for their age.',
  }),
  nextAt: Timestamp.nullable(),
};

export const BodyText = z
  .strictObject({ encoding: z.enum(['utf8', 'base64']), text: z.string() })
  .meta({ id: 'BodyText' });
const ms = z.number().nullable();
export const Timings = z
  .strictObject({ dnsMs: ms, connectMs: ms, tlsMs: ms, firstByteMs: ms, totalMs: z.number() })
  .meta({ id: 'Timings', description: 'null: that step did not happen.' });

export const AttemptSummary = z.strictObject(attempt).meta({ id: 'AttemptSummary' });
export type AttemptSummary = z.infer<typeof AttemptSummary>;
export const Attempt = z
  .strictObject({
    ...attempt,
    timings: z.strictObject({
      dnsMs: ms,
      connectMs: ms,
      tlsMs: ms,
      firstByteMs: ms,
      totalMs: z.number(),
    }),
    remoteAddress: z.string().nullable().meta({ description: '`ip:port` really connected to.' }),
    request: z.strictObject({
      method: z.string(),
      url: z.string(),
      head: z.string().meta({ description: 'Request line and headers as sent; secrets masked.' }),
      body: BodyText,
    }),
    response: z
      .strictObject({ head: z.string(), body: BodyText, truncated: z.boolean() })
      .nullable()
      .meta({ description: 'null: nothing came back.' }),
  })
  .meta({ id: 'Attempt' });
export type Attempt = z.infer<typeof Attempt>;

export const AttemptPage = logPage('AttemptPage', AttemptSummary);
export const AttemptQuery = z.strictObject(filters);
export const AttemptParams = z.strictObject({ tenant: TenantId, attempt: AttemptId });

export const deliveryOperations = {
  listDeliveries: {
    method: 'GET',
    path: `${TENANT}/deliveries`,
    scope: 'read',
    bots: true,
    tag: 'Deliveries',
    summary: 'List deliveries',
    description:
      'Newest events first. With `state`, `endpoint`, `status` or `fault`: those that ended last ' +
      'first, after the pending ones; pending ones stand in the order in which they are sent. ' +
      '`from` and `to` are about when the event was stored.',
    params: TenantParams,
    query: DeliveryQuery,
    responses: { 200: { description: 'A page of deliveries.', body: DeliveryPage } },
  },
  getDelivery: {
    method: 'GET',
    path: `${TENANT}/deliveries/{delivery}`,
    scope: 'read',
    bots: true,
    tag: 'Deliveries',
    summary: 'Get a delivery',
    params: DeliveryParams,
    query: None,
    responses: { 200: { description: 'The delivery.', body: Delivery } },
  },
  listAttempts: {
    method: 'GET',
    path: `${TENANT}/attempts`,
    scope: 'read',
    bots: true,
    tag: 'Deliveries',
    summary: 'List attempts',
    description: 'In the order of the log, newest first. `from` and `to` are about `startedAt`.',
    params: TenantParams,
    query: AttemptQuery,
    responses: { 200: { description: 'A page of attempts.', body: AttemptPage } },
  },
  getAttempt: {
    method: 'GET',
    path: `${TENANT}/attempts/{attempt}`,
    scope: 'read',
    bots: true,
    tag: 'Deliveries',
    summary: 'Get one attempt whole: what was sent and what came back',
    params: AttemptParams,
    query: None,
    responses: { 200: { description: 'The attempt.', body: Attempt } },
  },
} as const satisfies Record<string, Operation>;
