import { z } from 'zod';
import {
  ENDPOINT,
  EndpointId,
  EventTypePattern,
  JobId,
  None,
  page,
  pageQuery,
  TENANT,
  TenantId,
  TenantParams,
  Timestamp,
  Total,
} from './common.ts';
import type { Operation } from './operation.ts';

/** Stored events owed to endpoints again, in the background. */

const only = z.enum(['all', 'failed', 'missing']).meta({
  description:
    'failed: deliveries whose last run failed. missing: events that the endpoint listens to and was ' +
    'never owed. all: every event that it listens to, unless its delivery is pending.',
});
const newId = z.boolean().default(false).meta({ description: 'Under a new webhook-id.' });
const dryRun = z.boolean().default(false).meta({ description: 'Only count what would be owed.' });

export const ReplayInput = z
  .strictObject({
    endpoints: z.array(EndpointId).min(1).max(100),
    only,
    types: z.array(EventTypePattern).max(100).default([]).meta({ description: 'Empty = all.' }),
    from: Timestamp.optional().meta({ description: 'Created then or later. Default: the oldest.' }),
    to: Timestamp.optional().meta({ description: 'Created before. Default: now.' }),
    newId,
    dryRun,
  })
  .meta({ id: 'ReplayInput' });

export const RecoverInput = z
  .strictObject({
    since: Timestamp.meta({ description: 'Events created then or later.' }),
    newId,
    dryRun,
  })
  .meta({ id: 'RecoverInput' });

export const ReplayCount = z.strictObject({ total: Total }).meta({ id: 'ReplayCount' });

export const Replay = z
  .strictObject({
    id: JobId,
    kind: z.enum(['replay', 'recover']),
    state: z.enum(['running', 'done', 'cancelled']),
    endpoints: z.array(EndpointId),
    only,
    types: z.array(z.string()),
    from: Timestamp.nullable(),
    to: Timestamp,
    newId: z.boolean(),
    done: z.int().meta({ description: 'Looked at and dealt with, of `total`.' }),
    owed: z.int().meta({
      description: 'Of these, those that are owed again; the others were on their way already.',
    }),
    total: Total.meta({ description: 'As counted when it was asked for.' }),
    createdAt: Timestamp,
    updatedAt: Timestamp,
    endedAt: Timestamp.nullable(),
  })
  .meta({ id: 'Replay' });
export type Replay = z.infer<typeof Replay>;

export const ReplayPage = page('ReplayPage', Replay);
export const ReplayParams = z.strictObject({ tenant: TenantId, job: JobId });

const started = {
  200: { description: 'With `dryRun`: how many deliveries it would owe now.', body: ReplayCount },
  202: { description: 'It has begun.', body: Replay },
};
const pacing =
  'Goes on in the background, over restarts. It adds to an endpoint only what that delivers in about a ' +
  'second, so live events there wait about a second longer at most.';

export const replayOperations = {
  startReplay: {
    method: 'POST',
    path: `${TENANT}/replays`,
    scope: 'write',
    tag: 'Replays',
    summary: 'Owe stored events to endpoints again',
    description: pacing,
    params: TenantParams,
    query: None,
    body: ReplayInput,
    responses: started,
    problems: ['conflict'],
  },
  recoverEndpoint: {
    method: 'POST',
    path: `${ENDPOINT}/recover`,
    scope: 'write',
    tag: 'Replays',
    summary: 'Owe an endpoint everything again that has failed since a time',
    description: `Given up, expired and skipped deliveries; not those that a person cancelled. ${pacing}`,
    params: z.strictObject({ tenant: TenantId, endpoint: EndpointId }),
    query: None,
    body: RecoverInput,
    responses: started,
    problems: ['conflict'],
  },
  listReplays: {
    method: 'GET',
    path: `${TENANT}/replays`,
    scope: 'read',
    tag: 'Replays',
    summary: 'List replays and recoveries',
    description: 'Those that have ended are kept as long as the log.',
    params: TenantParams,
    query: z.strictObject(pageQuery),
    responses: { 200: { description: 'A page of replays.', body: ReplayPage } },
  },
  getReplay: {
    method: 'GET',
    path: `${TENANT}/replays/{job}`,
    scope: 'read',
    tag: 'Replays',
    summary: 'Get a replay with its progress',
    params: ReplayParams,
    query: None,
    responses: { 200: { description: 'The replay.', body: Replay } },
  },
  cancelReplay: {
    method: 'POST',
    path: `${TENANT}/replays/{job}/cancel`,
    scope: 'write',
    tag: 'Replays',
    summary: 'Cancel a replay',
    description: 'What it has owed so far stays owed. Cancelling twice changes nothing.',
    params: ReplayParams,
    query: None,
    responses: { 200: { description: 'The replay as it ended.', body: Replay } },
    problems: ['conflict'],
  },
} as const satisfies Record<string, Operation>;
