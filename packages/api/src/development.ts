import { z } from 'zod';
import { ENDPOINT, InboxId, None } from './common.ts';
import { Endpoint, EndpointParams } from './endpoints.ts';
import { Inbox } from './inboxes.ts';
import type { Operation } from './operation.ts';

export const DevelopmentCopy = z
  .strictObject({ endpoint: Endpoint, inbox: Inbox })
  .meta({ id: 'DevelopmentCopy' });

export const developmentOperations = {
  copyForDevelopment: {
    method: 'POST',
    path: `${ENDPOINT}/development-copy`,
    scope: 'write',
    tag: 'Endpoints',
    summary:
      'Copy an endpoint for development: the copy sends to an inbox, and an inbox to a laptop',
    description:
      'The copy is enabled and has a secret of its own, which the inbox gets to check signatures with. Its metadata names the original under `copyOf`. Asked again for the same inbox, it answers the copy that there is.',
    params: EndpointParams,
    query: None,
    body: z
      .strictObject({
        inbox: InboxId.nullable().default(null).meta({ description: 'null: a new one is made.' }),
      })
      .prefault({})
      .meta({ id: 'DevelopmentCopyInput' }),
    responses: { 200: { description: 'The copy and its inbox.', body: DevelopmentCopy } },
    problems: ['conflict'],
  },
} as const satisfies Record<string, Operation>;
