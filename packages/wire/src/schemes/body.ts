import { utf8 } from '../encoding.ts';
import { WebhookError } from '../webhook-error.ts';
import type { Described, SignedRequest } from './scheme.ts';

/** Fatal: a replacement character would be a value that nobody sent. A leading BOM is dropped. */
const DECODER = new TextDecoder('utf-8', { fatal: true });

/** The JSON value of a verified body; whatever the content type says, as senders get it wrong. */
export function parseJson(raw: Uint8Array): unknown {
  try {
    return JSON.parse(DECODER.decode(raw));
  } catch (error) {
    const what = raw.length === 0 ? 'the body is empty' : 'the body is not JSON in UTF-8';
    throw new WebhookError('invalid_json', what, { cause: error });
  }
}

/** The body as JSON, or as a form where the sender uses one: `payload=<JSON>` or flat fields. */
export function parseBody(request: SignedRequest): unknown {
  const { raw } = request;
  if (!isForm(request)) return parseJson(raw);
  const fields = new URLSearchParams(new TextDecoder().decode(raw));
  const payload = fields.get('payload');
  return payload === null ? Object.fromEntries(fields) : parseJson(utf8(payload));
}

/** Whether it came as a form. Some senders say form and send JSON: what begins as JSON is JSON. */
export function isForm({ raw, headers }: SignedRequest): boolean {
  const form = headers.get('content-type')?.includes('application/x-www-form-urlencoded') === true;
  return form && !startsJson(raw);
}

const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;

function startsJson(raw: Uint8Array): boolean {
  return raw[0] === OPEN_OBJECT || raw[0] === OPEN_ARRAY;
}

export type Json = Readonly<Record<string, unknown>>;

/** The members of a JSON object; of anything else none. */
export function members(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Json)
    : {};
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A time as text, or as a number of seconds or milliseconds since 1970. */
export function time(value: unknown): Date | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const date = typeof value === 'number' && value < 1e11 ? new Date(value * 1000) : new Date(value);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

const NOTHING: Described = {
  type: undefined,
  id: undefined,
  at: undefined,
  attempt: undefined,
  subject: undefined,
  actor: undefined,
  context: undefined,
  payload: undefined,
};

export function described(known: Partial<Described>): Described {
  return { ...NOTHING, ...known };
}
