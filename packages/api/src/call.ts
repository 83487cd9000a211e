import type { ErrorCode, Problem } from './errors.ts';
import { type FollowOptions, follow, type LiveEvent } from './follow.ts';
import { EVENT_STREAM, PROBLEM_MEDIA_TYPE } from './media-types.ts';
import type { Answer, Input, Operation } from './operation.ts';
import type { OperationId, Operations } from './operations.ts';

/** The client without the schemas: a browser that has the lines needs no contract and no zod. */

export interface ClientOptions {
  /** Where Posthorn is, e.g. `http://127.0.0.1:4400`; a path in front of `/api` is kept. */
  readonly baseUrl: string;
  /** An API key. Without one only the public operations answer. */
  readonly key?: string;
  readonly fetch?: typeof globalThis.fetch;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** What a caller has to know of an operation. */
export interface CallLine {
  readonly method: Operation['method'];
  readonly path: string;
  /** Names of the query's members. */
  readonly query: readonly string[];
  readonly body: boolean;
  /** Answers that are not refusals, whatever their status. */
  readonly statuses: readonly number[];
}
export type CallLines = { readonly [Id in OperationId]: CallLine };

type Call<O extends Operation> =
  Partial<Input<O>> extends Input<O>
    ? (input?: Input<O>, options?: CallOptions) => Promise<Answer<O>>
    : (input: Input<O>, options?: CallOptions) => Promise<Answer<O>>;

/** A stream: its messages as they come, and again after a lost connection. */
type Follow<O extends Operation> = (
  input: Input<O>,
  options?: FollowOptions,
) => AsyncGenerator<LiveEvent, void>;

const STREAM = 'followLive';

/** One method per operation of the contract, named by its id. */
export type Client = {
  readonly [Id in Exclude<OperationId, typeof STREAM>]: Call<Operations[Id]>;
} & { readonly [STREAM]: Follow<Operations[typeof STREAM]> };

/** The server refused, or answered with something that is not Posthorn's. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: ErrorCode | undefined;
  /** undefined: the answer was no problem document (a proxy's error page, say). */
  readonly problem: Problem | undefined;
  /** Seconds the server asked to wait. */
  readonly retryAfterS: number | undefined;

  constructor(response: Response, problem: Problem | undefined) {
    super(problem?.detail ?? `HTTP ${response.status} without a problem document`);
    this.name = 'ApiError';
    this.status = response.status;
    this.code = problem?.code;
    this.problem = problem;
    const wait = response.headers.get('retry-after');
    this.retryAfterS = wait !== null && /^\d{1,9}$/.test(wait) ? Number(wait) : undefined;
  }
}

/** The line of one operation of the contract. */
export function lineOf(operation: Operation): CallLine {
  return {
    method: operation.method,
    path: operation.path,
    query: Object.keys(operation.query.shape),
    body: operation.body !== undefined,
    statuses: Object.keys(operation.responses).map(Number),
  };
}

/** Body and answer of an operation as text, for callers to whom `1.0` and `1` are not the same. */
export type TextCall = <Id extends OperationId>(
  id: Id,
  input: Omit<Input<Operations[Id]>, 'body'>,
  options?: CallOptions & { readonly body?: string },
) => Promise<string>;

export function createTextCall(lines: CallLines, options: ClientOptions): TextCall {
  const send = sender(options);
  return async (id, input, { signal, body } = {}) =>
    (await answer(send, { line: lines[id], input: input as Members, signal, body })).text;
}

/** The bytes of an answer, for what is no text. */
export type BlobCall = <Id extends OperationId>(
  id: Id,
  input: Omit<Input<Operations[Id]>, 'body'>,
  options?: CallOptions,
) => Promise<Blob>;

export function createBlobCall(lines: CallLines, options: ClientOptions): BlobCall {
  const send = sender(options);
  return async (id, input, { signal } = {}) => {
    const headers = { accept: '*/*' };
    const line = lines[id];
    const response = await send({ line, input: input as Members, headers, signal });
    if (response.ok && !isProblem(response)) return response.blob();
    throw new ApiError(response, problemOf(await response.text()));
  };
}

/** A client of the operations that `lines` has; see `createClient`. */
export function createClientOf(lines: CallLines, options: ClientOptions): Client {
  const send = sender(options);
  const methods = Object.entries<CallLine>(lines).map(([id, line]) => [
    id,
    id === STREAM ? followWith(send, line) : callWith(send, line),
  ]);
  return Object.fromEntries(methods) as Client;
}

type Members = Record<string, unknown>;

interface Request {
  readonly line: CallLine;
  readonly input: Members;
  readonly signal: AbortSignal | undefined;
  /** In place of the input's, and sent as it is. */
  readonly body?: string | undefined;
}
type Send = (request: Request & { headers: Record<string, string> }) => Promise<Response>;

function sender(options: ClientOptions): Send {
  const base = options.baseUrl.replace(/\/+$/, '');
  const fetch = options.fetch ?? globalThis.fetch;
  return ({ line, input, signal, body, ...request }) => {
    const headers = { ...request.headers };
    if (options.key !== undefined) headers['authorization'] = `Bearer ${options.key}`;
    const init: RequestInit = { method: line.method, headers, redirect: 'error' };
    if (signal) init.signal = signal;
    const text = body ?? (line.body ? JSON.stringify(input['body']) : undefined);
    if (text !== undefined) {
      headers['content-type'] = 'application/json';
      init.body = text;
    }
    return fetch(base + target(line, input), init);
  };
}

async function answer(send: Send, request: Request): Promise<{ text: string; json: boolean }> {
  const response = await send({ ...request, headers: { accept: 'application/json' } });
  const text = await response.text();
  const answered = response.ok || request.line.statuses.includes(response.status);
  if (!answered || isProblem(response)) throw new ApiError(response, problemOf(text));
  return { text, json: isJson(response) };
}

function callWith(send: Send, line: CallLine) {
  return async (input: Members = {}, { signal }: CallOptions = {}): Promise<unknown> => {
    const { text, json } = await answer(send, { line, input, signal });
    if (text === '') return undefined;
    return json ? JSON.parse(text) : text;
  };
}

/** Refusals that are the same a moment later. */
const FINAL = new Set([400, 401, 403, 404, 405]);

function followWith(send: Send, line: CallLine) {
  return (input: Members, options: FollowOptions = {}) =>
    follow(
      {
        async open(after, signal) {
          const place: Record<string, string> =
            after === undefined ? {} : { 'last-event-id': after };
          const headers = { accept: EVENT_STREAM, ...place };
          const response = await send({ line, input, headers, signal });
          if (response.ok) return response;
          throw new ApiError(response, problemOf(await response.text()));
        },
        isFinal: (error) => error instanceof ApiError && FINAL.has(error.status),
        waitMs: (error) =>
          error instanceof ApiError && error.retryAfterS !== undefined
            ? error.retryAfterS * 1000
            : undefined,
      },
      { ...options, after: input['after'] as string | undefined },
    );
}

/** Path and query of a call. */
export function target(line: CallLine, input: Record<string, unknown>): string {
  const path = line.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String(input[name])),
  );
  const query = new URLSearchParams();
  for (const name of line.query) {
    const value = input[name];
    if (value !== undefined) query.set(name, String(value));
  }
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}

function isProblem(response: Response): boolean {
  return response.headers.get('content-type')?.startsWith(PROBLEM_MEDIA_TYPE) === true;
}

function isJson(response: Response): boolean {
  return /^application\/json\b/.test(response.headers.get('content-type') ?? '');
}

function problemOf(text: string): Problem | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return looksLikeProblem(parsed) ? parsed : undefined;
  } catch {
    // Not JSON: somebody between us and the server answered.
    return undefined;
  }
}

/** The members that are read of one; an unknown code is one of a newer server. */
function looksLikeProblem(value: unknown): value is Problem {
  if (typeof value !== 'object' || value === null) return false;
  const { detail, code, title, status } = value as Partial<Problem>;
  return (
    [detail, code, title].every((text) => typeof text === 'string') && Number.isInteger(status)
  );
}
