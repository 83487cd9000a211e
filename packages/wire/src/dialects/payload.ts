import { isEventType } from '../event.ts';
import { decodeForm, encodeForm, flatPairs, isForm, type Pairs } from '../form.ts';
import { type Header, headerValue } from '../header.ts';
import { isJson } from '../json-members.ts';
import { plainQuote, printValue } from '../json-print.ts';
import {
  DialectError,
  type ParsedEvent,
  type ReceivedRequest,
  type RenderInput,
} from '../message.ts';
import { parseRfc3339 } from '../rfc3339.ts';
import { chosenActor, chosenData, factsOf, isAbsent } from './facts.ts';
import { checkType, NULL, readObject, readRecord, readTime, readType } from './reading.ts';

/** The bodies of our own formats: an envelope around the data, or the data alone; JSON or a form. */

const ENCODER = new TextEncoder();
const CLOSE = 0x7d;

/** `{"type":…,"timestamp":…,"data":…}`, and `"actor":…` behind it for endpoints that ask for it. */
export function envelope(input: RenderInput): Uint8Array {
  const { event, endpoint } = input;
  // The grammar of types is ASCII that JSON needs no escape for: one character is one byte below.
  if (!isEventType(event.type)) throw new Error('must hold: the event has a valid type');
  const time = new Date(event.occurredAt).toISOString();
  if (isForm(endpoint.contentType)) return envelopeForm(input, time);
  const head = `{"type":"${event.type}","timestamp":"${time}","data":`;
  const data = chosenData(event.data, endpoint.fields);
  const tail = endpoint.actorFields === null ? undefined : actorTail(input);
  const bytes = new Uint8Array(head.length + data.length + (tail?.length ?? 0) + 1);
  ENCODER.encodeInto(head, bytes);
  bytes.set(data, head.length);
  if (tail) bytes.set(tail, head.length + data.length);
  bytes[bytes.length - 1] = CLOSE;
  return bytes;
}

function actorTail({ event, endpoint }: RenderInput): Uint8Array | undefined {
  const actor = chosenActor(factsOf(event).actor, endpoint.actorFields);
  return actor ? ENCODER.encode(`,"actor":${printValue(actor, plainQuote)}`) : undefined;
}

/** `type=…&timestamp=…&data[id]=…`, the way of writing nested names that most form parsers read. */
function envelopeForm({ event, endpoint }: RenderInput, time: string): Uint8Array {
  const data = chosenData(event.data, endpoint.fields);
  const actor = chosenActor(factsOf(event).actor, endpoint.actorFields);
  const pairs: Pairs = [
    ['type', event.type],
    ['timestamp', time],
  ];
  if (!isAbsent(data)) pairs.push(...flatPairs(data, 'data', (name) => `data[${name}]`));
  if (actor) {
    const json = ENCODER.encode(JSON.stringify(actor));
    pairs.push(...flatPairs(json, 'actor', (name) => `actor[${name}]`));
  }
  return encodeForm(pairs);
}

/** The bytes of the data, none if there is none; of a form, its pairs. */
export function bare({ event, endpoint }: RenderInput): Uint8Array {
  const data = chosenData(event.data, endpoint.fields);
  if (isAbsent(data)) return new Uint8Array(0);
  return isForm(endpoint.contentType) ? encodeForm(flatPairs(data, 'data')) : data;
}

const SAYS_NOTHING: ParsedEvent = {
  type: undefined,
  occurredAt: undefined,
  id: undefined,
  tenant: undefined,
  endpoint: undefined,
  subject: undefined,
  actor: undefined,
  context: undefined,
  data: NULL,
};

/** What a format says, all else undefined. */
export function parsed(says: Partial<ParsedEvent>): ParsedEvent {
  return { ...SAYS_NOTHING, ...says };
}

export function parseEnvelope({ headers, body }: ReceivedRequest): ParsedEvent {
  if (arrivedAsForm(headers, body)) return parseEnvelopeForm(headers, body);
  const members = readObject(body);
  return parsed({
    type: readType(members, 'type'),
    occurredAt: readTime(members, 'timestamp'),
    id: headerValue(headers, 'webhook-id'),
    actor: readRecord(members, 'actor'),
    data: members.get('data') ?? NULL,
  });
}

export function parseBare({ headers, body }: ReceivedRequest): ParsedEvent {
  const id = headerValue(headers, 'webhook-id');
  if (body.length === 0) return parsed({ id });
  if (arrivedAsForm(headers, body)) return parsed({ id, data: formJson(decodeForm(body)) });
  if (isJson(body)) return parsed({ id, data: body });
  throw new DialectError('invalid_json', 'the body is not JSON, nor a form by its content type');
}

function parseEnvelopeForm(headers: readonly Header[], body: Uint8Array): ParsedEvent {
  const pairs = decodeForm(body);
  const one = (wanted: string) => pairs.find(([name]) => name === wanted)?.[1];
  const inside = (group: string): Pairs =>
    pairs.flatMap(([name, value]) => {
      const wrapped = name.startsWith(`${group}[`) && name.endsWith(']');
      return wrapped ? [[name.slice(group.length + 1, -1), value] as [string, string]] : [];
    });
  const timestamp = one('timestamp');
  const occurredAt = timestamp === undefined ? undefined : parseRfc3339(timestamp);
  if (timestamp !== undefined && occurredAt === undefined) {
    throw new DialectError('invalid_body', '"timestamp" must be an RFC 3339 time');
  }
  const [data, actor] = [inside('data'), inside('actor')];
  return parsed({
    type: checkType(one('type'), 'type'),
    occurredAt,
    id: headerValue(headers, 'webhook-id'),
    actor: actor.length === 0 ? undefined : Object.fromEntries(actor),
    data: data.length === 0 ? NULL : formJson(data),
  });
}

/** Some senders say form and send JSON: what begins as JSON is read as such. */
function arrivedAsForm(headers: readonly Header[], body: Uint8Array): boolean {
  return isForm(headerValue(headers, 'content-type')) && body[0] !== 0x7b && body[0] !== 0x5b;
}

/** Of a repeated name the last value counts. */
function formJson(pairs: Pairs): Uint8Array {
  return ENCODER.encode(JSON.stringify(Object.fromEntries(pairs)));
}
