import { type ErrorCode, PROBLEM_MEDIA_TYPE, Problem } from './errors.ts';
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

/** One method per operation of the contract, named by its id. */
export type Client = { readonly [Id in OperationId]: Call<Operations[Id]> };

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
 *
 * Methods reject with `ApiError` when the server refuses, and with fetch's own error when it cannot
 * be reached. Nothing is retried.
 */
export function createClient(options: ClientOptions): Client {
  const call = caller(options);
  const methods = Object.entries<Operation>(operations).map(([id, operation]) => [
    id,
    (input: Record<string, unknown> = {}, callOptions: CallOptions = {}) =>
      call(operation, input, callOptions),
  ]);
  return Object.fromEntries(methods) as Client;
}

function caller(options: ClientOptions) {
  const base = options.baseUrl.replace(/\/+$/, '');
  const fetch = options.fetch ?? globalThis.fetch;
  return async function call(
    operation: Operation,
    input: Record<string, unknown>,
    { signal }: CallOptions,
  ): Promise<unknown> {
    const headers: Record<string, string> = { accept: 'application/json' };
    if (options.key !== undefined) headers['authorization'] = `Bearer ${options.key}`;
    const init: RequestInit = { method: operation.method, headers, redirect: 'error' };
    if (signal) init.signal = signal;
    if (operation.body && input['body'] !== undefined) {
      headers['content-type'] = 'application/json';
      init.body = JSON.stringify(input['body']);
    }
    const response = await fetch(base + target(operation, input), init);
    const text = await response.text();
    const answered = response.ok || response.status in operation.responses;
    if (!answered || isProblem(response)) throw new ApiError(response, problemOf(text));
    if (text === '') return undefined;
    return isJson(response) ? JSON.parse(text) : text;
  };
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
