import { z } from 'zod';
import { APP, AppParams } from './apps.ts';
import {
  AppId,
  AuditId,
  EndpointId,
  GrantId,
  None,
  page,
  pageQuery,
  TENANT,
  TenantId,
  TenantParams,
  Timestamp,
} from './common.ts';
import type { Operation } from './operation.ts';

/** What apps were granted, who did it, and who people are at the consent page (docs/oauth.md). */

const Person = z
  .strictObject({
    id: z
      .string()
      .min(1)
      .max(200)
      .meta({ description: "The host application's id of the person." }),
    name: z.string().max(200),
  })
  .meta({ id: 'Person' });
const Role = z.enum(['admin', 'member']);

export const Grant = z
  .strictObject({
    id: GrantId,
    tenant: TenantId,
    app: z.strictObject({ id: AppId, name: z.string(), website: z.string().nullable() }),
    role: Role.meta({ description: 'admin: for the tenant. member: for themselves.' }),
    person: Person.meta({ description: 'Who agreed last.' }),
    scopes: z.array(z.string()),
    eventTypes: z.array(z.string()).meta({ description: 'What the scopes let it hear.' }),
    endpoint: EndpointId.nullable().meta({
      description: 'Where that goes; null = it hears nothing.',
    }),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: 'Grant' });
export type Grant = z.infer<typeof Grant>;
const GrantPage = page('GrantPage', Grant);
const GrantParams = z.strictObject({ tenant: TenantId, grant: GrantId });

export const WebhookScope = z
  .strictObject({
    scope: z.string().meta({ example: 'webhook:MOIM:product' }),
    events: z.array(
      z.strictObject({
        type: z.string(),
        label: z.string(),
        description: z.string(),
        scope: z.string().meta({ description: 'Asks for this type alone.' }),
      }),
    ),
  })
  .meta({ id: 'WebhookScope' });
export type WebhookScope = z.infer<typeof WebhookScope>;

export const AuditEntry = z
  .strictObject({
    id: AuditId,
    at: Timestamp,
    action: z.enum([
      'app.created',
      'app.updated',
      'app.secret_created',
      'app.deleted',
      'grant.created',
      'grant.extended',
      'grant.renewed',
      'grant.revoked',
      'grant.replay_stopped',
    ]),
    actor: z.strictObject({
      kind: z.enum(['person', 'key', 'session', 'app']),
      id: z.string(),
      name: z.string(),
    }),
    app: z.strictObject({ id: AppId, name: z.string() }),
    grant: GrantId.nullable(),
    scopes: z.array(z.string()).meta({ description: 'Those that were added, or taken away.' }),
  })
  .meta({ id: 'AuditEntry' });
export type AuditEntry = z.infer<typeof AuditEntry>;

export const SignInCreate = z
  .strictObject({
    user: z.strictObject({ id: Person.shape.id, name: Person.shape.name.default('') }),
    role: Role,
    returnTo: z.string().max(8000).meta({
      description:
        'What stood in `return_to` when the person was sent to the login page, unchanged.',
    }),
  })
  .meta({ id: 'SignInCreate' });
export const SignIn = z
  .strictObject({
    url: z.string().meta({
      description:
        'Send the browser there. It works once, and only in the browser that was sent to log in.',
    }),
    expiresAt: Timestamp,
  })
  .meta({ id: 'SignIn' });

export const TokenState = z
  .strictObject({
    active: z.boolean(),
    kind: z.enum(['access', 'bot']).optional(),
    scopes: z.array(z.string()).optional(),
    app: AppId.optional(),
    grant: GrantId.optional(),
    person: Person.optional(),
    role: Role.optional(),
    expiresAt: Timestamp.optional(),
  })
  .meta({ id: 'TokenState' });

export const grantOperations = {
  listGrants: {
    method: 'GET',
    path: `${TENANT}/grants`,
    scope: 'read',
    tag: 'Grants',
    summary: 'List what this tenant and its members granted',
    params: TenantParams,
    query: z.strictObject(pageQuery),
    responses: { 200: { description: 'A page of grants.', body: GrantPage } },
  },
  getGrant: {
    method: 'GET',
    path: `${TENANT}/grants/{grant}`,
    scope: 'read',
    tag: 'Grants',
    summary: 'Get a grant',
    params: GrantParams,
    query: None,
    responses: { 200: { description: 'The grant.', body: Grant } },
  },
  revokeGrant: {
    method: 'DELETE',
    path: `${TENANT}/grants/{grant}`,
    scope: 'write',
    tag: 'Grants',
    summary: 'Revoke a grant: nothing more is sent, and its tokens are worth nothing',
    params: GrantParams,
    query: None,
    responses: { 204: { description: 'Revoked.' } },
    problems: ['conflict'],
  },
  listAppGrants: {
    method: 'GET',
    path: `${APP}/grants`,
    scope: 'read',
    tag: 'Grants',
    summary: 'List what an app of this tenant was granted, here and elsewhere',
    params: AppParams,
    query: z.strictObject(pageQuery),
    responses: { 200: { description: 'A page of grants.', body: GrantPage } },
  },
  listWebhookScopes: {
    method: 'GET',
    path: `${TENANT}/webhook-scopes`,
    scope: 'read',
    tag: 'Grants',
    summary: 'List the scopes that ask for events, made from the catalogue',
    params: TenantParams,
    query: None,
    responses: {
      200: {
        description: 'By scope.',
        body: z.strictObject({ items: z.array(WebhookScope) }).meta({ id: 'WebhookScopes' }),
      },
    },
  },
  listAudit: {
    method: 'GET',
    path: `${TENANT}/audit`,
    scope: 'read',
    tag: 'Grants',
    summary: 'List who did what to apps and grants; the last thousand entries',
    params: TenantParams,
    query: z.strictObject(pageQuery),
    responses: { 200: { description: 'A page of entries.', body: page('AuditPage', AuditEntry) } },
  },
  createSignIn: {
    method: 'POST',
    path: `${TENANT}/sign-ins`,
    scope: 'write',
    tag: 'Grants',
    summary: 'Vouch for somebody at the consent page',
    description:
      'For the host application, once it knows who came to its login page. A portal session cannot.',
    params: TenantParams,
    query: None,
    body: SignInCreate,
    responses: { 201: { description: 'Created.', body: SignIn } },
  },
  introspectToken: {
    method: 'POST',
    path: `${TENANT}/introspect`,
    scope: 'read',
    tag: 'Grants',
    summary: "What an app's access or bot token is good for at this tenant",
    description: "For the host application's own API. Tokens of other tenants are not active here.",
    params: TenantParams,
    query: None,
    body: z.strictObject({ token: z.string().min(1).max(256) }).meta({ id: 'TokenQuestion' }),
    responses: { 200: { description: 'What it is good for.', body: TokenState } },
  },
} as const satisfies Record<string, Operation>;
