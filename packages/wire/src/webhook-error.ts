/** Why a received webhook was not taken. Codes are permanent; the status is what the sender gets. */
const STATUS = {
  missing_header: 400,
  malformed_header: 400,
  timestamp_missing: 400,
  timestamp_too_old: 401,
  timestamp_in_future: 401,
  signature_mismatch: 401,
  unsupported_version: 401,
  replayed: 400,
  body_too_large: 413,
  body_incomplete: 400,
  invalid_json: 400,
  schema_mismatch: 422,
  unknown_event: 422,
  // From here on it is the receiver's fault: the sender should try again.
  empty_secret: 500,
  invalid_secret: 500,
  body_already_parsed: 500,
  handler_failed: 500,
  handler_timeout: 503,
  secrets_failed: 503,
  store_failed: 503,
  queue_failed: 503,
} as const;

export type WebhookErrorCode = keyof typeof STATUS;

export interface WebhookErrorOptions {
  /** What to look at or to do. For the receiver's developer alone; it never goes to the sender. */
  readonly hint?: string | undefined;
  readonly detail?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}

/** A webhook that was refused or not worked on. The message holds no secret and no signature. */
export class WebhookError extends Error {
  readonly code: WebhookErrorCode;
  readonly status: number;
  readonly hint: string | undefined;
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(code: WebhookErrorCode, message: string, options: WebhookErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'WebhookError';
    this.code = code;
    this.status = STATUS[code];
    this.hint = options.hint;
    this.detail = options.detail ?? {};
  }
}
