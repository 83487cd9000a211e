import { members, text } from '../schemes/body.ts';

/** What a request from anybody says about its event, before anything of it is believed. */
export interface Recognised {
  /** Whose format it is: a dialect's name, or a service's; undefined = nobody's we know. */
  readonly sender: string | undefined;
  readonly type: string | undefined;
  /** The sender's id: the same again when the same message comes again. */
  readonly id: string | undefined;
}

/**
 * By what is typical of well-known senders, then by what many others do. `rawHeaders` is a flat list of
 * names and values; `json` gives the body's value, undefined if it has none, and is asked at most once.
 */
export function recognise(rawHeaders: readonly string[], json: () => unknown): Recognised {
  const told = new Told();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    told.header((rawHeaders[i] as string).toLowerCase(), rawHeaders[i + 1] as string);
  }
  const body = members(json());
  // Many send the headers of Standard Webhooks beside a body of their own.
  const shared = told.sender === 'standard' ? 'standard' : undefined;
  const sender = (shared ? undefined : told.sender) ?? senderOf(body) ?? shared;
  const read = sender === undefined ? undefined : READ[sender];
  const says = read?.(body, told) ?? {};
  return {
    sender,
    type: short(says.type ?? told.type ?? firstOf(body, TYPE_MEMBERS)),
    id: short(says.id ?? told.id ?? firstOf(body, ID_MEMBERS)),
  };
}

/** What the headers said. A particular one counts more than one that merely looks like it. */
class Told {
  sender: string | undefined;
  type: string | undefined;
  id: string | undefined;
  #likelyId: string | undefined;

  header(name: string, value: string): void {
    const known = HEADERS.get(name);
    if (known !== undefined) {
      const { sender, means } = known;
      if (this.sender === undefined || this.sender === 'standard') this.sender = sender;
      if (means === 'type') this.type = value;
      if (means === 'id') this.id ??= value;
    } else if (name.startsWith('x-')) {
      if (/-(?:event(?:-type|-name)?|topic)$/.test(name)) this.type ??= value;
      else if (/-(?:delivery|(?:delivery|webhook|event|message)-id)$/.test(name)) {
        this.#likelyId ??= value;
      }
    }
    if (this.id === undefined && this.#likelyId !== undefined) this.id = this.#likelyId;
  }
}

interface Known {
  readonly sender?: string;
  readonly means?: 'type' | 'id';
}

const HEADERS: ReadonlyMap<string, Known> = new Map<string, Known>([
  ['webhook-id', { sender: 'standard', means: 'id' }],
  ['svix-id', { sender: 'standard', means: 'id' }],
  ['stripe-signature', { sender: 'stripe' }],
  ['x-github-event', { sender: 'github', means: 'type' }],
  ['x-github-delivery', { sender: 'github', means: 'id' }],
  ['x-gitlab-event', { sender: 'gitlab', means: 'type' }],
  ['x-gitlab-event-uuid', { sender: 'gitlab', means: 'id' }],
  ['x-slack-signature', { sender: 'slack' }],
  ['x-shopify-topic', { sender: 'shopify', means: 'type' }],
  ['x-shopify-webhook-id', { sender: 'shopify', means: 'id' }],
  ['logto-signature-sha-256', { sender: 'logto' }],
  ['x-ferriskey-delivery-id', { sender: 'ferriskey', means: 'id' }],
  ['ce-type', { sender: 'cloudevents', means: 'type' }],
  ['ce-id', { sender: 'cloudevents', means: 'id' }],
  ['idempotency-key', { means: 'id' }],
]);

type Json = Readonly<Record<string, unknown>>;

/** By the members that only one sender's bodies have together. */
function senderOf(body: Json): string | undefined {
  const has = (...names: string[]) => names.every((name) => Object.hasOwn(body, name));
  if (has('specversion', 'type', 'source')) return 'cloudevents';
  if (has('hookId', 'event')) return 'logto';
  if (has('action', 'organization', 'requestUri')) return 'casdoor';
  if (has('event', 'resource_id', 'timestamp')) return 'ferriskey';
  if (text(members(body['webhook'])['trigger']) !== undefined) return 'caisy';
  if (has('type', 'context', 'payload') && Object.hasOwn(members(body['context']), 'communityId')) {
    return 'cand';
  }
  if (has('event', 'user') && typeof body['timestamp'] === 'number') return 'casdoor-docs';
  if (body['object'] === 'event' && has('type', 'data', 'livemode')) return 'stripe';
  if (has('type', 'timestamp', 'data')) return 'standard';
  return undefined;
}

interface Says {
  readonly type?: string | undefined;
  readonly id?: string | undefined;
}

/** Where a sender's bodies say more than the members that many senders use. */
const READ: Readonly<Record<string, (body: Json, told: Says) => Says>> = {
  github: (body, told) => {
    const action = text(body['action']);
    if (told.type === undefined || action === undefined) return {};
    return { type: `${told.type}.${action}` };
  },
  gitlab: (body) => ({ type: text(body['object_kind']) }),
  slack: (body) => ({
    type: text(members(body['event'])['type']) ?? text(body['type']) ?? text(body['command']),
    id: text(body['event_id']),
  }),
  logto: (body) => ({ type: text(body['event']) }),
  casdoor: (body) => ({ type: text(body['action']), id: text(body['name']) }),
  caisy: (body) => ({
    type: text(members(body['webhook'])['trigger']),
    id: text(body['event_id']),
  }),
  cand: (body) => {
    const type = text(body['type']);
    const module = text(body['module']) ?? 'MOIM';
    return type === undefined ? {} : { type: `${module}:${type}` };
  },
};

const TYPE_MEMBERS = [
  'type',
  'event',
  'event_type',
  'eventType',
  'eventName',
  'action',
  'trigger',
  'topic',
];
const ID_MEMBERS = ['id', 'event_id', 'eventId', 'messageId', 'message_id'];

function firstOf(body: Json, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = Object.hasOwn(body, name) ? text(body[name]) : undefined;
    if (value !== undefined) return value;
  }
  return undefined;
}

const CHARS_MAX = 200;

/** Longer text, or text with control characters, is no name and no id. */
function short(value: string | undefined): string | undefined {
  if (value === undefined || value === '' || value.length > CHARS_MAX) return undefined;
  return /\p{Cc}/u.test(value) ? undefined : value;
}
