import { BodyWriter, joinBytes } from '../body-writer.ts';
import { foreignShortId } from '../foreign.ts';
import { type Header, headerValue } from '../header.ts';
import type { Members } from '../json-members.ts';
import { plainQuote } from '../json-print.ts';
import { decodeValue } from '../json-scan.ts';
import type {
  Dialect,
  HeadersInput,
  ParsedEvent,
  ReceivedRequest,
  RenderInput,
  WireEndpoint,
} from '../message.ts';
import { formatRfc3339 } from '../rfc3339.ts';
import {
  chosenData,
  dataMembers,
  type Facts,
  factsOf,
  given,
  givenTime,
  isAbsent,
} from './facts.ts';
import { besides, has, JSON_TYPE, lowerCased, permitted, sortedByName } from './headers.ts';
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
 * Logto: one flat object whose keys depend on where the event comes from, the webhook's own id last,
 * signed with HMAC-SHA256 over the body alone.
 */
export const logto: Dialect = {
  name: 'logto',
  body,
  headers,
  parse,
  traits: {
    lowerCase: true,
    contentType: true,
    actor: () => false,
    reserved: () => RESERVED,
    secret: () => 'alphanumeric',
  },
};

const SIGNATURE = 'logto-signature-sha-256';
const RESERVED = [SIGNATURE];
const USER_AGENT = 'Logto (https://logto.io/)';

/** Keys in the order they are sent in; `event`, `createdAt` and `data` are filled by rule. */
const INTERACTION = [
  'adaptiveMfaResult',
  'event',
  'interactionEvent',
  'createdAt',
  'sessionId',
  'userAgent',
  'userId',
  'userIp',
  'user',
  'application',
  'cimdClientId',
];
const SIGN_IN_FLOW = [
  'event',
  'createdAt',
  'interactionEvent',
  'userAgent',
  'applicationId',
  'cimdClientId',
  'sessionId',
  'ip',
  'application',
];
const MANAGEMENT_API = [
  'event',
  'createdAt',
  'userAgent',
  'ip',
  'path',
  'method',
  'status',
  'params',
  'matchedRoute',
];
/** What single events add, behind the keys of their origin. */
const EXTRAS = [
  'organizationId',
  'roleId',
  'organizationRoleId',
  'addedUserIds',
  'removedUserIds',
  'addedApplicationIds',
  'removedApplicationIds',
];
const EXCEPTIONS = ['Identifier.Lockout', 'Message.RateLimited', 'Grant.LimitExceeded'];

type Kind = 'interaction' | 'exception' | 'data';

function kindOf(type: string): Kind {
  if (/^Post[A-Z]/.test(type)) return 'interaction';
  return EXCEPTIONS.includes(type) ? 'exception' : 'data';
}

function body(input: RenderInput): Uint8Array {
  const { event, endpoint } = input;
  const facts = factsOf(event);
  const data = chosenData(event.data, endpoint.fields);
  const message = new Message(input, facts);
  switch (kindOf(event.type)) {
    case 'interaction':
      message.keys(INTERACTION, dataMembers(data));
      message.rest(data);
      break;
    case 'exception':
      message.keys(SIGN_IN_FLOW);
      message.rest(data);
      break;
    case 'data':
      message.dataKeys(data);
  }
  return message.finish();
}

/** The body as it grows; a key that is there is not written again. */
class Message {
  readonly #writer = new BodyWriter(plainQuote);
  readonly #written = new Set(['hookId']);
  readonly #input: RenderInput;
  readonly #facts: Facts;

  constructor(input: RenderInput, facts: Facts) {
    this.#input = input;
    this.#facts = facts;
  }

  /** Each key from the rule, the context, the actor or the data: the first that has it. */
  keys(names: readonly string[], data?: Members): void {
    for (const name of names) {
      const value = this.#value(name);
      const member = data?.get(name);
      if (value !== undefined) this.#writer.value(name, value);
      else if (member) this.#writer.bytes(name, member);
      else continue;
      this.#written.add(name);
    }
  }

  dataKeys(data: Uint8Array): void {
    const { context } = this.#facts;
    const managed = ['path', 'method', 'matchedRoute'].some((name) => Object.hasOwn(context, name));
    if (!managed) {
      this.keys([...SIGN_IN_FLOW, ...EXTRAS]);
      this.#data(data);
      return;
    }
    // Where the API passes a user along, it stands before what tells of the request.
    const userFirst = this.#input.event.type.startsWith('User.');
    const at = userFirst ? MANAGEMENT_API.indexOf('path') : MANAGEMENT_API.length;
    this.keys(MANAGEMENT_API.slice(0, at));
    if (userFirst) this.#data(data);
    this.keys([...MANAGEMENT_API.slice(at), ...EXTRAS]);
    if (!userFirst) this.#data(data);
  }

  /** The members of the data that no key was filled with; what has no members goes out as `data`. */
  rest(data: Uint8Array): void {
    const members = dataMembers(data);
    if (!members) {
      this.#data(data);
      return;
    }
    for (const [name, value] of members) {
      if (!this.#written.has(name)) this.#writer.bytes(name, value);
    }
  }

  finish(): Uint8Array {
    const { endpoint } = this.#input;
    return this.#writer.value('hookId', hookId(endpoint)).finish();
  }

  #data(data: Uint8Array): void {
    if (!isAbsent(data)) this.#writer.bytes('data', data);
  }

  /** null is a value: it is sent. */
  #value(name: string): unknown {
    const { event } = this.#input;
    const { actor, context } = this.#facts;
    if (name === 'event') return event.type;
    if (name === 'createdAt') return givenTime(context, name) ?? timestamp(event.occurredAt);
    const own = given(context, name);
    if (own !== undefined || !INTERACTION.includes(name)) return own;
    const ofActor = given(actor, name);
    return ofActor === undefined && name === 'userId' ? given(actor, 'id') : ofActor;
  }
}

function timestamp(ms: number): string {
  return formatRfc3339(ms, { fraction: 'ms', utc: 'Z' });
}

function hookId({ id, alias }: WireEndpoint): string {
  return alias ?? foreignShortId('endpoint', id);
}

function headers(input: HeadersInput): Header[] {
  const { body, endpoint, keys } = input;
  const brought = lowerCased(permitted(input.extra, RESERVED));
  const own = [
    ...(has(brought, 'user-agent') ? [] : [{ name: 'user-agent', value: USER_AGENT }]),
    { name: SIGNATURE, value: hmacHex(keys, '', body) },
  ];
  const contentType = { name: 'content-type', value: endpoint.contentType ?? JSON_TYPE };
  return [
    ...sortedByName([...own, ...brought, ...besides(input)]),
    ...(has(brought, 'content-type') ? [] : [contentType]),
    ...(has(brought, 'accept') ? [] : [{ name: 'accept', value: '*/*' }]),
    ...(has(brought, 'accept-language') ? [] : [{ name: 'accept-language', value: '*' }]),
  ];
}

function parse({ headers, body }: ReceivedRequest): ParsedEvent {
  const members = readObject(body);
  const type = readType(members, 'event');
  const occurredAt = readTime(members, 'createdAt');
  const says = {
    type,
    occurredAt,
    id: headerValue(headers, 'webhook-id'),
    endpoint: readText(members, 'hookId'),
  };
  const createdAt = unlessPrinted(readText(members, 'createdAt'), occurredAt, timestamp);
  for (const name of ['event', 'createdAt', 'hookId']) members.delete(name);
  if (kindOf(type) === 'data') {
    const data = members.get('data') ?? NULL;
    members.delete('data');
    const context = take(members, [...members.keys()]);
    return parsed({ ...says, context: defined({ createdAt, ...context }), data });
  }
  if (kindOf(type) === 'exception') {
    const context = take(members, leading(members, SIGN_IN_FLOW));
    return parsed({
      ...says,
      context: defined({ createdAt, ...context }),
      data: objectOf(members),
    });
  }
  // `user` and `application` are what the receiver is told; the rest is how it came about.
  const { userId, ...context } = take(
    members,
    INTERACTION.filter((name) => !TOLD.includes(name)),
  );
  return parsed({
    ...says,
    actor: defined({ id: userId }),
    context: defined({ createdAt, ...context }),
    data: objectOf(members),
  });
}

const TOLD = ['user', 'application'];

/** The names that come before the first other one: what follows belongs to the event itself. */
function leading(members: Members, names: readonly string[]): string[] {
  const all = [...members.keys()];
  const end = all.findIndex((name) => !names.includes(name));
  return end === -1 ? all : all.slice(0, end);
}

/** The values of those keys; they are members no more. */
function take(members: Members, names: readonly string[]): Record<string, unknown> {
  const taken: Record<string, unknown> = {};
  for (const name of names) {
    const value = members.get(name);
    if (value) taken[name] = decodeValue(value);
    members.delete(name);
  }
  return taken;
}

/** An object of what is left, each value with its bytes. */
function objectOf(members: Members): Uint8Array {
  if (members.size === 0) return NULL;
  const parts = [...members].flatMap(([name, value], i) => [
    `${i === 0 ? '{' : ','}${plainQuote(name)}:`,
    value,
  ]);
  return joinBytes([...parts, '}']);
}
