import { z } from 'zod';
import { CaptureId, Cursor, Header, InboxId, None, page, TenantId, Timestamp } from './common.ts';
import { INBOX, InboxParams } from './inboxes.ts';
import type { Operation } from './operation.ts';

const CAPTURE = `${INBOX}/captures/{capture}` as const;
export const CaptureParams = z.strictObject({
  tenant: TenantId,
  inbox: InboxId,
  capture: CaptureId,
});

const Signature = z
  .strictObject({
    state: z.enum(['valid', 'invalid', 'unchecked', 'unsigned']).meta({
      description: 'unchecked: there is no secret to check it with, or not the whole body.',
    }),
    scheme: z.string().nullable().meta({
      description: 'How it is signed. header, url: the secret itself is sent there.',
    }),
  })
  .meta({
    id: 'CaptureSignature',
    description: 'As a receiver with the secrets of the inbox would have judged it on arrival.',
  });

const Verdict = z
  .strictObject({
    secret: z.int().nullable().meta({ description: 'Which of the secrets, from 0.' }),
    code: z.string().nullable(),
    reason: z.string(),
    hint: z.string().nullable().meta({ description: 'What to do about it.' }),
  })
  .meta({ id: 'SignatureVerdict' });

const Schema = z
  .strictObject({
    type: z.string(),
    fits: z.boolean(),
    message: z.string(),
    errors: z.array(z.strictObject({ path: z.string(), message: z.string() })),
  })
  .meta({ id: 'CaptureSchema', description: 'Its data against the tenant’s catalogue.' });

const capture = {
  id: CaptureId,
  seq: z.int().meta({ description: 'Counts the captures of the inbox from 1.' }),
  receivedAt: Timestamp,
  method: z.string(),
  target: z.string().meta({ description: 'As the request’s first line had it.' }),
  path: z.string().meta({ description: 'Below the inbox, with its query.' }),
  type: z.string().nullable().meta({ description: 'Name of the event, as far as we can tell.' }),
  messageId: z.string().nullable().meta({ description: 'The sender’s id of it.' }),
  sender: z.string().nullable().meta({
    description: 'Whose format it is: the name of a dialect, or github, stripe, slack and others.',
  }),
  signature: Signature,
  remoteAddress: z.string(),
  bodyBytes: z.int().meta({ description: 'True size, also when less is kept.' }),
  truncated: z.boolean(),
  answeredBy: z.string().meta({
    description: 'default, live, handshake:<name>, rule:<id>, or refused: the body was too large.',
  }),
  status: z.int().nullable().meta({ description: 'Of the last answer; null = there is none yet.' }),
  durationMs: z.number().nullable(),
  error: z.string().nullable(),
  exchanges: z.int().meta({ description: 'Requests made with it: to listeners, replays.' }),
  note: z.string(),
  bookmarked: z.boolean(),
};
export const Capture = z.strictObject(capture).meta({ id: 'Capture' });
export type Capture = z.infer<typeof Capture>;

const Bytes = z
  .strictObject({ encoding: z.enum(['utf8', 'base64']), text: z.string() })
  .meta({ id: 'Bytes', description: 'Text where the bytes are text; base64 elsewhere.' });

export const Exchange = z
  .strictObject({
    kind: z.enum(['live', 'listener', 'replay', 'answer']),
    to: z.string(),
    at: Timestamp,
    durationMs: z.number(),
    status: z.int().nullable(),
    error: z.string().nullable(),
    request: z
      .strictObject({ head: z.string(), body: Bytes.nullable() })
      .nullable()
      .meta({ description: 'Only where it was not sent as captured.' }),
    response: z.strictObject({ head: z.string(), body: Bytes, truncated: z.boolean() }).nullable(),
  })
  .meta({ id: 'Exchange' });

const File = z
  .strictObject({
    name: z.string().meta({ description: 'Of the form’s field.' }),
    filename: z.string().nullable(),
    contentType: z.string().nullable(),
    offset: z.int().meta({ description: 'Where its content begins in the body.' }),
    bytes: z.int(),
  })
  .meta({ id: 'FormPart' });

export const WholeCapture = z
  .strictObject({
    ...capture,
    headers: z.array(Header).meta({
      description: 'In order, case and number as they came; sensitive values masked.',
    }),
    body: Bytes.nullable().meta({
      description: 'null = longer than 256 KiB: read it from `…/body`.',
    }),
    parts: z.array(File).meta({ description: 'Of a multipart body: fields and files.' }),
    log: z.array(Exchange).meta({ description: 'Oldest first; the last 100.' }),
    verdict: Verdict,
    same: z.array(CaptureId).meta({ description: 'Others with the same id of the sender’s.' }),
    schema: Schema.nullable().meta({ description: 'null = the catalogue has none for its type.' }),
  })
  .meta({ id: 'WholeCapture' });
export type WholeCapture = z.infer<typeof WholeCapture>;

export const CapturePage = page('CapturePage', Capture);

export const Search = z.string().min(1).max(1000).meta({
  description:
    'For example: method:POST headers.x-event:push body.user.id:42 created:[now-1h TO now]',
});

export const CaptureQuery = z
  .strictObject({
    limit: z.coerce.number<number>().int().min(1).max(200).default(50),
    cursor: Cursor.optional().meta({ description: '`next` of the page before.' }),
    q: Search.optional(),
    after: z.coerce.number<number>().int().min(0).max(4_294_967_295).optional().meta({
      description: 'Oldest first, from behind this number on; not with cursor.',
    }),
    wait: z.coerce.number<number>().int().min(1).max(60).optional().meta({
      description: 'With after: answers when something is there, at most after so many seconds.',
    }),
  })
  .refine(({ after, cursor }) => after === undefined || cursor === undefined, {
    path: ['after'],
    message: 'use either after or cursor',
  })
  .refine(({ after, wait }) => wait === undefined || after !== undefined, {
    path: ['wait'],
    message: 'needs after',
  });

export const captureOperations = {
  listCaptures: {
    method: 'GET',
    path: `${INBOX}/captures`,
    scope: 'read',
    shared: true,
    tag: 'Captures',
    summary: 'List and search captures, newest first',
    description:
      'How many captures one page looks at is bounded: a page may be short, even empty, and still have a `next`. With `after`, `next` is the number to go on from.',
    params: InboxParams,
    query: CaptureQuery,
    responses: { 200: { description: 'A page of ', body: CapturePage } },
  },
  getCapture: {
    method: 'GET',
    path: CAPTURE,
    scope: 'read',
    shared: true,
    tag: 'Captures',
    summary: 'Get a capture whole',
    params: CaptureParams,
    query: z.strictObject({
      reveal: z.enum(['true', 'false']).default('false').meta({
        description: 'true: nothing is masked. Needs a key with the scope write.',
      }),
    }),
    responses: { 200: { description: 'The capture.', body: WholeCapture } },
  },
  getCaptureBody: {
    method: 'GET',
    path: `${CAPTURE}/body`,
    scope: 'read',
    tag: 'Captures',
    summary: 'Get the body, byte for byte',
    params: CaptureParams,
    query: None,
    responses: {
      200: {
        description: 'The bytes, to be saved.',
        body: z.string().meta({ format: 'binary' }),
        contentType: 'application/octet-stream',
      },
    },
  },
  markCapture: {
    method: 'PATCH',
    path: CAPTURE,
    scope: 'write',
    tag: 'Captures',
    summary: 'Write a note, set a bookmark',
    params: CaptureParams,
    query: None,
    body: z
      .strictObject({ note: z.string().max(2000), bookmarked: z.boolean() })
      .partial()
      .meta({ id: 'CaptureMark' }),
    responses: { 200: { description: 'The capture as it is now.', body: Capture } },
  },
  deleteCapture: {
    method: 'DELETE',
    path: CAPTURE,
    scope: 'write',
    tag: 'Captures',
    summary: 'Delete a capture',
    params: CaptureParams,
    query: None,
    responses: { 204: { description: 'Deleted.' } },
  },
  deleteCaptures: {
    method: 'DELETE',
    path: `${INBOX}/captures`,
    scope: 'write',
    tag: 'Captures',
    summary: 'Delete every capture there is now',
    params: InboxParams,
    query: None,
    responses: {
      200: {
        description: 'How many there were.',
        body: z.strictObject({ deleted: z.int() }).meta({ id: 'Deleted' }),
      },
    },
  },
} as const satisfies Record<string, Operation>;
