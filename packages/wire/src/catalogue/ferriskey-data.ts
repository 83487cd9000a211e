import type { JsonObject } from './preset.ts';
import { anyObject, flag, integer, list, nullable, object, text, time, uuid } from './schema.ts';

/** What FerrisKey's events carry, in the order in which its structs are written. */

export const REALM = '01914b3c-5678-7f5a-b456-000000000002';
export const USER_ID = '01914b3c-5678-7f5a-b456-000000000009';
export const CLIENT_ID = '01914b3c-5678-7f5a-b456-00000000000c';
const WEBHOOK_ID = '019cfa6f-4b00-7c3e-9a51-3d2f6b8c0e17';
const CREATED = '2026-03-17T14:30:00.120000Z';

export const USER = {
  id: USER_ID,
  realm_id: REALM,
  username: 'alice',
  firstname: 'Alice',
  lastname: 'Smith',
  email: 'alice@example.com',
  email_verified: false,
  enabled: true,
  required_actions: [],
  created_at: CREATED,
  updated_at: CREATED,
  failed_login_attempts: 0,
  locked_until: null,
};
export const user: JsonObject = object(
  {
    id: uuid,
    realm_id: uuid,
    client_id: uuid,
    username: text,
    firstname: text,
    lastname: text,
    email: text,
    email_verified: flag,
    enabled: flag,
    roles: list(anyObject),
    realm: anyObject,
    required_actions: list(text),
    created_at: time,
    updated_at: time,
    failed_login_attempts: integer,
    locked_until: nullable(time),
  },
  ['client_id', 'roles', 'realm'],
);

export const ROLE = {
  id: '01914b3c-5678-7f5a-b456-00000000000b',
  name: 'editor',
  description: 'May edit what others wrote',
  permissions: ['query_users', 'view_users'],
  realm_id: REALM,
  client_id: null,
  client: null,
  require_mfa: false,
  created_at: CREATED,
  updated_at: CREATED,
};
export const role: JsonObject = object({
  id: uuid,
  name: text,
  description: nullable(text),
  permissions: list(text),
  realm_id: uuid,
  client_id: nullable(uuid),
  client: nullable(anyObject),
  require_mfa: flag,
  created_at: time,
  updated_at: time,
});

export const CLIENT = {
  id: CLIENT_ID,
  enabled: true,
  client_id: 'web-shop',
  secret: '***',
  realm_id: REALM,
  protocol: 'openid-connect',
  public_client: false,
  service_account_enabled: false,
  direct_access_grants_enabled: false,
  oauth_device_code_grant_enabled: false,
  require_pkce: true,
  client_type: 'confidential',
  name: 'Web shop',
  redirect_uris: null,
  access_token_lifetime: 300,
  refresh_token_lifetime: 86400,
  id_token_lifetime: 300,
  temporary_token_lifetime: 300,
  maintenance_enabled: false,
  maintenance_reason: null,
  maintenance_session_strategy: null,
  created_at: CREATED,
  updated_at: CREATED,
};
export const client: JsonObject = object({
  id: uuid,
  enabled: flag,
  client_id: text,
  secret: nullable(text),
  realm_id: uuid,
  protocol: text,
  public_client: flag,
  service_account_enabled: flag,
  direct_access_grants_enabled: flag,
  oauth_device_code_grant_enabled: flag,
  require_pkce: flag,
  client_type: { enum: ['confidential', 'public', 'system'] },
  name: text,
  redirect_uris: nullable({ type: 'array' }),
  access_token_lifetime: nullable(integer),
  refresh_token_lifetime: nullable(integer),
  id_token_lifetime: nullable(integer),
  temporary_token_lifetime: nullable(integer),
  maintenance_enabled: flag,
  maintenance_reason: nullable(text),
  maintenance_session_strategy: { enum: ['terminate', 'expire', null] },
  created_at: time,
  updated_at: time,
});

export const REDIRECT_URI = {
  id: '01914b3c-5678-7f5a-b456-00000000000d',
  client_id: CLIENT_ID,
  value: 'https://shop.example.com/callback',
  enabled: true,
  created_at: CREATED,
  updated_at: CREATED,
};
export const redirectUri: JsonObject = object({
  id: uuid,
  client_id: uuid,
  value: text,
  enabled: flag,
  created_at: time,
  updated_at: time,
});

/** Its members are not documented; these are the obvious ones. */
export const WEB_ORIGIN = {
  id: '01914b3c-5678-7f5a-b456-00000000000e',
  client_id: CLIENT_ID,
  value: 'https://shop.example.com',
  created_at: CREATED,
  updated_at: CREATED,
};

export const REALM_DATA = {
  id: REALM,
  name: 'acme',
  display_name: 'Acme',
  settings: null,
  created_at: CREATED,
  updated_at: CREATED,
};
export const realm: JsonObject = object({
  id: uuid,
  name: text,
  display_name: nullable(text),
  settings: nullable(anyObject),
  created_at: time,
  updated_at: time,
});

/** The members of settings differ between versions. */
export const REALM_SETTINGS = {
  id: '01914b3c-5678-7f5a-b456-00000000000f',
  realm_id: REALM,
  default_signing_algorithm: 'RS256',
  updated_at: CREATED,
};

export const WEBHOOK = {
  id: WEBHOOK_ID,
  endpoint: 'https://crm.example.com/hooks/ferriskey',
  name: 'CRM',
  description: 'Keeps customers in step with accounts',
  subscribers: [
    {
      id: '019cfa6f-4b01-7d20-8f4c-6a1e9b2d3c58',
      name: 'user.created',
      webhook_id: WEBHOOK_ID,
    },
  ],
  triggered_at: null,
  updated_at: CREATED,
  created_at: CREATED,
};
export const webhook: JsonObject = object({
  id: uuid,
  endpoint: text,
  name: nullable(text),
  description: nullable(text),
  subscribers: list(object({ id: uuid, name: text, webhook_id: uuid })),
  triggered_at: nullable(time),
  updated_at: time,
  created_at: time,
});

export const DEVICE_FLOW = {
  session_id: '019cfa6f-5c10-7e6b-b0a4-7d1c2e3f4a59',
  realm_id: REALM,
  client_id: CLIENT_ID,
  status: 'pending',
  device_code: 'GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS',
  user_id: null as string | null,
};
export const deviceFlow: JsonObject = object({
  session_id: uuid,
  realm_id: uuid,
  client_id: uuid,
  status: text,
  device_code: text,
  user_id: nullable(uuid),
});

export function endedDeviceFlow(status: string, userId: string | null): typeof DEVICE_FLOW {
  const digest = 'c1f79a02a6f1e4d0a3b1b3f0c9d85e5b4f8f0f0f8c1d2e3a4b5c6d7e8f901234';
  return { ...DEVICE_FLOW, status, device_code: digest, user_id: userId };
}
