import { BodyWriter } from '../body-writer.ts';
import { foreignUuid } from '../foreign.ts';
import { type Header, headerValue } from '../header.ts';
import { isJson, type Members, membersOf } from '../json-members.ts';
import { goQuote, goReprint, printSorted, printValue } from '../json-print.ts';
import type {
  Dialect,
  HeadersInput,
  ParsedEvent,
  ReceivedRequest,
  RenderInput,
} from '../message.ts';
import { formatRfc3339, offsetMinutesOf } from '../rfc3339.ts';
import { chosenActor, factsOf, given, givenText, givenTime, isAbsent, shown } from './facts.ts';
import { besides, JSON_TYPE, sortedByName } from './headers.ts';
import { parsed } from './payload.ts';
import {
  defined,
  NULL,
  readObject,
  readRecord,
  readText,
  readTime,
  readType,
  unlessPrinted,
} from './reading.ts';

/**
 * Casdoor: the record of an API request as Go prints it. `object` is a string that holds JSON, the
 * content type says form where the owner wants it and the body stays JSON, nothing is signed.
 */
export const casdoor: Dialect = {
  name: 'casdoor',
  body,
  headers: goHeaders,
  parse,
  traits: {
    lowerCase: false,
    contentType: true,
    actor: () => true,
    reserved: () => [],
    secret: () => 'key',
  },
};

const RESPONSE = '{status:"ok", msg:""}';
const DECODER = new TextDecoder();
const ENCODER = new TextEncoder();

function body(input: RenderInput): Uint8Array {
  const { event, tenant } = input;
  const { actor, context } = factsOf(event);
  const organization = givenText(context, 'organization') ?? shown(tenant);
  const text = (name: string, otherwise: string) => givenText(context, name) ?? otherwise;
  const number = (name: string, otherwise: number) => {
    const value = given(context, name);
    return Number.isSafeInteger(value) ? value : otherwise;
  };
  return new BodyWriter(goQuote)
    .value('id', number('id', 0))
    .value('owner', text('owner', organization))
    .value('name', text('name', foreignUuid('event', event.id)))
    .value('createdTime', createdTime(input, context))
    .value('organization', organization)
    .value('clientIp', text('clientIp', ''))
    .value('user', text('user', givenText(actor, 'name') ?? givenText(actor, 'id') ?? ''))
    .value('method', text('method', 'POST'))
    .value('requestUri', text('requestUri', `/api/${event.type}`))
    .value('action', event.type)
    .value('language', text('language', 'en'))
    .value('object', text('object', objectText(input)))
    .value('response', text('response', RESPONSE))
    .value('statusCode', number('statusCode', 200))
    .value('detail', text('detail', ''))
    .value('isTriggered', given(context, 'isTriggered') === true)
    .printed('extendedUser', extendedUser(input, actor))
    .finish();
}

type Given = Readonly<Record<string, unknown>>;

/** Local time of the server, whose zone the context tells; without one UTC, written as Go does. */
function createdTime({ event }: RenderInput, context: Given): string {
  const zone = givenText(context, 'timezone');
  return givenTime(context, 'createdTime') ?? localTime(event.occurredAt, zone);
}

function localTime(ms: number, zone: string | undefined): string {
  const offsetMinutes = zone === undefined ? 0 : offsetMinutesOf(zone, ms);
  return formatRfc3339(ms, { fraction: 'none', utc: 'Z', offsetMinutes });
}

/** The text of `object`: the data as posted, or its chosen members as Go prints a map. */
function objectText({ event, endpoint }: RenderInput): string {
  const { data } = event;
  if (isAbsent(data)) return '';
  if (endpoint.fields.length === 0 || endpoint.fields.includes('All')) return DECODER.decode(data);
  const chosen = new Map<string, string>();
  for (const [name, value] of membersOf(data) ?? []) {
    if (endpoint.fields.includes(name)) chosen.set(name, goReprint(value));
  }
  return printSorted(chosen);
}

/**
 * The acting user. Chosen fields may have the names that Casdoor's settings know them by, which are
 * those of Go (`DisplayName`); they appear under the name that Casdoor makes of them.
 */
function extendedUser({ endpoint }: RenderInput, actor: Given): string {
  const { actorFields } = endpoint;
  if (actorFields === null || actorFields.length === 0) {
    return printValue(chosenActor(actor, actorFields), goQuote);
  }
  if (Object.keys(actor).length === 0) return 'null';
  const chosen = new Map<string, string>();
  for (const field of actorFields) {
    const name = Object.hasOwn(actor, field) ? field : camelOfGo(field);
    const value = given(actor, name) ?? given(actor, memberLike(actor, field) ?? '');
    if (value !== undefined) chosen.set(name, printValue(value, goQuote));
  }
  return printSorted(chosen);
}

/** `DisplayName` is `displayName`; each capital begins a word, so `QQ` is `qQ`. */
function camelOfGo(field: string): string {
  return `${field.slice(0, 1).toLowerCase()}${field.slice(1)}`;
}

function memberLike(actor: Given, field: string): string | undefined {
  return Object.keys(actor).find((name) => name.toLowerCase() === field.toLowerCase());
}

/** As Go's net/http writes them: the user agent, then all by name, names in canonical case. */
export function goHeaders(input: HeadersInput): Header[] {
  const byName = new Map<string, Header>();
  const contentType = { name: 'Content-Type', value: input.endpoint.contentType ?? JSON_TYPE };
  for (const header of [contentType, ...input.extra]) {
    const name = canonical(header.name);
    byName.set(name, { name, value: header.value });
  }
  const userAgent = byName.get('User-Agent')?.value ?? 'Go-http-client/1.1';
  byName.delete('User-Agent');
  const headers = sortedByName([...byName.values()]);
  return [{ name: 'User-Agent', value: userAgent }, ...headers, ...besides(input)];
}

function canonical(name: string): string {
  return name.toLowerCase().replaceAll(/(?:^|-)[a-z]/g, (start) => start.toUpperCase());
}

const TEXTS = [
  'name',
  'owner',
  'organization',
  'clientIp',
  'user',
  'method',
  'requestUri',
  'language',
  'response',
  'detail',
];

function parse({ headers, body }: ReceivedRequest): ParsedEvent {
  const members = readObject(body);
  const texts = Object.fromEntries(TEXTS.map((name) => [name, readText(members, name)]));
  const { name, organization, user } = texts;
  const time = readText(members, 'createdTime') ?? '';
  const occurredAt = time === '' ? undefined : readTime(members, 'createdTime');
  const timezone = /[+-]\d{2}:\d{2}$/.exec(time)?.[0];
  const context = {
    ...texts,
    statusCode: decodedNumber(members, 'statusCode'),
    timezone,
    createdTime: unlessPrinted(time, occurredAt, (ms) => localTime(ms, timezone)),
  };
  return parsed({
    type: readType(members, 'action'),
    occurredAt,
    id: name || headerValue(headers, 'webhook-id'),
    tenant: organization,
    actor: readRecord(members, 'extendedUser') ?? (user ? { name: user } : undefined),
    context: defined(context),
    data: objectData(members),
  });
}

function decodedNumber(members: Members, name: string): number | undefined {
  const text = DECODER.decode(members.get(name));
  return /^-?\d{1,16}$/.test(text) ? Number(text) : undefined;
}

/** `object` holds JSON in a string; what is no JSON stays the string it is. */
function objectData(members: Members): Uint8Array {
  const value = members.get('object');
  if (value === undefined || value[0] !== 0x22) return value ?? NULL;
  const text = readText(members, 'object') ?? '';
  if (text === '') return NULL;
  const inner = ENCODER.encode(text);
  return isJson(inner) ? inner : value;
}
