import { z } from 'zod';
import { API_PREFIX, KeyId, None, page, pageQuery, TenantId, Timestamp } from './common.ts';
import type { Operation } from './operation.ts';

export const KeyScope = z.enum(['admin', 'publish', 'read', 'write']);

export const KeyCreate = z
  .strictObject({
    name: z.string().max(200).default(''),
    tenant: TenantId.nullable().meta({ description: 'null: an admin key, for every tenant.' }),
    scopes: z.array(KeyScope).min(1).max(4),
    expiresAt: Timestamp.nullable().default(null),
  })
  .refine((key) => new Set(key.scopes).size === key.scopes.length, {
    path: ['scopes'],
    message: 'names a scope twice',
  })
  .refine((key) => (key.tenant === null) === key.scopes.includes('admin'), {
    path: ['scopes'],
    message: 'admin goes with tenant null, and only with it',
  })
  .refine((key) => !key.scopes.includes('admin') || key.scopes.length === 1, {
    path: ['scopes'],
    message: 'admin includes every other scope',
  })
  .meta({ id: 'KeyCreate' });

const key = {
  id: KeyId,
  name: z.string(),
  tenant: TenantId.nullable(),
  scopes: z.array(KeyScope),
  hint: z.string().meta({ description: 'First characters, to tell keys apart.' }),
  createdAt: Timestamp,
  expiresAt: Timestamp.nullable(),
};
export const Key = z.strictObject(key).meta({ id: 'Key' });
export type Key = z.infer<typeof Key>;

export const CreatedKey = z
  .strictObject({ ...key, key: z.string() })
  .meta({ id: 'CreatedKey', description: 'The only answer that shows the key itself.' });
export const KeyPage = page('KeyPage', Key);
export const KeyQuery = z.strictObject({ ...pageQuery, tenant: TenantId.optional() });
export const KeyParams = z.strictObject({ key: KeyId });

export const keyOperations = {
  createKey: {
    method: 'POST',
    path: `${API_PREFIX}/keys`,
    scope: 'admin',
    tag: 'Keys',
    summary: 'Create an API key; its text is shown once',
    params: None,
    query: None,
    body: KeyCreate,
    responses: { 201: { description: 'Created.', body: CreatedKey } },
  },
  listKeys: {
    method: 'GET',
    path: `${API_PREFIX}/keys`,
    scope: 'admin',
    tag: 'Keys',
    summary: 'List API keys',
    params: None,
    query: KeyQuery,
    responses: { 200: { description: 'A page of ', body: KeyPage } },
  },
  deleteKey: {
    method: 'DELETE',
    path: `${API_PREFIX}/keys/{key}`,
    scope: 'admin',
    tag: 'Keys',
    summary: 'Delete an API key',
    params: KeyParams,
    query: None,
    responses: { 204: { description: 'Deleted; it no longer works.' } },
    problems: ['conflict'],
  },
} as const satisfies Record<string, Operation>;
