import { z } from 'zod';
import { TENANT } from './common.ts';
import { AttemptParams } from './deliveries.ts';
import type { Operation } from './operation.ts';

/** One attempt in the forms of other tools. */

const SecretsQuery = z.strictObject({
  secrets: z.enum(['true', 'false']).default('false').meta({
    description: '`true`: header values that may be secrets are shown; needs the scope `write`.',
  }),
});

export const exchangeOperations = {
  getAttemptCurl: {
    method: 'GET',
    path: `${TENANT}/attempts/{attempt}/curl`,
    scope: 'read',
    tag: 'Deliveries',
    summary: 'Get the request of an attempt as a curl command',
    description:
      'For a POSIX shell: the same method, URL, headers and body bytes. The signature is the one that ' +
      'was sent, so a receiver that checks its age refuses it later. `conflict`: nothing was sent.',
    params: AttemptParams,
    query: SecretsQuery,
    responses: {
      200: {
        description: 'The command.',
        body: z.string(),
        contentType: 'text/plain; charset=utf-8',
      },
    },
    problems: ['conflict'],
  },
  getAttemptHar: {
    method: 'GET',
    path: `${TENANT}/attempts/{attempt}/har`,
    scope: 'read',
    tag: 'Deliveries',
    summary: 'Get an attempt as an HTTP archive (HAR 1.2)',
    params: AttemptParams,
    query: SecretsQuery,
    responses: {
      200: {
        description: 'The archive, with one entry.',
        body: z
          .strictObject({
            log: z.looseObject({
              version: z.literal('1.2'),
              creator: z.strictObject({ name: z.string(), version: z.string() }),
              entries: z.array(z.looseObject({ startedDateTime: z.string() })),
            }),
          })
          .meta({ id: 'Har' }),
      },
    },
  },
} as const satisfies Record<string, Operation>;
