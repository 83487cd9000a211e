import { randomBytes } from 'node:crypto';
import { formatInput } from '@posthorn/api';
import {
  type CustomFormat,
  customFormatProblem,
  DialectError,
  type DialectName,
  dialects,
  type Header,
  headerProblem,
  importSecret,
  isEventType,
  makeSecret,
  SignatureError,
  type SigningKey,
  standardSecret,
  type WireEndpoint,
  type WireEvent,
} from '@posthorn/wire';
import { presets } from '@posthorn/wire/catalogue';
import { messageOf, quote } from '../config-values.ts';
import { readGiven } from './input.ts';
import { EXIT, type ExitCode, type Output } from './output.ts';
import { type Answer, exchange } from './request/exchange.ts';
import { type HttpMessage, parseHeader, printMessage } from './request/http-message.ts';

export interface TriggerInput {
  readonly type: string;
  /** JSON text, `@file`, `-` for stdin; undefined = an example. */
  readonly data: string | undefined;
  /** undefined = the request is printed. */
  readonly to: string | undefined;
  readonly print: boolean;
  readonly dialect: DialectName;
  /** undefined = one is made. */
  readonly secret: string | undefined;
  readonly subject: string | undefined;
  /** JSON objects. */
  readonly actor: string | undefined;
  readonly context: string | undefined;
  readonly id: string | undefined;
  readonly tenant: string;
  readonly method: string;
  /** `Name: value` each. */
  readonly headers: readonly string[];
  readonly standardHeaders: boolean;
  /** JSON of a custom format, or `@file`. */
  readonly custom: string | undefined;
  readonly now: Date;
}

/** What was asked for makes no request; the message says why. */
class Unusable extends Error {}

const NOWHERE = 'http://receiver.example/hooks';
const SHOWN_CHARS = 2000;

/**
 * Makes the request that an endpoint would get for an event, signs it, and sends or prints it. Needs no
 * server. 1 = no answer, or none of 2xx; 2 = there is no such request.
 */
export async function trigger(input: TriggerInput, output: Output): Promise<ExitCode> {
  const url = input.to ?? NOWHERE;
  let made: Made;
  try {
    made = await compose(input, url);
  } catch (error) {
    if (!(error instanceof Unusable || error instanceof DialectError)) throw error;
    output.note(error.message);
    return EXIT.usage;
  }
  if (made.madeSecret !== undefined) {
    output.note(`Signed with a new secret, ${made.madeSecret}: give yours with --secret.`);
  }
  if (input.to === undefined || input.print) {
    output.bytes(described(input, url, made), printMessage(made.message));
    return EXIT.ok;
  }
  try {
    const answer = await exchange(url, made.message);
    output.data({ ...described(input, url, made), response: answerToJson(answer) }, text(answer));
    return answer.status >= 200 && answer.status < 300 ? EXIT.ok : EXIT.failed;
  } catch (error) {
    output.note(`No answer from ${url}: ${messageOf(error)}`);
    return EXIT.failed;
  }
}

interface Made {
  readonly message: HttpMessage;
  /** With which it is signed, if nobody gave one. */
  readonly madeSecret: string | undefined;
}

async function compose(input: TriggerInput, url: string): Promise<Made> {
  const { method, tenant, now } = input;
  const dialect = dialects[input.dialect];
  if (!isEventType(input.type)) throw new Unusable(`${quote(input.type)} is not an event type.`);
  const target = targetOf(url);
  const custom = await customOf(input);
  const event = await eventOf(input);
  const endpoint: WireEndpoint = {
    ...{ id: 'ep_trigger', alias: null, contentType: null, fields: [], actorFields: [] },
    ...{ custom, standardHeaders: input.standardHeaders },
  };
  const from = { event, endpoint, tenant: { id: tenant, alias: null, parent: null } };
  const kind = dialect.traits.secret(custom);
  const secret = input.secret ?? makeSecret(kind);
  const key = keyOf(() => importSecret(kind, secret));
  if (input.standardHeaders) keyOf(() => importSecret('key', standardSecret(kind, secret)));
  const body = dialect.body(from);
  const extra = input.headers.map((header) => headerOf(header, dialect.traits.reserved(custom)));
  const timestampS = Math.floor(now.getTime() / 1000);
  const headersWith = (one: SigningKey) =>
    dialect.headers({ ...from, body, webhookId: event.id, timestampS, keys: [one], extra });
  const headers = headersWith(key);
  // Another key changes them only where there is a signature.
  const other = JSON.stringify(headersWith(importSecret(kind, makeSecret(kind))));
  const signed = JSON.stringify(headers) !== other;
  const [host, length] = dialect.traits.lowerCase
    ? ['host', 'content-length']
    : ['Host', 'Content-Length'];
  const message: HttpMessage = {
    method,
    target: target.pathname + target.search,
    headers: [
      { name: host, value: target.host },
      ...headers,
      { name: length, value: String(body.length) },
    ],
    body: Buffer.from(body),
  };
  return { message, madeSecret: signed && input.secret === undefined ? secret : undefined };
}

function targetOf(url: string): URL {
  const target = URL.canParse(url) ? new URL(url) : undefined;
  if (target?.protocol === 'http:' || target?.protocol === 'https:') return target;
  throw new Unusable(`--to: ${quote(url)} is not an http or https URL.`);
}

async function eventOf(input: TriggerInput): Promise<WireEvent> {
  const { type, tenant, now } = input;
  const example = exampleOf(type, input.dialect);
  const given = input.data === undefined ? undefined : await readUsable(input.data, 'data');
  if (given !== undefined) json(given, 'data');
  const data = given ?? Buffer.from(JSON.stringify(example?.data ?? {}));
  const actor = input.actor === undefined ? example?.actor : object(input.actor, '--actor');
  const context =
    input.context === undefined ? example?.context : object(input.context, '--context');
  const meta = JSON.stringify({ subject: input.subject ?? example?.subject, actor, context });
  return {
    id: idOf(input.id),
    type,
    tenant,
    occurredAt: now.getTime(),
    meta: meta === '{}' ? '' : meta,
    data,
  };
}

/** Of the dialect's own system, else of whichever knows the type. */
function exampleOf(type: string, dialect: DialectName) {
  const own = Object.values(presets).filter(({ name }) => dialect.startsWith(name));
  for (const preset of [...own, ...Object.values(presets)]) {
    const event = preset.eventTypes.find(({ name }) => name === type);
    if (event) return event.example;
  }
  return undefined;
}

function idOf(given: string | undefined): string {
  if (given === undefined) return `evt_${randomBytes(16).toString('hex')}`;
  if (/^[A-Za-z0-9_-]{1,64}$/.test(given)) return given;
  throw new Unusable('--id: it has 1 to 64 of A-Z, a-z, 0-9, _ and -.');
}

async function customOf({ dialect, custom }: TriggerInput): Promise<CustomFormat | null> {
  if (dialect !== 'custom') {
    if (custom === undefined) return null;
    throw new Unusable('--custom: only with --dialect custom.');
  }
  if (custom === undefined) throw new Unusable('--dialect custom needs its format: --custom.');
  const parsed = formatInput.custom.safeParse(json(await readUsable(custom, 'format'), '--custom'));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Unusable(`--custom: ${issue?.path.join('.')}: ${issue?.message}.`);
  }
  const problem = parsed.data && customFormatProblem(parsed.data);
  if (problem) throw new Unusable(`--custom: ${problem.field}: ${problem.problem}.`);
  return parsed.data;
}

function headerOf(text: string, reserved: readonly string[]): Header {
  const header = parseHeader(text);
  if (!header) throw new Unusable(`--header: ${quote(text)} is not "Name: value".`);
  const problem = headerProblem(header.name, header.value);
  if (problem !== undefined) throw new Unusable(`--header: ${problem}.`);
  if (!reserved.includes(header.name.toLowerCase())) return header;
  throw new Unusable(`--header: ${header.name} is what the format itself sends.`);
}

function keyOf(make: () => SigningKey): SigningKey {
  try {
    return make();
  } catch (error) {
    if (error instanceof SignatureError) throw new Unusable(`--secret: ${error.message}.`);
    throw error;
  }
}

async function readUsable(given: string, what: string): Promise<Buffer> {
  try {
    return await readGiven(given);
  } catch (error) {
    throw new Unusable(`The ${what} cannot be read: ${messageOf(error)}.`);
  }
}

function json(bytes: Buffer, what: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new Unusable(`${what}: ${messageOf(error)}.`);
  }
}

function object(text: string, what: string): Record<string, unknown> {
  const value = json(Buffer.from(text), what);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new Unusable(`${what}: it must be a JSON object.`);
}

function described({ type, dialect }: TriggerInput, url: string, { message, madeSecret }: Made) {
  const { method, headers, body } = message;
  const secret = madeSecret === undefined ? {} : { secret: madeSecret };
  return { type, dialect, method, url, headers, body: body.toString('utf8'), ...secret };
}

function answerToJson({ status, headers, body, bytes, ms }: Answer) {
  return { status, ms, headers, body: body.toString('utf8'), bytes };
}

function text({ status, statusText, body, bytes, ms }: Answer): string {
  const shown = body.toString('utf8').slice(0, SHOWN_CHARS).trimEnd();
  const rest = bytes > Buffer.byteLength(shown) + 1 ? `\n… ${bytes} bytes in all` : '';
  return `${status} ${statusText} in ${ms} ms${shown === '' ? '' : `\n${shown}${rest}`}`;
}
