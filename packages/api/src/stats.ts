import { z } from 'zod';
import {
  ENDPOINT,
  EndpointId,
  page,
  pageQuery,
  TENANT,
  TenantParams,
  Timestamp,
} from './common.ts';
import { EndpointParams } from './endpoints.ts';
import type { Operation } from './operation.ts';

/** Counts of the last 24 hours by the hour, or of the last 30 days by the day, in UTC. */

export const StatsWindow = z.enum(['24h', '30d']);
export const StatsQuery = z.strictObject({
  window: StatsWindow.default('24h').meta({
    description: '`24h`: 24 buckets of an hour; `30d`: 30 of a day. The last one is running.',
  }),
});

const ms = z.number().nullable();
const counts = {
  events: z.int().meta({ description: 'Stored; of a webhook, routed to it.' }),
  deliveries: z
    .strictObject({ succeeded: z.int(), failed: z.int(), cancelled: z.int() })
    .meta({ description: 'By how they ended, when they ended.' }),
  attempts: z
    .strictObject({
      total: z.int(),
      '2xx': z.int(),
      '3xx': z.int(),
      '4xx': z.int(),
      '5xx': z.int(),
      unanswered: z.int().meta({ description: 'No complete response came.' }),
    })
    .meta({ description: 'By the class of the status.' }),
  successRate: z
    .number()
    .nullable()
    .meta({ description: 'Succeeded ÷ (succeeded + failed) deliveries; null = none ended.' }),
  p50Ms: ms.meta({ description: 'Half of the attempts took no longer, within 5 %.' }),
  p99Ms: ms,
};

export const StatsCounts = z.strictObject(counts).meta({ id: 'StatsCounts' });
export type StatsCounts = z.infer<typeof StatsCounts>;
export const StatsBucket = z.strictObject({ at: Timestamp, ...counts }).meta({ id: 'StatsBucket' });
export type StatsBucket = z.infer<typeof StatsBucket>;

const health = {
  pending: z.int().meta({ description: 'Deliveries owed now.' }),
  lastAttemptAt: Timestamp.nullable(),
  lastSuccessAt: Timestamp.nullable(),
};
const failingSince = Timestamp.nullable().meta({
  description: 'The first failed attempt since the last success; null = the last one succeeded.',
});
const whole = {
  window: StatsWindow,
  from: Timestamp.meta({ description: 'Start of the first bucket.' }),
  countedTo: Timestamp.nullable().meta({
    description: 'What was logged up to then is counted; null = everything.',
  }),
  total: StatsCounts,
  buckets: z.array(StatsBucket).max(30).meta({ description: 'Oldest first, also empty ones.' }),
};

export const TenantStats = z.strictObject({ ...health, ...whole }).meta({ id: 'TenantStats' });
export type TenantStats = z.infer<typeof TenantStats>;
export const EndpointStats = z
  .strictObject({ endpoint: EndpointId, ...health, failingSince, ...whole })
  .meta({ id: 'EndpointStats' });
export type EndpointStats = z.infer<typeof EndpointStats>;

const series = z.array(z.int()).max(30);
export const EndpointStatsSummary = z
  .strictObject({
    endpoint: EndpointId,
    ...health,
    failingSince,
    total: StatsCounts,
    succeeded: series.meta({ description: 'Deliveries by bucket, oldest first.' }),
    failed: series,
  })
  .meta({ id: 'EndpointStatsSummary' });
export type EndpointStatsSummary = z.infer<typeof EndpointStatsSummary>;

export const statsOperations = {
  getTenantStats: {
    method: 'GET',
    path: `${TENANT}/stats`,
    scope: 'read',
    tag: 'Statistics',
    summary: 'Get the statistics of a tenant',
    params: TenantParams,
    query: StatsQuery,
    responses: { 200: { description: 'The statistics.', body: TenantStats } },
  },
  getEndpointStats: {
    method: 'GET',
    path: `${ENDPOINT}/stats`,
    scope: 'read',
    tag: 'Statistics',
    summary: 'Get the statistics of an endpoint',
    params: EndpointParams,
    query: StatsQuery,
    responses: { 200: { description: 'The statistics.', body: EndpointStats } },
  },
  listEndpointStats: {
    method: 'GET',
    path: `${TENANT}/endpoint-stats`,
    scope: 'read',
    tag: 'Statistics',
    summary: 'List the endpoints of a tenant with their statistics in short',
    description: 'In the order and the pages of the list of endpoints.',
    params: TenantParams,
    query: z.strictObject({ ...pageQuery, ...StatsQuery.shape }),
    responses: {
      200: {
        description: 'A page of statistics.',
        body: page('EndpointStatsPage', EndpointStatsSummary),
      },
    },
  },
} as const satisfies Record<string, Operation>;
