import { z } from 'zod';
import {
  AppId,
  None,
  page,
  pageQuery,
  TENANT,
  TenantId,
  TenantParams,
  Timestamp,
  Version,
} from './common.ts';
import type { Operation } from './operation.ts';

/** Programs that tenants grant events to (docs/oauth.md). */

const LOGO = /^data:image\/(?:png|jpeg|webp|gif|svg\+xml);base64,[A-Za-z0-9+/]+={0,2}$/;
const LOGO_CHARS_MAX = 65_536;

const fields = {
  name: z.string().trim().min(1).max(100),
  website: z
    .url({ protocol: /^https?$/ })
    .max(2000)
    .nullable(),
  logo: z
    .string()
    .max(LOGO_CHARS_MAX)
    .regex(LOGO, 'must be a data: URL of a PNG, JPEG, WebP, GIF or SVG image in base64')
    .nullable()
    .meta({
      description: 'A small image as a `data:` URL, so that no page fetches it from elsewhere.',
    }),
  redirectUris: z
    .array(z.string().max(2000))
    .max(20)
    .meta({
      description:
        'Where answers may go: https, http on a loopback, or a scheme with a dot. Requests must name one ' +
        'of them character for character.',
    }),
  webhookUrl: z.string().max(2048).nullable().meta({
    description: 'Where events go; null = the app may ask for none.',
  }),
  dialect: z.enum([
    'cand',
    'standard',
    'casdoor',
    'casdoor-docs',
    'ferriskey',
    'logto',
    'caisy',
    'raw',
  ]),
  scope: z.enum(['tenant', 'below', 'all']).meta({
    description:
      "Whose admins may grant it something: this tenant's; those of the tenants below it too; every " +
      "tenant's. The latter two with admin keys only.",
  }),
  public: z.boolean().meta({
    description: 'true: it runs in a browser or on a device, so it has no secret; PKCE proves it.',
  }),
};

export const AppCreate = z
  .strictObject({
    name: fields.name,
    website: fields.website.default(null),
    logo: fields.logo.default(null),
    redirectUris: fields.redirectUris.default([]),
    webhookUrl: fields.webhookUrl.default(null),
    dialect: fields.dialect.default('cand'),
    scope: fields.scope.default('tenant'),
    public: fields.public.default(false),
  })
  .meta({ id: 'AppCreate' });

export const AppPatch = z
  .strictObject({ ...fields, version: Version })
  .partial()
  .meta({ id: 'AppPatch' });

export const App = z
  .strictObject({
    id: AppId,
    tenant: TenantId,
    clientId: AppId.meta({ description: 'What OAuth calls `client_id`: the same as `id`.' }),
    ...fields,
    clientSecret: z
      .strictObject({ hint: z.string(), createdAt: Timestamp })
      .nullable()
      .meta({ description: 'First characters; the text was shown once. null = there is none.' }),
    grants: z
      .int()
      .min(0)
      .meta({ description: 'How many tenants and members granted it something.' }),
    version: Version,
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: 'App' });
export type App = z.infer<typeof App>;

export const AppPage = page('AppPage', App);
export const AppParams = z.strictObject({ tenant: TenantId, app: AppId });
export const APP = `${TENANT}/apps/{app}` as const;

export const AppSecret = z
  .strictObject({ clientSecret: z.string() })
  .meta({ id: 'AppSecret', description: 'The only answer that shows it.' });
export const AppSigningSecret = z
  .strictObject({ secret: z.string() })
  .meta({ id: 'AppSigningSecret' });

export const appOperations = {
  createApp: {
    method: 'POST',
    path: `${TENANT}/apps`,
    scope: 'write',
    tag: 'Apps',
    summary: 'Create an app',
    params: TenantParams,
    query: None,
    body: AppCreate,
    responses: { 201: { description: 'Created.', body: App } },
    problems: ['conflict', 'url_refused'],
  },
  listApps: {
    method: 'GET',
    path: `${TENANT}/apps`,
    scope: 'read',
    tag: 'Apps',
    summary: "List the tenant's own apps",
    params: TenantParams,
    query: z.strictObject(pageQuery),
    responses: { 200: { description: 'A page of apps.', body: AppPage } },
  },
  getApp: {
    method: 'GET',
    path: APP,
    scope: 'read',
    tag: 'Apps',
    summary: 'Get an app',
    params: AppParams,
    query: None,
    responses: { 200: { description: 'The app.', body: App } },
  },
  updateApp: {
    method: 'PATCH',
    path: APP,
    scope: 'write',
    tag: 'Apps',
    summary: 'Change fields of an app; the endpoints of its grants follow in the same moment',
    params: AppParams,
    query: None,
    body: AppPatch,
    responses: { 200: { description: 'The app as it is now.', body: App } },
    problems: ['conflict', 'url_refused'],
  },
  deleteApp: {
    method: 'DELETE',
    path: APP,
    scope: 'write',
    tag: 'Apps',
    summary: 'Delete an app; everything it was granted ends',
    params: AppParams,
    query: None,
    responses: { 204: { description: 'Deleted.' } },
    problems: ['conflict'],
  },
  createAppSecret: {
    method: 'POST',
    path: `${APP}/secret`,
    scope: 'write',
    tag: 'Apps',
    summary: 'Make a client secret; the one before stops working',
    params: AppParams,
    query: None,
    responses: { 201: { description: 'Made.', body: AppSecret } },
    problems: ['conflict'],
  },
  getAppSigningSecret: {
    method: 'GET',
    path: `${APP}/signing-secret`,
    scope: 'write',
    tag: 'Apps',
    summary: 'Show the secret that signs what the app is sent, in dialects that sign',
    params: AppParams,
    query: None,
    responses: { 200: { description: 'The secret.', body: AppSigningSecret } },
  },
} as const satisfies Record<string, Operation>;
