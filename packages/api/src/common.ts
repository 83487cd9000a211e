import { z } from 'zod';

/** Grammar shared by every resource: ids, times, pages, headers. */

export const TENANT_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
export const EVENT_TYPE = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/;
const EVENT_TYPE_PATTERN = /^[A-Za-z0-9*][A-Za-z0-9._:/*-]{0,127}$/;
const METADATA_KEY = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** 26 characters of lower-case Crockford base32 behind a prefix. */
const BASE32 = '[0-7][0-9a-hjkmnp-tv-z]{25}';

export const TenantId = z.string().regex(TENANT_ID, 'must match [A-Za-z0-9][A-Za-z0-9._-]{0,63}');
export const EventId = z.templateLiteral(['evt_', z.string().regex(new RegExp(BASE32))]);
export const EndpointId = z.templateLiteral(['ep_', z.string().regex(new RegExp(BASE32))]);
export const AttemptId = z.templateLiteral(['att_', z.string().regex(new RegExp(BASE32))]);
export const SessionId = z.templateLiteral(['ses_', z.string().regex(new RegExp(BASE32))]);
export const JobId = z.templateLiteral(['job_', z.string().regex(new RegExp(BASE32))]);
export const AppId = z.templateLiteral(['app_', z.string().regex(new RegExp(BASE32))]);
export const GrantId = z.templateLiteral(['grt_', z.string().regex(new RegExp(BASE32))]);
export const AuditId = z.templateLiteral(['aud_', z.string().regex(new RegExp(BASE32))]);
export const InboxId = z.templateLiteral(['inb_', z.string().regex(new RegExp(BASE32))]);
export const CaptureId = z.templateLiteral(['cap_', z.string().regex(new RegExp(BASE32))]);
export const KeyId = z.string().regex(new RegExp(`^key_(?:${BASE32}|environment)$`));

/** `<event>.<endpoint>.<run>`: run 0 is the delivery as routed, each resend or replay the next. */
export const DeliveryId = z
  .string()
  .regex(
    new RegExp(`^evt_${BASE32}\\.ep_${BASE32}\\.(?:0|[1-9][0-9]{0,8})$`),
    'must be <event>.<endpoint>.<run>',
  );

export const EventType = z
  .string()
  .regex(EVENT_TYPE, 'must match [A-Za-z0-9][A-Za-z0-9._:/-]{0,127}');
export const EventTypePattern = z
  .string()
  .regex(EVENT_TYPE_PATTERN, 'must be an event type or a pattern such as user.*');
/** A status or a class of them, as filters take it. */
export const StatusFilter = z
  .string()
  .regex(/^[1-5](?:xx|[0-9]{2})$/, 'must be a status such as 503, or a class such as 5xx')
  .meta({ description: 'An HTTP status, or a class of them.', example: '5xx' });
export const EventKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,128}$/, 'must be 1 to 128 printable ASCII characters without spaces');
export const Subject = z.string().max(256);
export const Channel = z.string().min(1).max(128);

export const Timestamp = z.iso
  .datetime({ offset: true })
  .max(40)
  .meta({ description: 'RFC 3339.', example: '2026-01-31T12:00:00.000Z' });

export const Metadata = z
  .record(z.string().regex(METADATA_KEY), z.string().max(500))
  .refine((value) => Object.keys(value).length <= 50, 'has more than 50 entries')
  .meta({ maxProperties: 50, description: 'Your own notes; never interpreted.' });

export const Header = z
  .strictObject({ name: z.string().min(1).max(128), value: z.string().max(8192) })
  .meta({ id: 'Header' });

/** What a sensitive header's value reads as. Sent back in a PATCH it means: keep what is stored. */
export const MASK = '••••';

/** Version of an object; sent with a write it makes the write fail if somebody else was first. */
export const Version = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

export const Cursor = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[\x21-\x7e]+$/);

/** Query members of every list. */
export const pageQuery = {
  limit: z.coerce.number<number>().int().min(1).max(200).default(50),
  cursor: Cursor.optional().meta({ description: '`next` of the page before.' }),
};

/** What a person types to find something. */
export const SearchQuery = z
  .string()
  .min(1)
  .max(200)
  .meta({
    description:
      'Words that all occur in the event (its values, subject, id of yours and type) or in what its failed ' +
      'attempts were answered; `word*` = a word that begins so. Newest events first.',
    example: 'alice@example.com timeo*',
  });

/** Query members of the lists of events, deliveries and attempts. */
export const logQuery = {
  ...pageQuery,
  type: EventTypePattern.optional(),
  idempotencyKey: EventKey.optional(),
  subject: Subject.optional(),
  q: SearchQuery.optional(),
  from: Timestamp.optional(),
  to: Timestamp.optional(),
};

/** A list's answer: newest first, `next` null at the end. */
export function page<T extends z.ZodType>(id: string, item: T) {
  return z
    .strictObject({
      items: z.array(item).max(200),
      next: z
        .string()
        .nullable()
        .meta({
          description:
            'Cursor of the next page; null = the end. How many rows one page may look at is bounded, ' +
            'so a page that found little can have a next one.',
        }),
    })
    .meta({ id });
}

/** The same of a list that can be searched. */
export function logPage<T extends z.ZodType>(id: string, item: T) {
  return page(`${id}Base`, item)
    .extend({
      searchedTo: Timestamp.nullable().optional().meta({
        description: 'Of a search (`q`): what was stored later is not found yet; null = all is.',
      }),
    })
    .meta({ id });
}

export const None = z.strictObject({});
export const TenantParams = z.strictObject({ tenant: TenantId });

/** The prefix of every operation that needs a key. */
export const API_PREFIX = '/api/v1';
/** Paths that several resources hang below. */
export const TENANT = '/api/v1/tenants/{tenant}';
export const ENDPOINT = `${TENANT}/endpoints/{endpoint}` as const;

/** A count that is only taken so far. */
export const Total = z.strictObject({
  count: z.int(),
  atLeast: z.boolean().meta({ description: 'true: counting stopped there.' }),
});
