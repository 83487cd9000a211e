import type { Header } from './header.ts';
import { headerProblem } from './header.ts';
import type { Scan } from './json-scan.ts';
import {
  decodeString,
  decodeValue,
  ScanError,
  scanElements,
  scanMembers,
  scanValue,
  skipSpace,
  startScan,
  unexpected,
} from './json-scan.ts';
import { parseRfc3339 } from './rfc3339.ts';
import type { TraceContext } from './trace.ts';

/**
 * What a producer posts: one event object or an array of them. Only the envelope is read; `data`
 * keeps the producer's bytes (20-digit integers, 1.0, key order, spacing), for it is never parsed
 * and printed.
 */

/** One event as posted. Absent fields are undefined. */
export interface EventDraft {
  readonly type: string;
  /** The producer's own id: the same again is the same event. */
  readonly id: string | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly occurredAt: number | undefined;
  readonly subject: string | undefined;
  readonly actor: Readonly<Record<string, unknown>> | undefined;
  readonly context: Readonly<Record<string, unknown>> | undefined;
  readonly headers: readonly Header[] | undefined;
  readonly orderingKey: string | undefined;
  readonly channels: readonly string[] | undefined;
  /** Not in the body: the request said it. */
  readonly trace?: TraceContext | undefined;
  /** JSON exactly as posted, a view into the body; `null` when it was left out. */
  readonly data: Uint8Array;
  /** The whole event object exactly as posted, a view into the body. */
  readonly raw: Uint8Array;
}

export interface EnvelopeLimits {
  /** Bytes of one event object; 1 MiB unless told. */
  readonly eventBytesMax?: number | undefined;
  /** Events of one array; 500 unless told. */
  readonly eventsMax?: number | undefined;
  /** Nesting of one field's value, `data` for one; 64 unless told. `[]` is one level. */
  readonly depthMax?: number | undefined;
}

/** Where in the body it went wrong. */
export interface EnvelopePlace {
  /** Which event of an array; undefined = the body is no array, or the array itself is wrong. */
  readonly index: number | undefined;
  /** Which field of the envelope. */
  readonly field: string | undefined;
  /** Bytes from the start of the body. */
  readonly offset: number | undefined;
}

/** A body that cannot be taken. The message says where, what is wrong and what to send instead. */
export class EnvelopeError extends Error implements EnvelopePlace {
  readonly code: 'invalid_json' | 'invalid_request' | 'payload_too_large';
  readonly index: number | undefined;
  readonly field: string | undefined;
  readonly offset: number | undefined;

  constructor(code: EnvelopeError['code'], message: string, place: EnvelopePlace) {
    super(message);
    this.name = 'EnvelopeError';
    this.code = code;
    this.index = place.index;
    this.field = place.field;
    this.offset = place.offset;
  }
}

const FIELDS = [
  'type',
  'data',
  'id',
  'occurredAt',
  'subject',
  'actor',
  'context',
  'headers',
  'orderingKey',
  'channels',
] as const;

const TYPE = 0;
const DATA = 1;
const ID = 2;
const OCCURRED_AT = 3;
const SUBJECT = 4;
const ACTOR = 5;
const CONTEXT = 6;
const HEADERS = 7;
const ORDERING_KEY = 8;
const CHANNELS = 9;

/** With their quotes, as nearly everybody writes them. */
const FIELD_BYTES = FIELDS.map((name) => new TextEncoder().encode(`"${name}"`));
const FIELD_NUMBERS: ReadonlyMap<string, number> = new Map(FIELDS.map((name, i) => [name, i]));

const QUOTE = 0x22;
const OPEN_ARRAY = 0x5b;
const OPEN_OBJECT = 0x7b;

const EVENT_TYPE = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/;
const EVENT_ID = /^[\x21-\x7e]{1,128}$/;
/** Text that UTF-8 or a database cannot hold: half a surrogate pair, U+0000. */
const UNSTORABLE = /[\p{Surrogate}\0]/u;
/**
 * An escaped character takes six bytes (`\u0041`): nothing longer can become a text of that size.
 */
const ESCAPED_BYTES = 6;
/** The longest way to write the longest field name, with its quotes. */
const NAME_BYTES_MAX = 2 + 'orderingKey'.length * ESCAPED_BYTES;

const HEADERS_MAX = 32;
const CHANNELS_MAX = 16;
const CHANNEL_CHARS_MAX = 128;
const TEXT_CHARS_MAX = 256;

/**
 * The state of one parse. `starts` and `ends` are the spans of the current event's fields; 0 =
 * absent.
 */
interface Reading {
  readonly scan: Scan;
  readonly bytes: Uint8Array;
  readonly eventBytesMax: number;
  readonly starts: number[];
  readonly ends: number[];
  index: number | undefined;
  field: string | undefined;
}

/** true = a valid name of an event type, such as `user.created` or `mfa/setup/verify`. */
export function isEventType(text: string): boolean {
  return EVENT_TYPE.test(text);
}

/**
 * Reads the body of a request that posts events. Strict: the whole of RFC 8259 and UTF-8 is
 * checked, no byte order mark, no unknown or repeated envelope field. Throws `EnvelopeError`,
 * nothing else.
 *
 * @example parseEvents(new TextEncoder().encode('{"type":"user.created","data":{"n":1.0}}'))
 */
export function parseEvents(
  body: Uint8Array,
  limits: EnvelopeLimits = {},
): { events: EventDraft[]; array: boolean } {
  const reading: Reading = {
    scan: startScan(body, limits.depthMax ?? 64),
    bytes: body,
    eventBytesMax: limits.eventBytesMax ?? 1_048_576,
    starts: FIELDS.map(() => 0),
    ends: FIELDS.map(() => 0),
    index: undefined,
    field: undefined,
  };
  try {
    return readBody(reading, limits.eventsMax ?? 500);
  } catch (error) {
    if (error instanceof ScanError) throw failure(reading, error);
    throw error;
  }
}

function readBody(reading: Reading, eventsMax: number): { events: EventDraft[]; array: boolean } {
  const { bytes, scan } = reading;
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    const message = 'the body starts with a byte order mark: send UTF-8 without it';
    throw new ScanError('invalid_json', 0, message);
  }
  const start = skipSpace(bytes, 0);
  if (start === bytes.length) {
    const message = 'the body is empty: post one event object or an array of them';
    throw new ScanError('invalid_json', 0, message);
  }
  const events: EventDraft[] = [];
  const array = bytes[start] === OPEN_ARRAY;
  let end: number;
  if (array) {
    end = scanElements(scan, start, (at, index) => {
      if (index === eventsMax) {
        const message = `more than ${eventsMax} events in one request: split the array`;
        throw new ScanError('invalid_request', at, message);
      }
      reading.index = index;
      const eventEnd = scanEvent(reading, at);
      events.push(readEvent(reading, at, eventEnd));
      reading.index = undefined;
      return eventEnd;
    });
  } else {
    end = scanEvent(reading, start);
    events.push(readEvent(reading, start, end));
  }
  const rest = skipSpace(bytes, end);
  if (rest !== bytes.length) throw unexpected(bytes, rest, 'nothing more after the JSON value');
  if (events.length === 0) {
    const message = 'the array is empty: post at least one event';
    throw new ScanError('invalid_request', start, message);
  }
  return { events, array };
}

/** Checks the grammar of the event at `start` and notes where its fields stand; returns its end. */
function scanEvent(reading: Reading, start: number): number {
  const { bytes, scan, starts, ends } = reading;
  if (bytes[start] !== OPEN_OBJECT) {
    // Broken JSON is told as such before the wrong kind of value is.
    scanValue(scan, start);
    throw new ScanError('invalid_request', start, 'an event must be a JSON object with a "type"');
  }
  starts.fill(0);
  const end = scanMembers(scan, start, (nameStart, nameEnd, valueStart) => {
    const field = readFieldName(reading, nameStart, nameEnd);
    reading.field = FIELDS[field];
    if (starts[field] !== 0) {
      throw new ScanError('invalid_request', nameStart, 'is given twice: keep one of them');
    }
    const valueEnd = scanValue(scan, valueStart);
    starts[field] = valueStart;
    ends[field] = valueEnd;
    reading.field = undefined;
    return valueEnd;
  });
  if (end - start > reading.eventBytesMax) throw tooLarge(reading, start, end - start);
  return end;
}

function readFieldName(reading: Reading, start: number, end: number): number {
  const { bytes } = reading;
  for (let field = 0; field < FIELD_BYTES.length; field += 1) {
    const plain = FIELD_BYTES[field];
    if (plain?.length === end - start && standsAt(bytes, start, plain)) return field;
  }
  // Not written plainly: unknown, or known but escaped (`"ty\u0070e"`).
  if (end - start <= NAME_BYTES_MAX) {
    const name = decodeString(bytes, start, end);
    const field = FIELD_NUMBERS.get(name);
    if (field !== undefined) return field;
    reading.field = name;
  } else {
    // Cut, perhaps inside a character: this only has to be recognised by who wrote it.
    const shown = new TextDecoder().decode(bytes.subarray(start + 1, start + NAME_BYTES_MAX));
    reading.field = `${shown}…`;
  }
  const message = `is not a field of an event: use ${FIELDS.join(', ')}; your own go into data`;
  throw new ScanError('invalid_request', start, message);
}

function standsAt(bytes: Uint8Array, at: number, text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i += 1) if (bytes[at + i] !== text[i]) return false;
  return true;
}

function readEvent(reading: Reading, start: number, end: number): EventDraft {
  const { bytes, starts, ends } = reading;
  if (starts[TYPE] === 0) {
    reading.field = 'type';
    const message = 'is missing: every event needs one, such as "user.created"';
    throw new ScanError('invalid_request', start, message);
  }
  const dataStart = starts[DATA] ?? 0;
  return {
    type: readType(reading),
    id: readId(reading),
    occurredAt: readOccurredAt(reading),
    subject: readText(reading, SUBJECT, TEXT_CHARS_MAX),
    actor: readObject(reading, ACTOR),
    context: readObject(reading, CONTEXT),
    headers: readHeaders(reading),
    orderingKey: readText(reading, ORDERING_KEY, TEXT_CHARS_MAX),
    channels: readChannels(reading),
    data: dataStart === 0 ? nullBytes() : bytes.subarray(dataStart, ends[DATA]),
    raw: bytes.subarray(start, end),
  };
}

function readType(reading: Reading): string {
  const text = readString(reading, TYPE, 128) ?? '';
  if (EVENT_TYPE.test(text)) return text;
  const rule = 'a letter or digit, then up to 127 letters, digits or . _ : / -';
  throw refuse(reading, TYPE, `must be ${rule}, such as "user.created"`);
}

function readId(reading: Reading): string | undefined {
  const text = readString(reading, ID, 128);
  if (text === undefined || EVENT_ID.test(text)) return text;
  throw refuse(reading, ID, 'must be 1 to 128 printable ASCII characters without spaces');
}

function readOccurredAt(reading: Reading): number | undefined {
  const text = readString(reading, OCCURRED_AT, 64);
  if (text === undefined) return undefined;
  const ms = parseRfc3339(text);
  if (ms !== undefined) return ms;
  const example = '"2026-03-17T14:30:00.123Z"';
  throw refuse(reading, OCCURRED_AT, `must be an RFC 3339 time with an offset, such as ${example}`);
}

/** A string field whose grammar the caller checks. */
function readString(reading: Reading, field: number, charsMax: number): string | undefined {
  const start = reading.starts[field] ?? 0;
  if (start === 0) return undefined;
  return stringAt(reading, { field, start, end: reading.ends[field] ?? 0, charsMax });
}

/** A string field with any text in it. */
function readText(reading: Reading, field: number, charsMax: number): string | undefined {
  const start = reading.starts[field] ?? 0;
  if (start === 0) return undefined;
  return textAt(reading, { field, start, end: reading.ends[field] ?? 0, charsMax });
}

interface StringSpan {
  readonly field: number;
  readonly start: number;
  readonly end: number;
  readonly charsMax: number;
}

function stringAt(reading: Reading, span: StringSpan): string {
  const { bytes } = reading;
  const { field, start, end, charsMax } = span;
  if (bytes[start] !== QUOTE) {
    const what = field === CHANNELS ? 'must hold strings only' : 'must be a string';
    throw refuseAt(reading, span, `${what}; leave the field out if there is none`);
  }
  const tooLong = end - start > charsMax * ESCAPED_BYTES + 2;
  const text = tooLong ? '' : decodeString(bytes, start, end);
  if (tooLong || text.length > charsMax) {
    throw refuseAt(reading, span, `must be at most ${charsMax} characters long`);
  }
  return text;
}

function textAt(reading: Reading, span: StringSpan): string {
  const text = stringAt(reading, span);
  if (!UNSTORABLE.test(text)) return text;
  const message = 'holds U+0000 or half of a surrogate pair: remove it';
  throw refuseAt(reading, span, message);
}

function readObject(reading: Reading, field: number): Record<string, unknown> | undefined {
  const start = reading.starts[field] ?? 0;
  if (start === 0) return undefined;
  if (reading.bytes[start] !== OPEN_OBJECT) {
    throw refuse(reading, field, 'must be an object; leave the field out if there is none');
  }
  // JSON.parse makes "__proto__" an own property: no prototype changes.
  return decodeValue(reading.bytes.subarray(start, reading.ends[field])) as Record<string, unknown>;
}

function readChannels(reading: Reading): string[] | undefined {
  const start = reading.starts[CHANNELS] ?? 0;
  if (start === 0) return undefined;
  const message = `must be an array of at most ${CHANNELS_MAX} strings`;
  if (reading.bytes[start] !== OPEN_ARRAY) throw refuse(reading, CHANNELS, message);
  const channels: string[] = [];
  scanElements(reading.scan, start, (at, index) => {
    if (index === CHANNELS_MAX) throw refuse(reading, CHANNELS, message);
    const end = scanValue(reading.scan, at);
    const span = { field: CHANNELS, start: at, end, charsMax: CHANNEL_CHARS_MAX };
    channels.push(textAt(reading, span));
    return end;
  });
  return channels;
}

/** Headers come as `[{"name":…,"value":…}]` or as `{"name":"value"}`; order and case are kept. */
function readHeaders(reading: Reading): Header[] | undefined {
  const start = reading.starts[HEADERS] ?? 0;
  if (start === 0) return undefined;
  const headers: Header[] = [];
  const add = (name: string, value: string, at: number): void => {
    if (headers.length === HEADERS_MAX) {
      throw refuseHeaders(reading, at, `must be at most ${HEADERS_MAX}`);
    }
    const problem = headerProblem(name, value);
    if (problem !== undefined) throw refuseHeaders(reading, at, `cannot be sent: ${problem}`);
    headers.push({ name, value });
  };
  if (reading.bytes[start] !== OPEN_ARRAY) {
    for (const [name, value] of readStrings(reading, start).members) add(name, value, start);
    return headers;
  }
  scanElements(reading.scan, start, (at) => {
    const { members, end } = readStrings(reading, at);
    const name = members.get('name');
    const value = members.get('value');
    if (name === undefined || value === undefined || members.size !== 2) {
      throw refuseHeaders(reading, at, 'must be objects with exactly "name" and "value"');
    }
    add(name, value, at);
    return end;
  });
  return headers;
}

/**
 * The members of an object of strings. A repeated name is refused, where JSON.parse would drop
 * one.
 */
function readStrings(
  reading: Reading,
  start: number,
): { members: Map<string, string>; end: number } {
  const { bytes, scan } = reading;
  if (bytes[start] !== OPEN_OBJECT) {
    throw refuseHeaders(reading, start, 'must be an array of {name, value} or an object');
  }
  const members = new Map<string, string>();
  const end = scanMembers(scan, start, (nameStart, nameEnd, valueStart) => {
    if (members.size === HEADERS_MAX) {
      throw refuseHeaders(reading, nameStart, `must be at most ${HEADERS_MAX}`);
    }
    const name = decodeString(bytes, nameStart, nameEnd);
    if (members.has(name)) {
      throw refuseHeaders(reading, nameStart, 'repeats a name: use an array of {name, value}');
    }
    if (bytes[valueStart] !== QUOTE) {
      throw refuseHeaders(reading, valueStart, 'must have strings as names and values');
    }
    const valueEnd = scanValue(scan, valueStart);
    members.set(name, decodeString(bytes, valueStart, valueEnd));
    return valueEnd;
  });
  return { members, end };
}

function refuseHeaders(reading: Reading, start: number, message: string): ScanError {
  return refuseAt(reading, { field: HEADERS, start }, message);
}

/** Refuses a whole field. */
function refuse(reading: Reading, field: number, message: string): ScanError {
  return refuseAt(reading, { field, start: reading.starts[field] ?? 0 }, message);
}

/** Refuses a part of a field, `start` bytes into the body. */
function refuseAt(
  reading: Reading,
  place: { readonly field: number; readonly start: number },
  message: string,
): ScanError {
  reading.field = FIELDS[place.field];
  return new ScanError('invalid_request', place.start, message);
}

/** Puts the place in front of what the scan said: `event 3: type is missing: …`. */
function failure(reading: Reading, error: ScanError): EnvelopeError {
  const { index, field } = reading;
  const event = index === undefined ? '' : `event ${index}: `;
  const known = field === undefined || FIELD_NUMBERS.has(field) ? field : JSON.stringify(field);
  const subject =
    known === undefined ? '' : `${known}${error.code === 'invalid_json' ? ': ' : ' '}`;
  const place = { index, field, offset: error.offset };
  return new EnvelopeError(error.code, `${event}${subject}${error.message}`, place);
}

function tooLarge(reading: Reading, start: number, bytes: number): EnvelopeError {
  const { index, eventBytesMax } = reading;
  const event = index === undefined ? 'the event' : `event ${index}`;
  const message = `${event} has ${bytes} bytes, more than ${eventBytesMax}: send a link to the data`;
  return new EnvelopeError('payload_too_large', message, {
    index,
    field: undefined,
    offset: start,
  });
}

/** Bytes of its own each time: a shared array could be changed or transferred by who gets it. */
function nullBytes(): Uint8Array {
  return Uint8Array.of(0x6e, 0x75, 0x6c, 0x6c);
}
