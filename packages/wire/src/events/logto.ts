// Written by scripts/events.js from the catalogue beside: change that instead.
import { logto } from '../catalogue/logto.ts';
import type { Catalogue } from '../catalogue-types.ts';
import { presetEvents } from '../preset-events.ts';

/**
 * User registered
 *
 * A user finished signing up: a good moment for a welcome.
 */
export interface PostRegister {
  user?: {
    id: string;
    username: string | null;
    primaryEmail: string | null;
    primaryPhone: string | null;
    name: string | null;
    avatar: string | null;
    customData: Record<string, unknown>;
    identities: Record<string, unknown>;
    lastSignInAt: number | null;
    createdAt: number;
    updatedAt: number;
    profile: Record<string, unknown>;
    applicationId: string | null;
    cimdClientId?: string | null;
    isSuspended: boolean;
  };
  application?: {
    id: string;
    type: "Native" | "SPA" | "Traditional" | "MachineToMachine" | "Protected" | "SAML";
    name: string;
    description: string | null;
  };
}

/**
 * User signed in
 *
 * A user signed in. Sent after the sign-in succeeded, never for one that failed.
 */
export interface PostSignIn {
  user?: {
    id: string;
    username: string | null;
    primaryEmail: string | null;
    primaryPhone: string | null;
    name: string | null;
    avatar: string | null;
    customData: Record<string, unknown>;
    identities: Record<string, unknown>;
    lastSignInAt: number | null;
    createdAt: number;
    updatedAt: number;
    profile: Record<string, unknown>;
    applicationId: string | null;
    cimdClientId?: string | null;
    isSuspended: boolean;
  };
  application?: {
    id: string;
    type: "Native" | "SPA" | "Traditional" | "MachineToMachine" | "Protected" | "SAML";
    name: string;
    description: string | null;
  };
}

/**
 * More asked of a sign-in
 *
 * A sign-in looked unusual (a new country, a far journey, a long absence, an untrusted address), so a second factor was asked for.
 */
export interface PostSignInAdaptiveMfaTriggered {
  user?: {
    id: string;
    username: string | null;
    primaryEmail: string | null;
    primaryPhone: string | null;
    name: string | null;
    avatar: string | null;
    customData: Record<string, unknown>;
    identities: Record<string, unknown>;
    lastSignInAt: number | null;
    createdAt: number;
    updatedAt: number;
    profile: Record<string, unknown>;
    applicationId: string | null;
    cimdClientId?: string | null;
    isSuspended: boolean;
  };
  application?: {
    id: string;
    type: "Native" | "SPA" | "Traditional" | "MachineToMachine" | "Protected" | "SAML";
    name: string;
    description: string | null;
  };
}

/**
 * Password reset
 *
 * A user who had forgotten a password has a new one.
 */
export interface PostResetPassword {
  user?: {
    id: string;
    username: string | null;
    primaryEmail: string | null;
    primaryPhone: string | null;
    name: string | null;
    avatar: string | null;
    customData: Record<string, unknown>;
    identities: Record<string, unknown>;
    lastSignInAt: number | null;
    createdAt: number;
    updatedAt: number;
    profile: Record<string, unknown>;
    applicationId: string | null;
    cimdClientId?: string | null;
    isSuspended: boolean;
  };
  application?: {
    id: string;
    type: "Native" | "SPA" | "Traditional" | "MachineToMachine" | "Protected" | "SAML";
    name: string;
    description: string | null;
  };
}

/**
 * User created
 *
 * An account was made, by signing up or by the management API.
 */
export interface UserCreated {
  id: string;
  username: string | null;
  primaryEmail: string | null;
  primaryPhone: string | null;
  name: string | null;
  avatar: string | null;
  customData: Record<string, unknown>;
  identities: Record<string, unknown>;
  lastSignInAt: number | null;
  createdAt: number;
  updatedAt: number;
  profile: Record<string, unknown>;
  applicationId: string | null;
  cimdClientId?: string | null;
  isSuspended: boolean;
}

/**
 * User deleted
 *
 * An account was removed. The data is the account as it was.
 */
export interface UserDeleted {
  id: string;
  username: string | null;
  primaryEmail: string | null;
  primaryPhone: string | null;
  name: string | null;
  avatar: string | null;
  customData: Record<string, unknown>;
  identities: Record<string, unknown>;
  lastSignInAt: number | null;
  createdAt: number;
  updatedAt: number;
  profile: Record<string, unknown>;
  applicationId: string | null;
  cimdClientId?: string | null;
  isSuspended: boolean;
}

/**
 * User data updated
 *
 * Profile, custom data, identities or password of an account were changed.
 */
export interface UserDataUpdated {
  id: string;
  username: string | null;
  primaryEmail: string | null;
  primaryPhone: string | null;
  name: string | null;
  avatar: string | null;
  customData: Record<string, unknown>;
  identities: Record<string, unknown>;
  lastSignInAt: number | null;
  createdAt: number;
  updatedAt: number;
  profile: Record<string, unknown>;
  applicationId: string | null;
  cimdClientId?: string | null;
  isSuspended: boolean;
}

/**
 * User suspended or reactivated
 *
 * An account was suspended, or may sign in again: see isSuspended.
 */
export interface UserSuspensionStatusUpdated {
  id: string;
  username: string | null;
  primaryEmail: string | null;
  primaryPhone: string | null;
  name: string | null;
  avatar: string | null;
  customData: Record<string, unknown>;
  identities: Record<string, unknown>;
  lastSignInAt: number | null;
  createdAt: number;
  updatedAt: number;
  profile: Record<string, unknown>;
  applicationId: string | null;
  cimdClientId?: string | null;
  isSuspended: boolean;
}

/**
 * Device trusted
 *
 * A user chose not to be asked for a second factor on a device for a while.
 */
export interface TrustedDeviceCreated {
  id: string;
  userId: string;
  expiresAt: number;
}

/**
 * Device no longer trusted
 *
 * Trust in a device ended, because somebody took it back or its time was over.
 */
export interface TrustedDeviceDeleted {
  id: string;
  userId: string;
  expiresAt: number;
}

/**
 * Role created
 *
 * A role for users or machines was made.
 */
export interface RoleCreated {
  tenantId: string;
  id: string;
  name: string;
  description: string | null;
  type: "User" | "MachineToMachine";
  isDefault?: boolean;
}

/**
 * Role deleted
 *
 * A role was removed. There is no data; params holds the id.
 */
export type RoleDeleted = unknown;

/**
 * Role data updated
 *
 * Name, description or default of a role were changed.
 */
export interface RoleDataUpdated {
  tenantId: string;
  id: string;
  name: string;
  description: string | null;
  type: "User" | "MachineToMachine";
  isDefault?: boolean;
}

/**
 * Role permissions updated
 *
 * What a role permits was changed. The data is all of its permissions.
 */
export type RoleScopesUpdated = {
  tenantId: string;
  id: string;
  resourceId: string;
  name: string;
  description: string | null;
  createdAt: number;
}[];

/**
 * Permission created
 *
 * A permission of an API resource was made.
 */
export interface ScopeCreated {
  tenantId: string;
  id: string;
  resourceId: string;
  name: string;
  description: string | null;
  createdAt: number;
}

/**
 * Permission deleted
 *
 * A permission of an API resource was removed. There is no data; params holds the ids.
 */
export type ScopeDeleted = unknown;

/**
 * Permission data updated
 *
 * Name or description of a permission were changed.
 */
export interface ScopeDataUpdated {
  tenantId: string;
  id: string;
  resourceId: string;
  name: string;
  description: string | null;
  createdAt: number;
}

/**
 * Organization created
 *
 * An organization was made: a customer, a team, a tenant of yours.
 */
export interface OrganizationCreated {
  tenantId: string;
  id: string;
  name: string;
  description: string | null;
  customData: Record<string, unknown>;
  isMfaRequired?: boolean;
  branding?: Record<string, unknown>;
  createdAt: number;
}

/**
 * Organization deleted
 *
 * An organization was removed. There is no data; params holds the id.
 */
export type OrganizationDeleted = unknown;

/**
 * Organization data updated
 *
 * Name, description, custom data or branding of an organization were changed.
 */
export interface OrganizationDataUpdated {
  tenantId: string;
  id: string;
  name: string;
  description: string | null;
  customData: Record<string, unknown>;
  isMfaRequired?: boolean;
  branding?: Record<string, unknown>;
  createdAt: number;
}

/**
 * Organization membership updated
 *
 * Users or applications joined or left an organization; the ids say who.
 */
export type OrganizationMembershipUpdated = unknown;

/**
 * Organization role created
 *
 * A role that members of organizations can have was made.
 */
export interface OrganizationRoleCreated {
  tenantId: string;
  id: string;
  name: string;
  description: string | null;
  type: "User" | "MachineToMachine";
  isDefault?: boolean;
}

/**
 * Organization role deleted
 *
 * A role of organizations was removed. There is no data; params holds the id.
 */
export type OrganizationRoleDeleted = unknown;

/**
 * Organization role data updated
 *
 * Name or description of a role of organizations were changed.
 */
export interface OrganizationRoleDataUpdated {
  tenantId: string;
  id: string;
  name: string;
  description: string | null;
  type: "User" | "MachineToMachine";
  isDefault?: boolean;
}

/**
 * Organization role permissions updated
 *
 * What a role of organizations permits was changed.
 */
export type OrganizationRoleScopesUpdated = {
  tenantId: string;
  id: string;
  name: string;
  description: string | null;
}[];

/**
 * Organization permission created
 *
 * A permission that roles of organizations can hold was made.
 */
export interface OrganizationScopeCreated {
  tenantId: string;
  id: string;
  name: string;
  description: string | null;
}

/**
 * Organization permission deleted
 *
 * A permission of organizations was removed. There is no data; params holds the id.
 */
export type OrganizationScopeDeleted = unknown;

/**
 * Organization permission data updated
 *
 * Name or description of a permission of organizations were changed.
 */
export interface OrganizationScopeDataUpdated {
  tenantId: string;
  id: string;
  name: string;
  description: string | null;
}

/**
 * Sign-in locked
 *
 * An identifier was tried with wrong secrets so often that it is locked for a time.
 */
export interface IdentifierLockout {
  type: string;
  value: string;
}

/**
 * Messages limited
 *
 * So many codes were asked for that no more are sent to a recipient for now.
 */
export interface MessageRateLimited {
  action: string;
  recipient: string;
}

/**
 * Too many sessions
 *
 * A user signed in to an application more often than is allowed: the oldest grants were revoked.
 */
export interface GrantLimitExceeded {
  userId: string;
  applicationId: string;
  revokedGrantIds: string[];
  maxAllowedGrants: number;
  preRevocationActiveGrantCount: number;
}

/** Event types and their payloads. */
export interface Events {
  "PostRegister": PostRegister;
  "PostSignIn": PostSignIn;
  "PostSignInAdaptiveMfaTriggered": PostSignInAdaptiveMfaTriggered;
  "PostResetPassword": PostResetPassword;
  "User.Created": UserCreated;
  "User.Deleted": UserDeleted;
  "User.Data.Updated": UserDataUpdated;
  "User.SuspensionStatus.Updated": UserSuspensionStatusUpdated;
  "TrustedDevice.Created": TrustedDeviceCreated;
  "TrustedDevice.Deleted": TrustedDeviceDeleted;
  "Role.Created": RoleCreated;
  "Role.Deleted": RoleDeleted;
  "Role.Data.Updated": RoleDataUpdated;
  "Role.Scopes.Updated": RoleScopesUpdated;
  "Scope.Created": ScopeCreated;
  "Scope.Deleted": ScopeDeleted;
  "Scope.Data.Updated": ScopeDataUpdated;
  "Organization.Created": OrganizationCreated;
  "Organization.Deleted": OrganizationDeleted;
  "Organization.Data.Updated": OrganizationDataUpdated;
  "Organization.Membership.Updated": OrganizationMembershipUpdated;
  "OrganizationRole.Created": OrganizationRoleCreated;
  "OrganizationRole.Deleted": OrganizationRoleDeleted;
  "OrganizationRole.Data.Updated": OrganizationRoleDataUpdated;
  "OrganizationRole.Scopes.Updated": OrganizationRoleScopesUpdated;
  "OrganizationScope.Created": OrganizationScopeCreated;
  "OrganizationScope.Deleted": OrganizationScopeDeleted;
  "OrganizationScope.Data.Updated": OrganizationScopeDataUpdated;
  "Identifier.Lockout": IdentifierLockout;
  "Message.RateLimited": MessageRateLimited;
  "Grant.LimitExceeded": GrantLimitExceeded;
}

/** The events of Logto, for `createReceiver({ events })`. */
export const events: Catalogue<Events> = /* @__PURE__ */ presetEvents(logto);
