import { z } from 'zod';

/** The closed list of problem codes. A code is permanent: clients switch on it. */
export const ErrorCode = z.enum([
  'invalid_json',
  'invalid_request',
  'unauthorized',
  'forbidden',
  'not_found',
  'method_not_allowed',
  'idempotency_conflict',
  'conflict',
  'payload_too_large',
  'unsupported_media_type',
  'unsupported_encoding',
  'misdirected',
  'url_refused',
  'event_invalid',
  'overloaded',
  'internal',
  'store_unavailable',
  'shutting_down',
  'disk_full',
  'store_full',
]);
export type ErrorCode = z.infer<typeof ErrorCode>;

const FieldError = z.strictObject({
  path: z.string().meta({ description: 'Dotted path of the field; empty for the whole body.' }),
  message: z.string(),
});

/** What every refusal looks like (RFC 9457), served as `application/problem+json`. */
export const Problem = z
  .looseObject({
    type: z.string().meta({ description: '`urn:posthorn:problem:` and the code.' }),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string().meta({ description: 'What happened and what to do about it.' }),
    code: ErrorCode,
    requestId: z.string().meta({ description: 'Also in the X-Request-Id header and our log.' }),
    errors: z.array(FieldError).optional().meta({ description: 'Which fields were refused.' }),
    index: z.int().optional().meta({ description: 'Which event of an array was refused.' }),
    field: z.string().optional().meta({ description: 'Which field was refused.' }),
    reason: z.string().optional().meta({ description: 'Of `event_invalid`: a code of a warning.' }),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem details.' });
export type Problem = z.infer<typeof Problem>;
