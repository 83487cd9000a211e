import { type Header, mergeHeaders } from '../header.ts';
import type { Dialect, HeadersInput } from '../message.ts';
import { ownHeaders, standardHeaders } from './headers.ts';
import { envelope, parseEnvelope } from './payload.ts';

/**
 * Standard Webhooks 1.0.0: `{"type":…,"timestamp":…,"data":…}`, signed in `webhook-signature`.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export const standard: Dialect = {
  name: 'standard',
  body: envelope,
  headers,
  parse: parseEnvelope,
  traits: {
    lowerCase: false,
    contentType: true,
    actor: () => true,
    reserved: () => [],
    secret: () => 'key',
  },
};

function headers(input: HeadersInput): Header[] {
  const own = ownHeaders(input.endpoint);
  own.push(...standardHeaders(input));
  return mergeHeaders(own, input.extra);
}
