import { z } from 'zod';
import { CaptureParams, Exchange } from './captures.ts';
import { Header, None } from './common.ts';
import { INBOX } from './inboxes.ts';
import type { Operation } from './operation.ts';

const To = z
  .union([
    z.strictObject({
      url: z
        .url({ protocol: /^https?$/ })
        .max(2048)
        .meta({
          description: 'The path and query of the capture are put behind it, as a tunnel does.',
        }),
    }),
    z.strictObject({
      listener: z.string().min(1).max(64).nullable().meta({
        description: 'Its name; null = whoever has listened longest.',
      }),
    }),
  ])
  .meta({ id: 'ReplayTarget' });

const Edit = z
  .strictObject({
    method: z.string().regex(/^[A-Z]{1,32}$/, 'must be 1 to 32 capital letters'),
    path: z
      .string()
      .max(8192)
      .regex(/^(?:[/?][\x21-\x7e]*)?$/, 'must begin with / or ?')
      .meta({
        description: 'Below the target, with its query; empty = the target itself.',
      }),
    headers: z.array(Header).max(200).meta({
      description: 'All of them. One whose value is the mask keeps the value it came with.',
    }),
    body: z.strictObject({
      encoding: z.enum(['utf8', 'base64']).default('utf8'),
      text: z.string().max(14_000_000),
    }),
  })
  .partial()
  .meta({ id: 'ReplayEdit' });

export const CaptureReplay = z
  .strictObject({
    to: To.prefault({ listener: null }),
    signature: z.enum(['exact', 'new']).default('exact').meta({
      description:
        'exact: as it came; receivers refuse it once its timestamp is too old. new: signed now, with the first secret of the inbox that fits.',
    }),
    edit: Edit.prefault({}),
    times: z.int().min(1).max(100).default(1),
    delayMs: z.int().min(0).max(10_000).default(0).meta({
      description: 'From one answer to the next request.',
    }),
  })
  .meta({ id: 'CaptureReplay' });

export const CaptureReplayed = z
  .strictObject({
    exchanges: z.array(Exchange).meta({
      description:
        'What came of each, in order. Fewer than `times`: a minute had passed, and no more were begun.',
    }),
  })
  .meta({ id: 'CaptureReplayed' });

export const captureReplayOperations = {
  replayCapture: {
    method: 'POST',
    path: `${INBOX}/captures/{capture}/replays`,
    scope: 'write',
    tag: 'Captures',
    summary: 'Send a capture again: to a URL, or to the laptop that listens',
    description:
      'Headers that belong to one connection are left out; `Hook-Replay: true` and `Hook-Original-At` are added. Answers when all is done; each exchange is in the log of the capture.',
    params: CaptureParams,
    query: None,
    body: CaptureReplay.prefault({}),
    bodyLimits: { bytesMax: 16_777_216, valuesMax: 2000 },
    responses: { 200: { description: 'What came of it.', body: CaptureReplayed } },
    problems: ['conflict'],
  },
} as const satisfies Record<string, Operation>;
