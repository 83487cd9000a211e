import { z } from 'zod';
import {
  API_PREFIX,
  Metadata,
  None,
  page,
  pageQuery,
  TENANT,
  TenantId,
  TenantParams,
  Timestamp,
  Version,
} from './common.ts';
import { Alias, Dialect } from './format.ts';
import type { Operation } from './operation.ts';
import { Portal, PortalInput } from './portal.ts';

const Seconds = z.number().min(0).max(604_800);

/** When to try again, as people write it: a list of waits, or base × factor up to max. */
export const RetryPolicyInput = z
  .strictObject({
    attempts: z.int().min(1).max(100).optional().meta({
      description: 'All attempts, the first included. A shorter schedule repeats its last wait.',
    }),
    schedule: z.array(Seconds).max(99).optional().meta({ description: 'Waits in seconds.' }),
    base: Seconds.optional().meta({ description: 'First wait in seconds; not with schedule.' }),
    factor: z.number().min(1).max(100).optional().meta({ description: 'Default 2; 1 = fixed.' }),
    max: Seconds.optional().meta({ description: 'Longest wait in seconds; default 86,400.' }),
    jitter: z.number().min(0).max(1).optional().meta({ description: 'Default 0.2; only later.' }),
    retryOn: z.enum(['any', 'transient']).optional().meta({
      description: 'transient: only 408, 425, 429, 5xx and failed connections. Default any.',
    }),
  })
  .refine((p) => p.schedule === undefined || p.base === undefined, {
    path: ['base'],
    message: 'use either schedule or base',
  })
  .refine((p) => p.base !== undefined || (p.factor === undefined && p.max === undefined), {
    path: ['base'],
    message: 'factor and max need base',
  })
  .refine((p) => p.schedule?.length !== 0 || p.attempts === undefined || p.attempts === 1, {
    path: ['schedule'],
    message: 'an empty schedule allows one attempt',
  })
  .meta({ id: 'RetryPolicyInput' });
export type RetryPolicyInput = z.infer<typeof RetryPolicyInput>;

/** The policy as kept: every wait spelled out. It may be sent back as it is. */
export const RetryPolicy = z
  .strictObject({
    attempts: z.int(),
    schedule: z.array(z.number()),
    jitter: z.number(),
    retryOn: z.enum(['any', 'transient']),
  })
  .meta({ id: 'RetryPolicy' });

/** Limits that tenants hand down and endpoints may set; null = inherited. */
export const limits = {
  timeoutMs: z.int().min(1000).max(30_000).nullable(),
  rateLimit: z.number().gt(0).max(10_000).nullable().meta({ description: 'Requests per second.' }),
  maxConcurrency: z.int().min(1).max(256).nullable(),
};

const dialect = Dialect.nullable().meta({
  description: "Of endpoints that name none. Not `custom`, whose format is the endpoint's own.",
});

const switches = {
  validation: z.enum(['off', 'warn', 'refuse']).nullable().meta({
    description: 'Of posted events against the catalogue; null = inherited, at last off.',
  }),
  operationalEvents: z.boolean().nullable().meta({
    description: 'Events about ourselves, such as delivery.failed; null = inherited, at last true.',
  }),
};

const TenantDefaultsInput = z
  .strictObject({
    dialect: dialect.default(null),
    validation: switches.validation.default(null),
    operationalEvents: switches.operationalEvents.default(null),
    retryPolicy: RetryPolicyInput.nullable().default(null),
    timeoutMs: limits.timeoutMs.default(null),
    rateLimit: limits.rateLimit.default(null),
    maxConcurrency: limits.maxConcurrency.default(null),
  })
  .meta({ id: 'TenantDefaultsInput' });

export const TenantInput = z
  .strictObject({
    alias: Alias.nullable().default(null),
    name: z.string().max(200).default(''),
    parent: TenantId.nullable().default(null),
    defaults: TenantDefaultsInput.prefault({}),
    portal: PortalInput.nullable()
      .default(null)
      .meta({ description: 'null: never embedded, our looks.' }),
    metadata: Metadata.default({}),
    version: Version.optional(),
  })
  .meta({ id: 'TenantInput' });

export const Tenant = z
  .strictObject({
    id: TenantId,
    alias: Alias.nullable(),
    name: z.string(),
    parent: TenantId.nullable(),
    defaults: z.strictObject({
      dialect,
      ...switches,
      retryPolicy: RetryPolicy.nullable(),
      ...limits,
    }),
    portal: Portal.nullable(),
    metadata: Metadata,
    version: Version,
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: 'Tenant' });
export type Tenant = z.infer<typeof Tenant>;

export const TenantPage = page('TenantPage', Tenant);
export const TenantQuery = z.strictObject(pageQuery);

export const tenantOperations = {
  listTenants: {
    method: 'GET',
    path: `${API_PREFIX}/tenants`,
    scope: 'admin',
    tag: 'Tenants',
    summary: 'List tenants',
    params: None,
    query: TenantQuery,
    responses: { 200: { description: 'A page of ', body: TenantPage } },
  },
  getTenant: {
    method: 'GET',
    path: TENANT,
    scope: 'read',
    tag: 'Tenants',
    summary: 'Get a tenant',
    params: TenantParams,
    query: None,
    responses: { 200: { description: 'The tenant.', body: Tenant } },
  },
  putTenant: {
    method: 'PUT',
    path: TENANT,
    scope: 'admin',
    tag: 'Tenants',
    summary: 'Create or replace a tenant',
    params: TenantParams,
    query: None,
    body: TenantInput,
    responses: { 200: { description: 'The tenant as it is now.', body: Tenant } },
    problems: ['conflict'],
  },
  deleteTenant: {
    method: 'DELETE',
    path: TENANT,
    scope: 'admin',
    tag: 'Tenants',
    summary: 'Delete a tenant and its keys',
    description: 'Refused while it has endpoints or children. `default` cannot be deleted.',
    params: TenantParams,
    query: None,
    responses: { 204: { description: 'Deleted.' } },
    problems: ['conflict'],
  },
} as const satisfies Record<string, Operation>;
