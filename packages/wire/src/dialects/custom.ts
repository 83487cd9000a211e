import { ed25519SignSync, hmacSync } from '#crypto';

import { type CustomFormat, type CustomSignature, signedParts } from '../custom-format.ts';
import { concat, encode, utf8 } from '../encoding.ts';
import { type Header, headerValue, mergeHeaders } from '../header.ts';
import {
  type Dialect,
  DialectError,
  type HeadersInput,
  type ParsedEvent,
  type ReceivedRequest,
  type RenderInput,
} from '../message.ts';
import { formatRfc3339 } from '../rfc3339.ts';
import { SignatureError } from '../signature.ts';
import { besides, ownHeaders, permitted } from './headers.ts';
import { bare, envelope, parseBare, parseEnvelope } from './payload.ts';
import { checkType } from './reading.ts';

/** A contract that exists already, put together by the endpoint's owner (`CustomFormat`). */
export const custom: Dialect = {
  name: 'custom',
  body: (input) => (formatOf(input).body === 'envelope' ? envelope(input) : bare(input)),
  headers,
  parse,
  traits: {
    lowerCase: false,
    contentType: true,
    actor: (format) => format?.body === 'envelope',
    reserved: (format) => (format === null ? [] : namesOf(format)),
    secret: (format) => (format?.signature?.algorithm === 'ed25519' ? 'ed25519' : 'text'),
  },
};

function formatOf({ endpoint }: RenderInput): CustomFormat {
  if (endpoint.custom) return endpoint.custom;
  throw new DialectError('not_renderable', 'the endpoint has no custom format: set `custom`');
}

function namesOf({ idHeader, typeHeader, timestampHeader, signature }: CustomFormat): string[] {
  const names = [idHeader, typeHeader, timestampHeader, signature?.header ?? null];
  return names.flatMap((name) => (name === null ? [] : [name.toLowerCase()]));
}

function headers(input: HeadersInput): Header[] {
  const format = formatOf(input);
  const { idHeader, typeHeader, timestampHeader, signature } = format;
  const own = ownHeaders(input.endpoint);
  const timestamp = timestampText(format, input.timestampS);
  const add = (name: string | null, value: () => string) => {
    if (name !== null) own.push({ name, value: value() });
  };
  add(idHeader, () => input.webhookId);
  add(typeHeader, () => input.event.type);
  add(timestampHeader, () => timestamp);
  if (signature) add(signature.header, () => signed(signature, input, timestamp));
  own.push(...besides(input));
  return mergeHeaders(own, permitted(input.extra, namesOf(format)));
}

/** Of the attempt, which is known to the second. */
function timestampText({ timestampFormat }: CustomFormat, timestampS: number): string {
  if (timestampFormat === 'seconds') return String(timestampS);
  const ms = timestampS * 1000;
  return timestampFormat === 'milliseconds'
    ? String(ms)
    : formatRfc3339(ms, { fraction: 'none', utc: 'Z' });
}

/** With the current key: there is one signature, so a rotation has no overlap. */
function signed(signature: CustomSignature, input: HeadersInput, timestamp: string): string {
  const values = { id: input.webhookId, timestamp, type: input.event.type };
  const { prefix, before, after } = signedParts(signature, values);
  const body = after === '' ? input.body : concat([input.body, utf8(after)]);
  const { algorithm, encoding } = signature;
  const [key] = input.keys;
  if (algorithm === 'ed25519') {
    if (key?.kind !== 'ed25519')
      throw new SignatureError('ed25519 needs a whsk_ secret: rotate it');
    return prefix + encode(ed25519SignSync(key.privateKey, concat([utf8(before), body])), encoding);
  }
  if (key?.kind !== 'hmac') throw new SignatureError('the endpoint has no HMAC key: rotate it');
  const hash = ({ 'hmac-sha1': 'sha1', 'hmac-sha256': 'sha256', 'hmac-sha512': 'sha512' } as const)[
    algorithm
  ];
  return prefix + hmacSync(key.secret, { hash, prefix: before, body, encoding });
}

function parse(request: ReceivedRequest): ParsedEvent {
  const { custom: format, headers } = request;
  if (!format) {
    throw new DialectError('invalid_body', 'reading a custom format needs its description');
  }
  const says = format.body === 'envelope' ? parseEnvelope(request) : parseBare(request);
  const { idHeader, typeHeader } = format;
  const id = idHeader === null ? undefined : headerValue(headers, idHeader.toLowerCase());
  const type = typeHeader === null ? undefined : headerValue(headers, typeHeader.toLowerCase());
  return {
    ...says,
    id: id ?? says.id,
    type: says.type ?? (type === undefined ? undefined : checkType(type, 'type')),
  };
}
