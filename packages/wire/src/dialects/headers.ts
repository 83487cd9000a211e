import type { Header } from '../header.ts';
import type { HeadersInput, WireEndpoint } from '../message.ts';
import { SignatureError, sign } from '../signature.ts';
import { VERSION } from '../version.ts';

const USER_AGENT = `Posthorn/${VERSION} (+https://github.com/posthorn/posthorn)`;
export const JSON_TYPE = 'application/json';

/** Of the formats whose system has no user agent that is known, or that are ours. */
export function ownHeaders({ contentType }: WireEndpoint): Header[] {
  return [
    { name: 'Content-Type', value: contentType ?? JSON_TYPE },
    { name: 'User-Agent', value: USER_AGENT },
  ];
}

/** The three of Standard Webhooks, signed with every key: during a rotation either verifies. */
export function standardHeaders(input: HeadersInput): Header[] {
  const { body, webhookId, timestampS, keys } = input;
  if (keys.length === 0) throw new SignatureError('the endpoint has no key to sign with');
  const content = { id: webhookId, timestampS, body };
  return [
    { name: 'webhook-id', value: webhookId },
    { name: 'webhook-timestamp', value: String(timestampS) },
    { name: 'webhook-signature', value: keys.map((key) => sign(key, content)).join(' ') },
  ];
}

/** The same, for endpoints of other formats that asked for them. */
export function besides(input: HeadersInput): Header[] {
  return input.endpoint.standardHeaders ? standardHeaders(input) : [];
}

/** What endpoint and event bring along, without what only the dialect sets. */
export function permitted(extra: readonly Header[], reserved: readonly string[]): Header[] {
  return extra.filter(({ name }) => !reserved.includes(name.toLowerCase()));
}

export function lowerCased(headers: readonly Header[]): Header[] {
  return headers.map(({ name, value }) => ({ name: name.toLowerCase(), value }));
}

/** By name, in the order of bytes; names that repeat keep their order. */
export function sortedByName(headers: readonly Header[]): Header[] {
  return [...headers].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

export function has(headers: readonly Header[], name: string): boolean {
  return headers.some((header) => header.name.toLowerCase() === name);
}
