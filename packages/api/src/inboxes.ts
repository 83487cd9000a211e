import { SIGNATURE_SCHEMES } from '@posthorn/wire/explain';
import { z } from 'zod';
import {
  Header,
  InboxId,
  None,
  page,
  pageQuery,
  TENANT,
  TenantId,
  TenantParams,
  Timestamp,
  Version,
} from './common.ts';
import type { Operation } from './operation.ts';

export const INBOX = `${TENANT}/inboxes/{inbox}` as const;
export const InboxParams = z.strictObject({ tenant: TenantId, inbox: InboxId });

/** A DNS label, because it may be one: `https://{name}.hooks.example.com`. */
export const INBOX_NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const InboxName = z
  .string()
  .regex(INBOX_NAME, 'must be 1 to 63 of a-z, 0-9 and -, not at its ends')
  .meta({ description: 'Stands in the URL.' });

const reply = {
  status: z.int().min(200).max(599),
  headers: z.array(Header).max(50),
  body: z.string().max(65_536).meta({
    description: 'A template: {{body.challenge}}, {{query.x}}, {{headers.x-id}}, {{json body.a}}.',
  }),
  delayMs: z.int().min(0).max(30_000),
  fault: z.enum(['reset', 'timeout', 'drip']).nullable().meta({
    description: 'Spoils the answer: connection reset, no answer at all, one byte a second.',
  }),
};
const replyInput = {
  status: reply.status.default(200),
  headers: reply.headers.default([]),
  body: reply.body.default(''),
  delayMs: reply.delayMs.default(0),
  fault: reply.fault.default(null),
};
const waitMs = z.int().min(100).max(60_000).meta({
  description: 'How long the sender waits for a listener’s local server.',
});

const InboxReply = z.strictObject(reply).meta({ id: 'InboxReply' });
const InboxReplyInput = z.strictObject(replyInput).meta({ id: 'InboxReplyInput' });

/** How an inbox answers: at once, or by a listener with something to fall back on. */
export const InboxAnswer = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('reply'), ...reply }),
    z.strictObject({ kind: z.literal('live'), waitMs, fallback: InboxReply }),
  ])
  .meta({ id: 'InboxAnswer' });
export const InboxAnswerInput = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('reply'), ...replyInput }),
    z.strictObject({
      kind: z.literal('live'),
      waitMs: waitMs.default(10_000),
      fallback: InboxReplyInput.prefault({ status: 202 }),
    }),
  ])
  .meta({ id: 'InboxAnswerInput' });

const keep = {
  captures: z.int().min(1).max(100_000),
  ageS: z.int().min(60).max(31_536_000),
  bytes: z.int().min(1_048_576).max(17_179_869_184),
};
const description = 'Beyond any of the three the oldest captures go.';
export const Keep = z.strictObject(keep).meta({ id: 'Keep', description });
const KeepInput = z
  .strictObject({
    captures: keep.captures.default(10_000),
    ageS: keep.ageS.default(604_800),
    bytes: keep.bytes.default(268_435_456),
  })
  .meta({ id: 'KeepInput', description });

const signing = {
  scheme: z.enum(SIGNATURE_SCHEMES).nullable().meta({
    description: 'How the sender signs; null = whichever known scheme fits.',
  }),
  secrets: z.array(z.string().min(1).max(512)).max(8).meta({
    description: 'Tried in turn; the first also signs replays. Masked when read.',
  }),
};
const Signing = z.strictObject(signing).meta({ id: 'Signing' });
const SigningInput = z
  .strictObject({ scheme: signing.scheme.default(null), secrets: signing.secrets.default([]) })
  .meta({ id: 'SigningInput' });

const title = z.string().max(200);
const handshakes = z.boolean().meta({
  description: 'Answer the handshakes of Slack, Meta, Microsoft Graph, Zoom, Asana, Okta, Dropbox.',
});

export const InboxCreate = z
  .strictObject({
    name: InboxName.nullable().default(null).meta({ description: 'null: a random one.' }),
    title: title.default(''),
    answer: InboxAnswerInput.prefault({ kind: 'reply' }),
    handshakes: handshakes.default(true),
    keep: KeepInput.prefault({}),
    signing: SigningInput.prefault({}),
  })
  .meta({ id: 'InboxCreate' });

export const InboxPatch = z
  .strictObject({
    name: InboxName,
    title,
    answer: InboxAnswerInput,
    handshakes,
    keep: KeepInput,
    signing: SigningInput,
  })
  .partial()
  .extend({ version: Version.optional() })
  .meta({ id: 'InboxPatch', description: 'Fields left out stay; a field given is replaced.' });
export type InboxPatch = z.infer<typeof InboxPatch>;

export const Inbox = z
  .strictObject({
    id: InboxId,
    tenant: TenantId,
    name: InboxName,
    url: z.string().meta({ description: 'What senders call; any path below it belongs to it.' }),
    title,
    answer: InboxAnswer,
    handshakes,
    keep: Keep,
    signing: Signing,
    captures: z.int().meta({ description: 'Kept now.' }),
    bytes: z.int(),
    newest: z.int().meta({ description: 'Number (`seq`) of the newest capture ever; 0 = none.' }),
    version: Version,
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: 'Inbox' });
export type Inbox = z.infer<typeof Inbox>;

export const InboxPage = page('InboxPage', Inbox);
export const InboxQuery = z.strictObject(pageQuery);

export const inboxOperations = {
  createInbox: {
    method: 'POST',
    path: `${TENANT}/inboxes`,
    scope: 'write',
    tag: 'Inboxes',
    summary: 'Create an inbox: a URL that keeps every request',
    params: TenantParams,
    query: None,
    body: InboxCreate.prefault({}),
    responses: { 201: { description: 'Created; it captures from now on.', body: Inbox } },
    problems: ['conflict'],
  },
  listInboxes: {
    method: 'GET',
    path: `${TENANT}/inboxes`,
    scope: 'read',
    tag: 'Inboxes',
    summary: 'List inboxes',
    params: TenantParams,
    query: InboxQuery,
    responses: { 200: { description: 'A page of ', body: InboxPage } },
  },
  getInbox: {
    method: 'GET',
    path: INBOX,
    scope: 'read',
    tag: 'Inboxes',
    summary: 'Get an inbox',
    params: InboxParams,
    query: None,
    responses: { 200: { description: 'The inbox.', body: Inbox } },
  },
  updateInbox: {
    method: 'PATCH',
    path: INBOX,
    scope: 'write',
    tag: 'Inboxes',
    summary: 'Change fields of an inbox',
    params: InboxParams,
    query: None,
    body: InboxPatch,
    responses: { 200: { description: 'The inbox as it is now.', body: Inbox } },
    problems: ['conflict'],
  },
  deleteInbox: {
    method: 'DELETE',
    path: INBOX,
    scope: 'write',
    tag: 'Inboxes',
    summary: 'Delete an inbox and all it captured; its name stays yours for 30 days',
    params: InboxParams,
    query: None,
    responses: { 204: { description: 'Deleted.' } },
    problems: ['conflict'],
  },
} as const satisfies Record<string, Operation>;
