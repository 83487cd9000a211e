import { BodyWriter } from '../body-writer.ts';
import { headerValue } from '../header.ts';
import { goQuote } from '../json-print.ts';
import { decodeValue } from '../json-scan.ts';
import {
  type Dialect,
  DialectError,
  type ParsedEvent,
  type ReceivedRequest,
  type RenderInput,
} from '../message.ts';
import { goHeaders } from './casdoor.ts';
import { chosenData, dataMembers } from './facts.ts';
import { parsed } from './payload.ts';
import { NULL, readObject, readType } from './reading.ts';

/** What Casdoor's documentation shows, and no version of it sends: event, seconds, user. */
export const casdoorDocs: Dialect = {
  name: 'casdoor-docs',
  body,
  headers: goHeaders,
  parse,
  traits: {
    lowerCase: false,
    contentType: true,
    actor: () => false,
    reserved: () => [],
    secret: () => 'key',
  },
};

function body({ event, endpoint }: RenderInput): Uint8Array {
  const user = dataMembers(event.data)?.get('user') ?? event.data;
  return new BodyWriter(goQuote)
    .value('event', event.type)
    .value('timestamp', Math.floor(event.occurredAt / 1000))
    .bytes('user', chosenData(user, endpoint.fields))
    .finish();
}

function parse({ headers, body }: ReceivedRequest): ParsedEvent {
  const members = readObject(body);
  const timestamp = members.get('timestamp');
  return parsed({
    type: readType(members, 'event'),
    occurredAt: timestamp && seconds(timestamp) * 1000,
    id: headerValue(headers, 'webhook-id'),
    data: members.get('user') ?? NULL,
  });
}

function seconds(json: Uint8Array): number {
  const value = decodeValue(json);
  if (typeof value === 'number' && Number.isSafeInteger(value * 1000)) return value;
  throw new DialectError('invalid_body', '"timestamp" must be a number of seconds');
}
