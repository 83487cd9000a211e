import type { JsonObject } from '../../core/json-schema.ts';
import type { EventTypeEntry } from '../registry/event-types.ts';

/** The events that Posthorn tells of itself, as its catalogue has them (docs/operational-events.md). */

const text = { type: 'string' };
const time = { type: 'string', format: 'date-time' };
const maybe = (schema: JsonObject): JsonObject => ({ ...schema, type: [schema['type'], 'null'] });

function object(properties: JsonObject): JsonObject {
  return { type: 'object', required: Object.keys(properties), properties };
}

const endpoint = object({
  id: text,
  tenant: text,
  name: text,
  description: text,
  url: text,
  method: text,
  dialect: text,
  eventTypes: { type: 'array', items: text },
  enabled: { type: 'boolean' },
  paused: { type: 'boolean' },
  disabled: maybe(object({ at: time, reason: { enum: ['gone', 'failing'] } })),
  createdAt: time,
  updatedAt: time,
});

const delivery = object({
  id: text,
  event: text,
  type: text,
  run: { type: 'integer' },
  attempts: { type: 'integer' },
  status: maybe({ type: 'integer' }),
  fault: maybe(text),
  detail: text,
});

const ENDPOINT = {
  id: 'ep_06es4k5wz1xkq8h1v9cjsg7n2m',
  tenant: 'default',
  name: 'Shop',
  description: '',
  url: 'https://shop.example.com/hooks',
  method: 'POST',
  dialect: 'standard',
  eventTypes: ['user.*'],
  enabled: true,
  paused: false,
  disabled: null,
  createdAt: '2026-01-31T12:00:00.000Z',
  updatedAt: '2026-01-31T12:00:00.000Z',
};

const DELIVERY = {
  id: 'evt_06es4k5x2c9d5m4rr0t3zq6b8e.ep_06es4k5wz1xkq8h1v9cjsg7n2m.0',
  event: 'evt_06es4k5x2c9d5m4rr0t3zq6b8e',
  type: 'user.created',
  run: 0,
  attempts: 10,
  status: 503,
  fault: null,
  detail: '',
};

interface About {
  readonly label: string;
  readonly description: string;
  readonly data: JsonObject;
  readonly subject: string;
  readonly schema: JsonObject;
}

function ownType(name: string, about: About): EventTypeEntry {
  const { label, description, schema, data, subject } = about;
  const group = name.startsWith('delivery.') ? 'Deliveries' : 'Endpoints';
  return { name, group, label, description, schema, example: { data, subject }, archived: false };
}

function ofEndpoint(name: string, about: Omit<About, 'subject'>): EventTypeEntry {
  return ownType(name, { ...about, subject: ENDPOINT.id });
}

function ofDelivery(name: string, about: Pick<About, 'label' | 'description'>): EventTypeEntry {
  const schema = object({ delivery, endpoint });
  const data = { delivery: DELIVERY, endpoint: ENDPOINT };
  return ownType(name, { ...about, schema, data, subject: DELIVERY.id });
}

const TOLD_IN_FERRISKEY =
  "Endpoints with FerrisKey's dialect are told webhook.created, .updated and .deleted instead.";

export const OWN_EVENT_TYPES: readonly EventTypeEntry[] = [
  ofEndpoint('endpoint.created', {
    label: 'Endpoint created',
    description: `Somebody added a webhook. ${TOLD_IN_FERRISKEY}`,
    schema: object({ endpoint }),
    data: { endpoint: ENDPOINT },
  }),
  ofEndpoint('endpoint.updated', {
    label: 'Endpoint changed',
    description: `Somebody changed, paused or resumed a webhook, or its secret. ${TOLD_IN_FERRISKEY}`,
    schema: object({ endpoint, changed: { type: 'array', items: text } }),
    data: { endpoint: ENDPOINT, changed: ['url'] },
  }),
  ofEndpoint('endpoint.deleted', {
    label: 'Endpoint deleted',
    description: `Somebody deleted a webhook. ${TOLD_IN_FERRISKEY}`,
    schema: object({ endpoint }),
    data: { endpoint: ENDPOINT },
  }),
  ofEndpoint('endpoint.failing', {
    label: 'Endpoint failing',
    description:
      'A webhook has had no success for 24 hours, or for 72: told once each, at the next failure.',
    schema: object({
      endpoint,
      hours: { enum: [24, 72] },
      since: time,
      failures: { type: 'integer' },
      disabledAt: time,
    }),
    data: {
      endpoint: ENDPOINT,
      hours: 24,
      since: '2026-01-31T12:00:00.000Z',
      failures: 31,
      disabledAt: '2026-02-05T12:00:00.000Z',
    },
  }),
  ofEndpoint('endpoint.disabled', {
    label: 'Endpoint disabled',
    description:
      'A webhook answered 410 (gone), or had no success for five days (failing). What it is owed waits until it is resumed.',
    schema: object({ endpoint, reason: { enum: ['gone', 'failing'] } }),
    data: {
      endpoint: { ...ENDPOINT, disabled: { at: '2026-02-05T12:00:00.000Z', reason: 'gone' } },
      reason: 'gone',
    },
  }),
  ofDelivery('delivery.failed', {
    label: 'Delivery failed',
    description: 'A delivery was given up after its last attempt.',
  }),
  ofDelivery('delivery.recovered', {
    label: 'Delivery recovered',
    description: 'A delivery that had been given up was sent again and has arrived.',
  }),
];
