import { PROBLEM_TYPE_PREFIX, type Problem } from '@posthorn/api';
import { EnvelopeError } from '@posthorn/wire';
import { z } from 'zod';
import { AppError, ERROR_STATUS, type ErrorCode, unreachable } from '../core/errors.ts';
import { StoreError } from '../store/store.ts';
import type { HttpLogger } from './ports.ts';

/** The one place where a failure becomes what a caller sees (RFC 9457). Nothing internal passes it. */

const TITLES = {
  invalid_json: 'The body is not valid JSON',
  invalid_request: 'The request is not valid',
  unauthorized: 'A valid API key is needed',
  forbidden: 'The API key does not allow this',
  not_found: 'Not found',
  method_not_allowed: 'Method not allowed',
  idempotency_conflict: 'The id was used for another event',
  conflict: 'The request conflicts with the current state',
  payload_too_large: 'The request is too large',
  unsupported_media_type: 'The content type is not supported',
  unsupported_encoding: 'The content encoding is not supported',
  misdirected: 'This node does not answer that',
  url_refused: 'The URL may not be called',
  event_invalid: 'The event is not what the catalogue says',
  overloaded: 'Too many requests',
  internal: 'Internal error',
  store_unavailable: 'The store is not available',
  shutting_down: 'The server is shutting down',
  disk_full: 'The disk is full',
  store_full: 'The store is as large as it may be',
} as const satisfies Record<ErrorCode, string>;

const ISSUES_MAX = 20;

export interface ProblemAnswer {
  readonly problem: Problem;
  /** Beside those of every answer. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Turns anything that was thrown into an answer, and logs what is our fault under the request's id. */
export function toProblem(error: unknown, requestId: string, logger: HttpLogger): ProblemAnswer {
  const known = toAppError(error);
  const status = ERROR_STATUS[known.code];
  if (status >= 500 && known.code !== 'shutting_down') {
    logger.error({ requestId, code: known.code, err: error }, 'a request failed');
  }
  const headers: Record<string, string> = {};
  if (known.retryAfterS !== undefined) headers['Retry-After'] = String(known.retryAfterS);
  if (known.code === 'unauthorized') headers['WWW-Authenticate'] = 'Bearer realm="posthorn"';
  const problem = {
    ...known.details,
    type: PROBLEM_TYPE_PREFIX + known.code,
    title: TITLES[known.code],
    status,
    detail: known.message,
    code: known.code,
    requestId,
  };
  return { problem, headers };
}

function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof EnvelopeError) return fromEnvelope(error);
  if (error instanceof StoreError) return fromStore(error);
  if (error instanceof z.ZodError) return fromZod(error);
  return fromFastify(error) ?? new AppError('internal', 'Something failed here; it is logged.');
}

function fromEnvelope(error: EnvelopeError): AppError {
  const { index, field } = error;
  const details = {
    ...(index === undefined ? {} : { index }),
    ...(field === undefined ? {} : { field }),
  };
  return new AppError(error.code, error.message, { details });
}

function fromStore(error: StoreError): AppError {
  switch (error.kind) {
    case 'conflict':
      return new AppError('conflict', 'It was changed meanwhile: read it again and repeat.');
    case 'full':
      return new AppError('disk_full', 'The disk is full: nothing was stored. Free some space.');
    case 'capping':
      return new AppError('overloaded', error.message, { retryAfterS: 1 });
    case 'capped':
      return new AppError('store_full', error.message, { retryAfterS: 60 });
    case 'unavailable':
    case 'fatal':
      return new AppError('store_unavailable', 'The store does not answer: try again.', {
        retryAfterS: 1,
      });
    default:
      return unreachable(error.kind);
  }
}

function fromZod(error: z.ZodError): AppError {
  const errors = error.issues.flatMap(fieldErrors).slice(0, ISSUES_MAX);
  const first = errors[0];
  const detail = first ? `${first.path || 'body'}: ${first.message}` : 'The request is not valid';
  return new AppError('invalid_request', detail, { details: { errors } });
}

function fieldErrors(issue: z.core.$ZodIssue): { path: string; message: string }[] {
  const path = issue.path.map(String);
  if (issue.code !== 'unrecognized_keys') return [{ path: path.join('.'), message: issue.message }];
  return issue.keys.slice(0, ISSUES_MAX).map((key) => ({
    path: [...path, key.slice(0, 64)].join('.'),
    message: 'is not a known field',
  }));
}

/** The faults that Fastify finds before a handler runs; by its permanent codes. */
function fromFastify(error: unknown): AppError | undefined {
  if (!(error instanceof Error && 'code' in error)) return undefined;
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new AppError('payload_too_large', 'The body is larger than this operation takes.');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new AppError('unsupported_media_type', 'Send the body as application/json.');
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new AppError('invalid_request', 'Content-Length is not the length of the body.');
    case 'FST_ERR_BAD_URL':
      return new AppError('invalid_request', 'The path is not valid percent-encoded UTF-8.');
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new AppError('not_found', 'There is no such resource.');
    default:
      return undefined;
  }
}
