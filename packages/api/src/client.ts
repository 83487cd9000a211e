import { type ErrorCode, PROBLEM_MEDIA_TYPE, Problem } from './errors.ts';
import { type FollowOptions, follow, type LiveEvent } from './follow.ts';
import { EVENT_STREAM } from './live.ts';
import type { Answer, Input, Operation } from './operation.ts';
import { type OperationId, type Operations, operations } from './operations.ts';

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

/**
 * A typed client of the whole contract. Parameters and query go in one object, the body as `body`:
 *
 *     const hooks = createClient({ baseUrl: 'http://127.0.0.1:4400', key: 'phk_…' });
 *     await hooks.publishEvents({ tenant: 'default', body: { type: 'user.created', data: { id: 1 } } });
 *     for await (const message of hooks.followLive({ tenant: 'default' })) console.log(message);
 *
 * Methods reject with `ApiError` when the server refuses, and with fetch's own error when it cannot
 * be reached. Nothing is retried but the live feed's connection.
 */
export function createClient(options: ClientOptions): Client {
  const send = sender(options);
  const methods = Object.entries<Operation>(operations).map(([id, operation]) => [
    id,
    id === STREAM ? followWith(send, operation) : callWith(send, operation),
  ]);
  return Object.fromEntries(methods) as Client;
}

interface Request {
  readonly operation: Operation;
  readonly input: Record<string, unknown>;
  readonly headers: Record<string, string>;
  readonly signal: AbortSignal | undefined;
}
type Send = (request: Request) => Promise<Response>;

function sender(options: ClientOptions): Send {
  const base = options.baseUrl.replace(/\/+$/, '');
  const fetch = options.fetch ?? globalThis.fetch;
  return ({ operation, input, signal, ...request }) => {
    const headers = { ...request.headers };
    if (options.key !== undefined) headers['authorization'] = `Bearer ${options.key}`;
    const init: RequestInit = { method: operation.method, headers, redirect: 'error' };
    if (signal) init.signal = signal;
    if (operation.body && input['body'] !== undefined) {
      headers['content-type'] = 'application/json';
      init.body = JSON.stringify(input['body']);
    }
    return fetch(base + target(operation, input), init);
  };
}

function callWith(send: Send, operation: Operation) {
  return async (
    input: Record<string, unknown> = {},
    { signal }: CallOptions = {},
  ): Promise<unknown> => {
    const headers = { accept: 'application/json' };
    const response = await send({ operation, input, headers, signal });
    const text = await response.text();
    const answered = response.ok || response.status in operation.responses;
    if (!answered || isProblem(response)) throw new ApiError(response, problemOf(text));
    if (text === '') return undefined;
    return isJson(response) ? JSON.parse(text) : text;
  };
}

/** Refusals that are the same a moment later. */
const FINAL = new Set([400, 401, 403, 404, 405]);

function followWith(send: Send, operation: Operation) {
  return (input: Record<string, unknown>, options: FollowOptions = {}) =>
    follow(
      {
        async open(after, signal) {
          const place: Record<string, string> =
            after === undefined ? {} : { 'last-event-id': after };
          const headers = { accept: EVENT_STREAM, ...place };
          const response = await send({ operation, input, headers, signal });
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
function target(operation: Operation, input: Record<string, unknown>): string {
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String(input[name])),
  );
  const query = new URLSearchParams();
  for (const name of Object.keys(operation.query.shape)) {
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
    const parsed = Problem.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    // Not JSON: somebody between us and the server answered.
    return undefined;
  }
}
