import { z } from 'zod';
import {
  API_PREFIX,
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

/** Tenants removed with all that they have, in the background. */

export const PurgeInput = z
  .strictObject({
    descendants: z.boolean().default(false).meta({
      description: 'Also its children, theirs, and so on: at most 100 tenants.',
    }),
    dryRun: z.boolean().default(false).meta({ description: 'Only count what would go.' }),
  })
  .meta({ id: 'PurgeInput' });

export const PurgeCount = z
  .strictObject({
    tenants: z.array(
      z.strictObject({
        tenant: TenantId,
        events: Total,
        endpoints: z.int(),
        keys: z.int(),
        eventTypes: z.int(),
        inboxes: z.int(),
      }),
    ),
  })
  .meta({ id: 'PurgeCount' });

export const Purge = z
  .strictObject({
    id: JobId,
    tenant: TenantId,
    state: z.enum(['running', 'done']),
    done: z.int().meta({ description: 'Events gone, of `total`.' }),
    total: Total.meta({ description: 'Events, as counted when it was asked for.' }),
    createdAt: Timestamp,
    updatedAt: Timestamp,
    endedAt: Timestamp.nullable(),
  })
  .meta({ id: 'Purge' });
export type Purge = z.infer<typeof Purge>;

export const PurgesBegun = z
  .strictObject({
    purges: z.array(Purge).meta({ description: 'One of each tenant, children before parents.' }),
  })
  .meta({ id: 'PurgesBegun' });
export const PurgePage = page('PurgePage', Purge);

export const purgeOperations = {
  purgeTenant: {
    method: 'POST',
    path: `${TENANT}/purge`,
    scope: 'admin',
    tag: 'Purges',
    summary: 'Remove a tenant with all that it has',
    description:
      'The tenant, its keys, sessions, endpoints, event types and inboxes go at once; its events, ' +
      'deliveries, attempts and captures in the background, over restarts. What is pending is cancelled. ' +
      'It cannot be taken back or cancelled: ask with `dryRun` first. Refused for `default`, which always ' +
      'exists, and for a tenant with children unless `descendants` is true. A deleted tenant may be ' +
      'purged as long as there are events of it.',
    params: TenantParams,
    query: None,
    body: PurgeInput,
    responses: {
      200: { description: 'With `dryRun`: what would go.', body: PurgeCount },
      202: { description: 'It has begun.', body: PurgesBegun },
    },
    problems: ['conflict'],
  },
  listPurges: {
    method: 'GET',
    path: `${API_PREFIX}/purges`,
    scope: 'admin',
    tag: 'Purges',
    summary: 'List purges',
    description: 'Those that have ended are kept as long as the log.',
    params: None,
    query: z.strictObject(pageQuery),
    responses: { 200: { description: 'A page of purges.', body: PurgePage } },
  },
  getPurge: {
    method: 'GET',
    path: `${API_PREFIX}/purges/{job}`,
    scope: 'admin',
    tag: 'Purges',
    summary: 'Get a purge with its progress',
    params: z.strictObject({ job: JobId }),
    query: None,
    responses: { 200: { description: 'The purge.', body: Purge } },
  },
} as const satisfies Record<string, Operation>;
