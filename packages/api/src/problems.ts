import type { ErrorCode } from './errors.ts';
import type { Operation } from './operation.ts';

/** Every code an operation can answer with: what its shape allows and what it adds itself. */
export function problemCodes(operation: Operation): ErrorCode[] {
  const codes = new Set<ErrorCode>(['invalid_request']);
  if (operation.scope !== 'public') {
    for (const code of ['unauthorized', 'forbidden', 'not_found', 'overloaded'] as const)
      codes.add(code);
  }
  if (operation.body) {
    for (const code of ['invalid_json', 'payload_too_large', 'unsupported_media_type'] as const)
      codes.add(code);
  }
  for (const code of operation.problems ?? []) codes.add(code);
  for (const code of ['misdirected', 'internal', 'store_unavailable', 'shutting_down'] as const)
    codes.add(code);
  return [...codes];
}

/** The HTTP status of each code. */
export const PROBLEM_STATUS = {
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
} as const satisfies Record<ErrorCode, number>;
