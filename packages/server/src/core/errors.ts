/**
 * The closed list of what a user can do wrong or meet. A code is permanent: clients switch on it.
 * `http/problem.ts` turns each into an RFC 9457 problem; the status stands here, once.
 */
export const ERROR_STATUS = {
  invalid_json: 400,
  invalid_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  idempotency_conflict: 409,
  conflict: 409,
  payload_too_large: 413,
  unsupported_media_type: 415,
  unsupported_encoding: 415,
  misdirected: 421,
  url_refused: 422,
  event_invalid: 422,
  overloaded: 429,
  internal: 500,
  store_unavailable: 503,
  shutting_down: 503,
  disk_full: 507,
  store_full: 507,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof ERROR_STATUS;

export interface AppErrorOptions {
  readonly cause?: unknown;
  /** Seconds to wait before the same request may work. */
  readonly retryAfterS?: number;
  /** Members added to the problem document: which field, which index. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** A fault that the caller can act on. The message says what happened, why, and what to do. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly retryAfterS: number | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.retryAfterS = options.retryAfterS;
    this.details = options.details;
  }
}

/** Throws when our own reasoning was wrong: a bug, never the user's input. */
export function assert(condition: unknown, whatMustHold: string): asserts condition {
  if (!condition) throw new Error(`must hold: ${whatMustHold}`);
}

export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
