import { z } from 'zod';
import { CaptureParams, Search } from './captures.ts';
import { INBOX, InboxParams } from './inboxes.ts';
import type { Operation } from './operation.ts';

const secrets = z.enum(['true', 'false']).default('false').meta({
  description: '`true`: header values that may be secrets are shown; needs the scope `write`.',
});

export const captureExportOperations = {
  getCaptureCurl: {
    method: 'GET',
    path: `${INBOX}/captures/{capture}/curl`,
    scope: 'read',
    tag: 'Captures',
    summary: 'Get a capture as a curl command',
    description:
      'For a POSIX shell: the same method, headers and body bytes, sent to the inbox again. `conflict`: only the beginning of the body was kept.',
    params: CaptureParams,
    query: z.strictObject({ secrets }),
    responses: {
      200: {
        description: 'The command.',
        body: z.string(),
        contentType: 'text/plain; charset=utf-8',
      },
    },
    problems: ['conflict'],
  },
  exportCaptures: {
    method: 'GET',
    path: `${INBOX}/export`,
    scope: 'read',
    tag: 'Captures',
    summary: 'Save captures as CSV, NDJSON or an HTTP archive, newest first',
    description:
      'Bodies longer than 1 MiB are left out, with their true size. In CSV, cells that a spreadsheet would take for a formula begin with an apostrophe.',
    params: InboxParams,
    query: z.strictObject({
      format: z.enum(['csv', 'ndjson', 'har']).default('ndjson'),
      q: Search.optional(),
      limit: z.coerce.number<number>().int().min(1).max(10_000).default(1000),
      secrets,
    }),
    responses: {
      200: {
        description: 'A file.',
        body: z.string().meta({ format: 'binary' }),
        contentType: 'application/octet-stream',
      },
    },
  },
} as const satisfies Record<string, Operation>;
