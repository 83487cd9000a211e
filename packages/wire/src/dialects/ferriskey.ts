import { BodyWriter } from '../body-writer.ts';
import { foreign, foreignUuid, foreignUuidV7, isUuid } from '../foreign.ts';
import { type Header, headerValue } from '../header.ts';
import { plainQuote } from '../json-print.ts';
import type {
  Dialect,
  HeadersInput,
  ParsedEvent,
  ReceivedRequest,
  RenderInput,
} from '../message.ts';
import { formatRfc3339 } from '../rfc3339.ts';
import { chosenData, type Facts, factsOf, givenText, givenTime } from './facts.ts';
import { besides, has, JSON_TYPE, lowerCased, permitted } from './headers.ts';
import { parsed } from './payload.ts';
import {
  defined,
  NULL,
  readObject,
  readText,
  readTime,
  readType,
  unlessPrinted,
} from './reading.ts';
import { hmacHex } from './text-key.ts';

/**
 * FerrisKey: event, time, resource and data, signed with HMAC-SHA256 over `<seconds>.<body>`. Header
 * names are in lower case, there is no user agent, and the delivery id stays over all attempts.
 */
export const ferriskey: Dialect = {
  name: 'ferriskey',
  body,
  headers,
  parse,
  traits: {
    lowerCase: true,
    contentType: false,
    actor: () => false,
    reserved: () => RESERVED,
    secret: () => 'hex',
  },
};

const DELIVERY_ID = 'x-ferriskey-delivery-id';
const TIMESTAMP = 'x-ferriskey-timestamp';
const SIGNATURE = 'x-ferriskey-signature';
const RESERVED = ['content-type', DELIVERY_ID, TIMESTAMP, SIGNATURE];

function body(input: RenderInput): Uint8Array {
  const { event, endpoint } = input;
  const facts = factsOf(event);
  return new BodyWriter(plainQuote)
    .value('event', event.type)
    .value('timestamp', givenTime(facts.context, 'timestamp') ?? timestamp(event.occurredAt))
    .value('resource_id', givenText(facts.context, 'resource_id') ?? resourceId(input, facts))
    .bytes('data', chosenData(event.data, endpoint.fields))
    .finish();
}

function timestamp(ms: number): string {
  return formatRfc3339(ms, { fraction: 'auto', utc: '+00:00' });
}

function resourceId({ tenant }: RenderInput, { subject }: Facts): string {
  if (subject === undefined) return foreign('tenant', tenant);
  return isUuid(subject) ? subject : foreignUuid('subject', subject);
}

function headers(input: HeadersInput): Header[] {
  const { body, event, endpoint, timestampS, webhookId, keys } = input;
  const own = lowerCased(permitted(input.extra, RESERVED));
  const delivery = `${endpoint.id}\n${webhookId}`;
  return [
    ...own,
    { name: 'content-type', value: JSON_TYPE },
    { name: TIMESTAMP, value: String(timestampS) },
    { name: DELIVERY_ID, value: foreignUuidV7('delivery', delivery, event.occurredAt) },
    { name: SIGNATURE, value: hmacHex(keys, `${timestampS}.`, body) },
    ...(has(own, 'accept') ? [] : [{ name: 'accept', value: '*/*' }]),
    ...besides(input),
  ];
}

function parse({ headers, body }: ReceivedRequest): ParsedEvent {
  const members = readObject(body);
  const occurredAt = readTime(members, 'timestamp');
  const exact = unlessPrinted(readText(members, 'timestamp'), occurredAt, timestamp);
  const resource = readText(members, 'resource_id');
  return parsed({
    type: readType(members, 'event'),
    occurredAt,
    id: headerValue(headers, DELIVERY_ID) ?? headerValue(headers, 'webhook-id'),
    subject: resource,
    // Rendering makes a UUID of another subject; an alias is shown as it is.
    context: defined({
      timestamp: exact,
      resource_id: isUuid(resource ?? '') ? undefined : resource,
    }),
    data: members.get('data') ?? NULL,
  });
}
