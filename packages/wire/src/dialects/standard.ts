import { isEventType } from '../event.ts';
import { type Header, headerValue, mergeHeaders } from '../header.ts';
import type {
  Dialect,
  HeadersInput,
  ParsedEvent,
  ReceivedRequest,
  RenderInput,
} from '../message.ts';
import { SignatureError, sign } from '../signature.ts';
import { VERSION } from '../version.ts';
import { NULL, readObject, readRecord, readTime, readType } from './reading.ts';

/**
 * Standard Webhooks 1.0.0: `{"type":…,"timestamp":…,"data":…}`, signed in `webhook-signature`.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export const standard: Dialect = { name: 'standard', body, headers, parse };

const USER_AGENT = `Posthorn/${VERSION} (+https://github.com/posthorn/posthorn)`;

const ENCODER = new TextEncoder();
const CLOSE = 0x7d;

function body({ event }: RenderInput): Uint8Array {
  // The grammar of types is ASCII that JSON needs no escape for: one character is one byte below.
  if (!isEventType(event.type)) throw new Error('must hold: the event has a valid type');
  const time = new Date(event.occurredAt).toISOString();
  const head = `{"type":"${event.type}","timestamp":"${time}","data":`;
  const data = event.data.length === 0 ? NULL : event.data;
  const bytes = new Uint8Array(head.length + data.length + 1);
  ENCODER.encodeInto(head, bytes);
  bytes.set(data, head.length);
  bytes[bytes.length - 1] = CLOSE;
  return bytes;
}

function headers(input: HeadersInput): Header[] {
  const { body, webhookId, timestampS, keys, extra } = input;
  if (keys.length === 0) throw new SignatureError('a standard message needs a key to sign with');
  const content = { id: webhookId, timestampS, body };
  const own = [
    { name: 'Content-Type', value: 'application/json' },
    { name: 'User-Agent', value: USER_AGENT },
    { name: 'webhook-id', value: webhookId },
    { name: 'webhook-timestamp', value: String(timestampS) },
    { name: 'webhook-signature', value: keys.map((key) => sign(key, content)).join(' ') },
  ];
  return mergeHeaders(own, extra);
}

function parse({ headers, body }: ReceivedRequest): ParsedEvent {
  const members = readObject(body);
  return {
    type: readType(members, 'type'),
    occurredAt: readTime(members, 'timestamp'),
    id: headerValue(headers, 'webhook-id'),
    tenant: undefined,
    endpoint: undefined,
    subject: undefined,
    actor: readRecord(members, 'actor'),
    context: undefined,
    data: members.get('data') ?? NULL,
  };
}
