import { z } from 'zod';
import { CaptureId, InboxId, KeyId, None, page, TenantId, Timestamp } from './common.ts';
import { INBOX, InboxParams } from './inboxes.ts';
import type { Operation } from './operation.ts';

const InboxKeyParams = z.strictObject({ tenant: TenantId, inbox: InboxId, key: KeyId });

const key = {
  id: KeyId,
  name: z.string(),
  scopes: z.array(z.enum(['read', 'write'])),
  hint: z.string(),
  createdAt: Timestamp,
  expiresAt: Timestamp.nullable(),
};
const InboxKey = z.strictObject(key).meta({ id: 'InboxKey' });
const CreatedInboxKey = z
  .strictObject({ ...key, key: z.string() })
  .meta({ id: 'CreatedInboxKey', description: 'The only answer that shows the key itself.' });
const InboxKeyCreate = z
  .strictObject({
    name: z.string().max(200).default(''),
    scopes: z
      .array(z.enum(['read', 'write']))
      .min(1)
      .max(2)
      .default(['read', 'write'])
      .meta({
        description:
          'read: see captures and listen. write: also answer senders, replay and delete.',
      }),
    expiresAt: Timestamp.nullable().default(null),
  })
  .meta({ id: 'InboxKeyCreate' });

const share = {
  id: KeyId,
  capture: CaptureId.nullable().meta({ description: 'null: every capture of the inbox.' }),
  createdAt: Timestamp,
  expiresAt: Timestamp,
};
const Share = z.strictObject(share).meta({ id: 'Share' });
const CreatedShare = z
  .strictObject({ ...share, url: z.string() })
  .meta({ id: 'CreatedShare', description: 'The only answer that shows the link.' });
const ShareCreate = z
  .strictObject({
    capture: CaptureId.nullable().default(null),
    expiresInS: z.int().min(60).max(7_776_000).default(604_800),
  })
  .meta({ id: 'ShareCreate' });

export const inboxKeyOperations = {
  createInboxKey: {
    method: 'POST',
    path: `${INBOX}/keys`,
    scope: 'write',
    tag: 'Inboxes',
    summary: 'Create a key for this inbox alone, for a laptop or a test',
    params: InboxParams,
    query: None,
    body: InboxKeyCreate.prefault({}),
    responses: { 201: { description: 'Created.', body: CreatedInboxKey } },
    problems: ['conflict'],
  },
  listInboxKeys: {
    method: 'GET',
    path: `${INBOX}/keys`,
    scope: 'write',
    tag: 'Inboxes',
    summary: 'List the keys of this inbox alone',
    params: InboxParams,
    query: None,
    responses: { 200: { description: 'A page of ', body: page('InboxKeyPage', InboxKey) } },
  },
  deleteInboxKey: {
    method: 'DELETE',
    path: `${INBOX}/keys/{key}`,
    scope: 'write',
    tag: 'Inboxes',
    summary: 'Delete a key of this inbox alone',
    params: InboxKeyParams,
    query: None,
    responses: { 204: { description: 'Deleted; what listens with it ends.' } },
  },
  createShare: {
    method: 'POST',
    path: `${INBOX}/shares`,
    scope: 'write',
    tag: 'Inboxes',
    summary: 'Create a link that shows captures to whoever has it',
    description:
      'Read-only, until it expires. Passwords, tokens and signatures are masked in headers and in bodies of JSON and forms; other bodies, addresses, notes and answers are not shown.',
    params: InboxParams,
    query: None,
    body: ShareCreate.prefault({}),
    responses: { 201: { description: 'Created.', body: CreatedShare } },
    problems: ['conflict'],
  },
  listShares: {
    method: 'GET',
    path: `${INBOX}/shares`,
    scope: 'write',
    tag: 'Inboxes',
    summary: 'List the links that show captures',
    params: InboxParams,
    query: None,
    responses: { 200: { description: 'A page of ', body: page('SharePage', Share) } },
  },
  deleteShare: {
    method: 'DELETE',
    path: `${INBOX}/shares/{key}`,
    scope: 'write',
    tag: 'Inboxes',
    summary: 'Delete a link; it shows nothing any more',
    params: InboxKeyParams,
    query: None,
    responses: { 204: { description: 'Deleted.' } },
  },
} as const satisfies Record<string, Operation>;
