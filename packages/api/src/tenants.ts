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
import { RetryPolicy, RetryPolicyInput } from './retry.ts';

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
    description:
      'Refused while it has endpoints, inboxes or children. `default` cannot be deleted. Its events stay ' +
      'as long as the log is kept: to remove them as well, purge it.',
    params: TenantParams,
    query: None,
    responses: { 204: { description: 'Deleted.' } },
    problems: ['conflict'],
  },
} as const satisfies Record<string, Operation>;
