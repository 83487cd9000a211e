// Written by scripts/events.js from the catalogue beside: change that instead.
import { ferriskey } from '../catalogue/ferriskey.ts';
import type { Catalogue } from '../catalogue-types.ts';
import { presetEvents } from '../preset-events.ts';

/**
 * User created
 *
 * An account was made in the realm, by an administrator or by signing up.
 */
export interface UserCreated {
  id: string;
  realm_id: string;
  client_id?: string;
  username: string;
  firstname: string;
  lastname: string;
  email: string;
  email_verified: boolean;
  enabled: boolean;
  roles?: Record<string, unknown>[];
  realm?: Record<string, unknown>;
  required_actions: string[];
  created_at: string;
  updated_at: string;
  failed_login_attempts: number;
  locked_until: string | null;
}

/**
 * User updated
 *
 * An account was changed. Taking a role away is told by this name as well, with the role as its data.
 */
export interface UserUpdated {
  id: string;
  realm_id: string;
  client_id?: string;
  username: string;
  firstname: string;
  lastname: string;
  email: string;
  email_verified: boolean;
  enabled: boolean;
  roles?: Record<string, unknown>[];
  realm?: Record<string, unknown>;
  required_actions: string[];
  created_at: string;
  updated_at: string;
  failed_login_attempts: number;
  locked_until: string | null;
}

/**
 * User deleted
 *
 * An account was removed. The data is the account as it was.
 */
export interface UserDeleted {
  id: string;
  realm_id: string;
  client_id?: string;
  username: string;
  firstname: string;
  lastname: string;
  email: string;
  email_verified: boolean;
  enabled: boolean;
  roles?: Record<string, unknown>[];
  realm?: Record<string, unknown>;
  required_actions: string[];
  created_at: string;
  updated_at: string;
  failed_login_attempts: number;
  locked_until: string | null;
}

/**
 * Role assigned to user
 *
 * A user was given a role. The data is the role.
 */
export interface UserRoleAssigned {
  id: string;
  name: string;
  description: string | null;
  permissions: string[];
  realm_id: string;
  client_id: string | null;
  client: Record<string, unknown> | null;
  require_mfa: boolean;
  created_at: string;
  updated_at: string;
}

/**
 * Role unassigned from user
 *
 * A role was taken away from a user. FerrisKey declares this name and sends user.updated instead.
 */
export interface UserRoleUnassigned {
  id: string;
  name: string;
  description: string | null;
  permissions: string[];
  realm_id: string;
  client_id: string | null;
  client: Record<string, unknown> | null;
  require_mfa: boolean;
  created_at: string;
  updated_at: string;
}

/**
 * Users deleted in bulk
 *
 * Several accounts were removed at once. The data is the list of their ids.
 */
export type UserBulkDeleted = string[];

/**
 * User credentials deleted
 *
 * A way to sign in was removed from an account. Declared, and sent by no version that was read.
 */
export interface UserCredentialsDeleted {
  id: string;
  realm_id: string;
  client_id?: string;
  username: string;
  firstname: string;
  lastname: string;
  email: string;
  email_verified: boolean;
  enabled: boolean;
  roles?: Record<string, unknown>[];
  realm?: Record<string, unknown>;
  required_actions: string[];
  created_at: string;
  updated_at: string;
  failed_login_attempts: number;
  locked_until: string | null;
}

/**
 * Password reset
 *
 * A password reset was begun. There is no data: resource_id is the user.
 */
export type AuthResetPassword = null;

/**
 * Client created
 *
 * An application that signs users in was registered. Its secret is masked.
 */
export interface ClientCreated {
  id: string;
  enabled: boolean;
  client_id: string;
  secret: string | null;
  realm_id: string;
  protocol: string;
  public_client: boolean;
  service_account_enabled: boolean;
  direct_access_grants_enabled: boolean;
  oauth_device_code_grant_enabled: boolean;
  require_pkce: boolean;
  client_type: "confidential" | "public" | "system";
  name: string;
  redirect_uris: unknown[] | null;
  access_token_lifetime: number | null;
  refresh_token_lifetime: number | null;
  id_token_lifetime: number | null;
  temporary_token_lifetime: number | null;
  maintenance_enabled: boolean;
  maintenance_reason: string | null;
  maintenance_session_strategy: "terminate" | "expire" | null;
  created_at: string;
  updated_at: string;
}

/**
 * Client updated
 *
 * Settings of a client were changed, such as its flows or token lifetimes.
 */
export interface ClientUpdated {
  id: string;
  enabled: boolean;
  client_id: string;
  secret: string | null;
  realm_id: string;
  protocol: string;
  public_client: boolean;
  service_account_enabled: boolean;
  direct_access_grants_enabled: boolean;
  oauth_device_code_grant_enabled: boolean;
  require_pkce: boolean;
  client_type: "confidential" | "public" | "system";
  name: string;
  redirect_uris: unknown[] | null;
  access_token_lifetime: number | null;
  refresh_token_lifetime: number | null;
  id_token_lifetime: number | null;
  temporary_token_lifetime: number | null;
  maintenance_enabled: boolean;
  maintenance_reason: string | null;
  maintenance_session_strategy: "terminate" | "expire" | null;
  created_at: string;
  updated_at: string;
}

/**
 * Client deleted
 *
 * A client was removed. The data is its id alone.
 */
export type ClientDeleted = string;

/**
 * Client role created
 *
 * A role of a client was made. FerrisKey declares this name and sends role.created.
 */
export interface ClientRoleCreated {
  id: string;
  name: string;
  description: string | null;
  permissions: string[];
  realm_id: string;
  client_id: string | null;
  client: Record<string, unknown> | null;
  require_mfa: boolean;
  created_at: string;
  updated_at: string;
}

/**
 * Client role updated
 *
 * A role of a client was changed. Declared, and sent by no version that was read.
 */
export interface ClientRoleUpdated {
  id: string;
  name: string;
  description: string | null;
  permissions: string[];
  realm_id: string;
  client_id: string | null;
  client: Record<string, unknown> | null;
  require_mfa: boolean;
  created_at: string;
  updated_at: string;
}

/**
 * Redirect URI created
 *
 * A client may send users back to one more address, after sign-in or sign-out.
 */
export interface RedirectUriCreated {
  id: string;
  client_id: string;
  value: string;
  enabled: boolean;
  created_at: string;
  updated_at: string;
}

/**
 * Redirect URI updated
 *
 * An address that users are sent back to was changed, or switched on or off.
 */
export interface RedirectUriUpdated {
  id: string;
  client_id: string;
  value: string;
  enabled: boolean;
  created_at: string;
  updated_at: string;
}

/**
 * Redirect URI deleted
 *
 * Users are no longer sent back to an address. The data is its id alone.
 */
export type RedirectUriDeleted = string;

/**
 * Role created
 *
 * A role was made in the realm, or for one of its clients.
 */
export interface RoleCreated {
  id: string;
  name: string;
  description: string | null;
  permissions: string[];
  realm_id: string;
  client_id: string | null;
  client: Record<string, unknown> | null;
  require_mfa: boolean;
  created_at: string;
  updated_at: string;
}

/**
 * Role updated
 *
 * Name or description of a role were changed.
 */
export interface RoleUpdated {
  id: string;
  name: string;
  description: string | null;
  permissions: string[];
  realm_id: string;
  client_id: string | null;
  client: Record<string, unknown> | null;
  require_mfa: boolean;
  created_at: string;
  updated_at: string;
}

/**
 * Role deleted
 *
 * A role was removed; who had it no longer has its permissions.
 */
export interface RoleDeleted {
  id: string;
  name: string;
  description: string | null;
  permissions: string[];
  realm_id: string;
  client_id: string | null;
  client: Record<string, unknown> | null;
  require_mfa: boolean;
  created_at: string;
  updated_at: string;
}

/**
 * Role permissions updated
 *
 * What a role permits was changed. The data is the role with its permissions.
 */
export interface RolePermissionUpdated {
  id: string;
  name: string;
  description: string | null;
  permissions: string[];
  realm_id: string;
  client_id: string | null;
  client: Record<string, unknown> | null;
  require_mfa: boolean;
  created_at: string;
  updated_at: string;
}

/**
 * Realm created
 *
 * A realm was made. The version that was read sends this when a realm is deleted, and nothing when one is made.
 */
export interface RealmCreated {
  id: string;
  name: string;
  display_name: string | null;
  settings: Record<string, unknown> | null;
  created_at: string;
  updated_at: string;
}

/**
 * Realm updated
 *
 * Name or display name of a realm were changed.
 */
export interface RealmUpdated {
  id: string;
  name: string;
  display_name: string | null;
  settings: Record<string, unknown> | null;
  created_at: string;
  updated_at: string;
}

/**
 * Realm deleted
 *
 * A realm was removed with all that was in it. Declared, and sent as realm.created.
 */
export interface RealmDeleted {
  id: string;
  name: string;
  display_name: string | null;
  settings: Record<string, unknown> | null;
  created_at: string;
  updated_at: string;
}

/**
 * Realm settings updated
 *
 * Settings of a realm were changed, such as how it signs tokens.
 */
export type RealmSettingsUpdated = unknown;

/**
 * Webhook created
 *
 * A webhook was added. Its headers and its secret are left out.
 */
export interface WebhookCreated {
  id: string;
  endpoint: string;
  name: string | null;
  description: string | null;
  subscribers: {
    id: string;
    name: string;
    webhook_id: string;
  }[];
  triggered_at: string | null;
  updated_at: string;
  created_at: string;
}

/**
 * Webhook updated
 *
 * A webhook was changed: its address, its texts, what it is told.
 */
export interface WebhookUpdated {
  id: string;
  endpoint: string;
  name: string | null;
  description: string | null;
  subscribers: {
    id: string;
    name: string;
    webhook_id: string;
  }[];
  triggered_at: string | null;
  updated_at: string;
  created_at: string;
}

/**
 * Webhook deleted
 *
 * A webhook was removed. The data is the webhook as it was.
 */
export interface WebhookDeleted {
  id: string;
  endpoint: string;
  name: string | null;
  description: string | null;
  subscribers: {
    id: string;
    name: string;
    webhook_id: string;
  }[];
  triggered_at: string | null;
  updated_at: string;
  created_at: string;
}

/**
 * Email verified
 *
 * A user proved that an email address is theirs.
 */
export interface UserEmailVerified {
  id: string;
  realm_id: string;
  client_id?: string;
  username: string;
  firstname: string;
  lastname: string;
  email: string;
  email_verified: boolean;
  enabled: boolean;
  roles?: Record<string, unknown>[];
  realm?: Record<string, unknown>;
  required_actions: string[];
  created_at: string;
  updated_at: string;
  failed_login_attempts: number;
  locked_until: string | null;
}

/**
 * Device sign-in begun
 *
 * A device without a browser asked to be signed in. The device code is in the clear.
 */
export interface AuthDeviceFlowInitiated {
  session_id: string;
  realm_id: string;
  client_id: string;
  status: string;
  device_code: string;
  user_id: string | null;
}

/**
 * Device sign-in denied
 *
 * A user refused to sign a device in. The device code is its SHA-256.
 */
export interface AuthDeviceFlowDenied {
  session_id: string;
  realm_id: string;
  client_id: string;
  status: string;
  device_code: string;
  user_id: string | null;
}

/**
 * Device sign-in expired
 *
 * Nobody signed a device in before its code ended. The device code is its SHA-256.
 */
export interface AuthDeviceFlowExpired {
  session_id: string;
  realm_id: string;
  client_id: string;
  status: string;
  device_code: string;
  user_id: string | null;
}

/**
 * Web origin created
 *
 * Pages of one more origin may call the realm from a browser.
 */
export type WebOriginCreated = unknown;

/**
 * Web origin deleted
 *
 * Pages of an origin may no longer call the realm. The data is its id alone.
 */
export type WebOriginDeleted = string;

/**
 * Client maintenance begun
 *
 * A client was put into maintenance: nobody signs in, with a reason that is shown.
 */
export interface ClientMaintenanceEnabled {
  id: string;
  enabled: boolean;
  client_id: string;
  secret: string | null;
  realm_id: string;
  protocol: string;
  public_client: boolean;
  service_account_enabled: boolean;
  direct_access_grants_enabled: boolean;
  oauth_device_code_grant_enabled: boolean;
  require_pkce: boolean;
  client_type: "confidential" | "public" | "system";
  name: string;
  redirect_uris: unknown[] | null;
  access_token_lifetime: number | null;
  refresh_token_lifetime: number | null;
  id_token_lifetime: number | null;
  temporary_token_lifetime: number | null;
  maintenance_enabled: boolean;
  maintenance_reason: string | null;
  maintenance_session_strategy: "terminate" | "expire" | null;
  created_at: string;
  updated_at: string;
}

/**
 * Client maintenance ended
 *
 * Users of a client can sign in again.
 */
export interface ClientMaintenanceDisabled {
  id: string;
  enabled: boolean;
  client_id: string;
  secret: string | null;
  realm_id: string;
  protocol: string;
  public_client: boolean;
  service_account_enabled: boolean;
  direct_access_grants_enabled: boolean;
  oauth_device_code_grant_enabled: boolean;
  require_pkce: boolean;
  client_type: "confidential" | "public" | "system";
  name: string;
  redirect_uris: unknown[] | null;
  access_token_lifetime: number | null;
  refresh_token_lifetime: number | null;
  id_token_lifetime: number | null;
  temporary_token_lifetime: number | null;
  maintenance_enabled: boolean;
  maintenance_reason: string | null;
  maintenance_session_strategy: "terminate" | "expire" | null;
  created_at: string;
  updated_at: string;
}

/** Event types and their payloads. */
export interface Events {
  "user.created": UserCreated;
  "user.updated": UserUpdated;
  "user.deleted": UserDeleted;
  "user.role.assigned": UserRoleAssigned;
  "user.role.unassigned": UserRoleUnassigned;
  "user.bulk_deleted": UserBulkDeleted;
  "user.credentials.deleted": UserCredentialsDeleted;
  "auth.reset_password": AuthResetPassword;
  "client.created": ClientCreated;
  "client.updated": ClientUpdated;
  "client.deleted": ClientDeleted;
  "client.role.created": ClientRoleCreated;
  "client.role.updated": ClientRoleUpdated;
  "redirect_uri.created": RedirectUriCreated;
  "redirect_uri.updated": RedirectUriUpdated;
  "redirect_uri.deleted": RedirectUriDeleted;
  "role.created": RoleCreated;
  "role.updated": RoleUpdated;
  "role.deleted": RoleDeleted;
  "role.permission.updated": RolePermissionUpdated;
  "realm.created": RealmCreated;
  "realm.updated": RealmUpdated;
  "realm.deleted": RealmDeleted;
  "realm.settings.updated": RealmSettingsUpdated;
  "webhook.created": WebhookCreated;
  "webhook.updated": WebhookUpdated;
  "webhook.deleted": WebhookDeleted;
  "user.email_verified": UserEmailVerified;
  "auth.device_flow.initiated": AuthDeviceFlowInitiated;
  "auth.device_flow.denied": AuthDeviceFlowDenied;
  "auth.device_flow.expired": AuthDeviceFlowExpired;
  "web_origin.created": WebOriginCreated;
  "web_origin.deleted": WebOriginDeleted;
  "client.maintenance.enabled": ClientMaintenanceEnabled;
  "client.maintenance.disabled": ClientMaintenanceDisabled;
}

/** The events of FerrisKey, for `createReceiver({ events })`. */
export const events: Catalogue<Events> = /* @__PURE__ */ presetEvents(ferriskey);
