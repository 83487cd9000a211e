import { z } from 'zod';
import { None, page, Timestamp } from './common.ts';
import { INBOX, InboxParams } from './inboxes.ts';
import type { Operation } from './operation.ts';

const Attachment = z
  .strictObject({
    agent: z.string().meta({ description: 'Host name and program, as it says of itself.' }),
    mode: z.enum(['fanout', 'share', 'exclusive']),
    responder: z.boolean().meta({ description: 'It may answer senders who wait.' }),
    node: z.string(),
    since: Timestamp,
  })
  .meta({ id: 'Attachment' });

const Listener = z
  .strictObject({
    name: z.string(),
    backlog: z.int().meta({
      description:
        'Captures it has not done yet. Of a listener with a filter: those that do not fit are among them.',
    }),
    acked: z.int().meta({ description: 'Number (`seq`) up to which all is done.' }),
    filter: z.string(),
    attachments: z.array(Attachment).meta({ description: 'Who listens now; empty = nobody.' }),
    createdAt: Timestamp,
    seenAt: Timestamp,
  })
  .meta({ id: 'Listener' });

export const listenerOperations = {
  listListeners: {
    method: 'GET',
    path: `${INBOX}/listeners`,
    scope: 'read',
    tag: 'Inboxes',
    summary: 'List who listens to an inbox, or did, and what waits for them',
    description: 'At most 50, the bound of an inbox.',
    params: InboxParams,
    query: None,
    responses: { 200: { description: 'A page of ', body: page('ListenerPage', Listener) } },
  },
} as const satisfies Record<string, Operation>;
