import { z } from 'zod';
import { EventId, None, TENANT, Timestamp } from './common.ts';
import { Delivery, DeliveryParams } from './deliveries.ts';
import { EventParams } from './events.ts';
import type { Operation } from './operation.ts';

/** What a person does to deliveries, one by one. */

const newId = z.boolean().default(false).meta({
  description:
    'true: the receiver gets it under a new webhook-id, so one that drops repeats takes it again.',
});

export const ResendInput = z.strictObject({ newId }).prefault({}).meta({ id: 'ResendInput' });
export const ResendEventInput = z
  .strictObject({
    newId,
    only: z.enum(['all', 'failed']).default('all').meta({
      description: 'failed: only where the last run failed.',
    }),
  })
  .prefault({})
  .meta({ id: 'ResendEventInput' });

export const Resent = z
  .strictObject({
    resent: z.int(),
    pending: z.int().meta({ description: 'Still pending: nothing was added.' }),
    refused: z.int().meta({
      description: 'Their endpoint is deleted, disabled, switched off or owes too much.',
    }),
  })
  .meta({ id: 'Resent' });

export const ErasedPayload = z
  .strictObject({
    event: EventId,
    erasedAt: Timestamp,
    cancelled: z.int().meta({ description: 'Deliveries that were pending.' }),
    sending: z.int().meta({
      description:
        'Being sent this moment: they end cancelled unless a success was on its way, and no bytes of ' +
        'them are kept.',
    }),
  })
  .meta({ id: 'ErasedPayload' });

const delivery = {
  scope: 'write',
  tag: 'Deliveries',
  params: DeliveryParams,
  query: None,
} as const;

export const mendingOperations = {
  resendDelivery: {
    ...delivery,
    bots: true,
    method: 'POST',
    path: `${TENANT}/deliveries/{delivery}/resend`,
    summary: 'Send a delivery that has ended once more',
    description:
      'Answers with the new run. A run is repeated once: of many identical calls one is carried out, ' +
      'the others are refused and name the run that came of it. The `webhook-id` stays the same ' +
      'unless `newId` asks for another.',
    body: ResendInput,
    responses: { 202: { description: 'The new run, pending.', body: Delivery } },
    problems: ['conflict'],
  },
  cancelDelivery: {
    ...delivery,
    method: 'POST',
    path: `${TENANT}/deliveries/{delivery}/cancel`,
    summary: 'Cancel a pending delivery',
    description:
      'While it is being sent it stays pending until its sender lets go; a success on its way wins. ' +
      'Cancelling what is cancelled changes nothing.',
    responses: { 200: { description: 'The delivery as it stands.', body: Delivery } },
    problems: ['conflict'],
  },
  retryDelivery: {
    ...delivery,
    method: 'POST',
    path: `${TENANT}/deliveries/{delivery}/retry`,
    summary: 'Make the next attempt of a pending delivery now',
    responses: { 200: { description: 'The delivery as it stands.', body: Delivery } },
    problems: ['conflict'],
  },
  erasePayload: {
    method: 'DELETE',
    path: `${TENANT}/events/{event}/payload`,
    scope: 'write',
    tag: 'Events',
    summary: 'Erase the payload of an event',
    description:
      'Its data, and all of its envelope but type, times and id; the bytes of its attempts on both ' +
      'sides. What is pending of it is cancelled. What happened stays in the log. Erasing twice ' +
      'changes nothing.',
    params: EventParams,
    query: None,
    responses: { 200: { description: 'It is erased.', body: ErasedPayload } },
  },
  resendEvent: {
    method: 'POST',
    path: `${TENANT}/events/{event}/resend`,
    scope: 'write',
    tag: 'Events',
    summary: 'Send all deliveries of an event that have ended once more',
    description: 'For more than 10,000 deliveries start a replay.',
    params: EventParams,
    query: None,
    body: ResendEventInput,
    responses: { 202: { description: 'How many were resent.', body: Resent } },
    problems: ['conflict'],
  },
} as const satisfies Record<string, Operation>;
