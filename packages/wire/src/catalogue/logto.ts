import * as data from './logto-data.ts';
import { type JsonObject, type Preset, type PresetEvent, presetEvent } from './preset.ts';
import { list, object, text } from './schema.ts';

/** Logto: 31 events in the order of its code. Two of them are behind a feature flag for developers. */

interface Told {
  readonly label: string;
  readonly description: string;
  readonly data?: unknown;
  readonly schema?: JsonObject | null;
  readonly actor?: JsonObject;
  readonly context?: JsonObject;
}

function inGroup(group: string) {
  return (name: string, told: Told): PresetEvent => {
    const { label, description, data = null, schema = null, ...more } = told;
    return presetEvent(name, { group, label, description, schema, example: { data, ...more } });
  };
}

const interaction = inGroup('User interaction');
const user = inGroup('User');
const device = inGroup('Trusted device');
const role = inGroup('Role');
const permission = inGroup('Permission (Scope)');
const organization = inGroup('Organization');
const organizationRole = inGroup('Organization role');
const organizationPermission = inGroup('Organization permission');
const security = inGroup('Security');

const { signedIn, called, flow } = data;
const ofUser = { data: data.USER, schema: data.user };
const ofRole = { data: data.ROLE, schema: data.role };
const ofScope = { data: data.SCOPE, schema: data.scope };
const ofOrganization = { data: data.ORGANIZATION, schema: data.organization };
const ofOrganizationRole = { data: data.ORGANIZATION_ROLE, schema: data.role };
const ofOrganizationScope = { data: data.ORGANIZATION_SCOPE, schema: data.organizationScope };

const INTERACTIONS: readonly PresetEvent[] = [
  interaction('PostRegister', {
    label: 'User registered',
    description: 'A user finished signing up: a good moment for a welcome.',
    ...signedIn('Register'),
  }),
  interaction('PostSignIn', {
    label: 'User signed in',
    description: 'A user signed in. Sent after the sign-in succeeded, never for one that failed.',
    ...signedIn('SignIn'),
  }),
  interaction('PostSignInAdaptiveMfaTriggered', {
    label: 'More asked of a sign-in',
    description:
      'A sign-in looked unusual (a new country, a far journey, a long absence, an untrusted address), so a second factor was asked for.',
    ...signedIn('SignIn', {
      adaptiveMfaResult: {
        requiresMfa: true,
        triggeredRules: [
          { rule: 'new_country', details: { currentCountry: 'DE', knownCountries: ['FR'] } },
        ],
      },
    }),
  }),
  interaction('PostResetPassword', {
    label: 'Password reset',
    description: 'A user who had forgotten a password has a new one.',
    ...signedIn('ForgotPassword'),
  }),
];

const USERS: readonly PresetEvent[] = [
  user('User.Created', {
    label: 'User created',
    description: 'An account was made, by signing up or by the management API.',
    ...ofUser,
    context: called('POST', '/users', 200),
  }),
  user('User.Deleted', {
    label: 'User deleted',
    description: 'An account was removed. The data is the account as it was.',
    ...ofUser,
    context: called('DELETE', '/users/:userId', 204, { userId: data.USER.id }),
  }),
  user('User.Data.Updated', {
    label: 'User data updated',
    description: 'Profile, custom data, identities or password of an account were changed.',
    ...ofUser,
    context: called('PATCH', '/users/:userId', 200, { userId: data.USER.id }),
  }),
  user('User.SuspensionStatus.Updated', {
    label: 'User suspended or reactivated',
    description: 'An account was suspended, or may sign in again: see isSuspended.',
    data: { ...data.USER, isSuspended: true },
    schema: data.user,
    context: called('PATCH', '/users/:userId/is-suspended', 200, { userId: data.USER.id }),
  }),
  device('TrustedDevice.Created', {
    label: 'Device trusted',
    description: 'A user chose not to be asked for a second factor on a device for a while.',
    data: data.TRUSTED_DEVICE,
    schema: data.trustedDevice,
    context: data.deviceFlow,
  }),
  device('TrustedDevice.Deleted', {
    label: 'Device no longer trusted',
    description: 'Trust in a device ended, because somebody took it back or its time was over.',
    data: data.TRUSTED_DEVICE,
    schema: data.trustedDevice,
    context: data.deviceFlow,
  }),
];

const ROLES: readonly PresetEvent[] = [
  role('Role.Created', {
    label: 'Role created',
    description: 'A role for users or machines was made.',
    ...ofRole,
    context: called('POST', '/roles', 200),
  }),
  role('Role.Deleted', {
    label: 'Role deleted',
    description: 'A role was removed. There is no data; params holds the id.',
    context: called('DELETE', '/roles/:id', 204, { id: data.ROLE.id }),
  }),
  role('Role.Data.Updated', {
    label: 'Role data updated',
    description: 'Name, description or default of a role were changed.',
    ...ofRole,
    context: called('PATCH', '/roles/:id', 200, { id: data.ROLE.id }),
  }),
  role('Role.Scopes.Updated', {
    label: 'Role permissions updated',
    description: 'What a role permits was changed. The data is all of its permissions.',
    data: [data.SCOPE],
    schema: list(data.scope),
    context: {
      ...called('POST', '/roles/:id/scopes', 201, { id: data.ROLE.id }),
      roleId: data.ROLE.id,
    },
  }),
  permission('Scope.Created', {
    label: 'Permission created',
    description: 'A permission of an API resource was made.',
    ...ofScope,
    context: called('POST', '/resources/:resourceId/scopes', 201, {
      resourceId: data.SCOPE.resourceId,
    }),
  }),
  permission('Scope.Deleted', {
    label: 'Permission deleted',
    description:
      'A permission of an API resource was removed. There is no data; params holds the ids.',
    context: called('DELETE', '/resources/:resourceId/scopes/:scopeId', 204, {
      resourceId: data.SCOPE.resourceId,
      scopeId: data.SCOPE.id,
    }),
  }),
  permission('Scope.Data.Updated', {
    label: 'Permission data updated',
    description: 'Name or description of a permission were changed.',
    ...ofScope,
    context: called('PATCH', '/resources/:resourceId/scopes/:scopeId', 200, {
      resourceId: data.SCOPE.resourceId,
      scopeId: data.SCOPE.id,
    }),
  }),
];

const ORGANIZATIONS: readonly PresetEvent[] = [
  organization('Organization.Created', {
    label: 'Organization created',
    description: 'An organization was made: a customer, a team, a tenant of yours.',
    ...ofOrganization,
    context: called('POST', '/organizations', 201),
  }),
  organization('Organization.Deleted', {
    label: 'Organization deleted',
    description: 'An organization was removed. There is no data; params holds the id.',
    context: called('DELETE', '/organizations/:id', 204, { id: data.ORGANIZATION.id }),
  }),
  organization('Organization.Data.Updated', {
    label: 'Organization data updated',
    description: 'Name, description, custom data or branding of an organization were changed.',
    ...ofOrganization,
    context: called('PATCH', '/organizations/:id', 200, { id: data.ORGANIZATION.id }),
  }),
  organization('Organization.Membership.Updated', {
    label: 'Organization membership updated',
    description: 'Users or applications joined or left an organization; the ids say who.',
    context: {
      ...called('POST', '/organizations/:id/users', 201, { id: data.ORGANIZATION.id }),
      organizationId: data.ORGANIZATION.id,
      addedUserIds: [data.USER.id],
    },
  }),
  organizationRole('OrganizationRole.Created', {
    label: 'Organization role created',
    description: 'A role that members of organizations can have was made.',
    ...ofOrganizationRole,
    context: called('POST', '/organization-roles', 201),
  }),
  organizationRole('OrganizationRole.Deleted', {
    label: 'Organization role deleted',
    description: 'A role of organizations was removed. There is no data; params holds the id.',
    context: called('DELETE', '/organization-roles/:id', 204, { id: data.ORGANIZATION_ROLE.id }),
  }),
  organizationRole('OrganizationRole.Data.Updated', {
    label: 'Organization role data updated',
    description: 'Name or description of a role of organizations were changed.',
    ...ofOrganizationRole,
    context: called('PATCH', '/organization-roles/:id', 200, { id: data.ORGANIZATION_ROLE.id }),
  }),
  organizationRole('OrganizationRole.Scopes.Updated', {
    label: 'Organization role permissions updated',
    description: 'What a role of organizations permits was changed.',
    data: [data.ORGANIZATION_SCOPE],
    schema: list(data.organizationScope),
    context: {
      ...called('PUT', '/organization-roles/:id/scopes', 204, { id: data.ORGANIZATION_ROLE.id }),
      organizationRoleId: data.ORGANIZATION_ROLE.id,
    },
  }),
  organizationPermission('OrganizationScope.Created', {
    label: 'Organization permission created',
    description: 'A permission that roles of organizations can hold was made.',
    ...ofOrganizationScope,
    context: called('POST', '/organization-scopes', 201),
  }),
  organizationPermission('OrganizationScope.Deleted', {
    label: 'Organization permission deleted',
    description:
      'A permission of organizations was removed. There is no data; params holds the id.',
    context: called('DELETE', '/organization-scopes/:id', 204, { id: data.ORGANIZATION_SCOPE.id }),
  }),
  organizationPermission('OrganizationScope.Data.Updated', {
    label: 'Organization permission data updated',
    description: 'Name or description of a permission of organizations were changed.',
    ...ofOrganizationScope,
    context: called('PATCH', '/organization-scopes/:id', 200, { id: data.ORGANIZATION_SCOPE.id }),
  }),
];

const EXCEPTIONS: readonly PresetEvent[] = [
  security('Identifier.Lockout', {
    label: 'Sign-in locked',
    description:
      'An identifier was tried with wrong secrets so often that it is locked for a time.',
    data: { type: 'username', value: 'alice' },
    schema: object({ type: text, value: text }),
    context: flow('SignIn'),
  }),
  security('Message.RateLimited', {
    label: 'Messages limited',
    description: 'So many codes were asked for that no more are sent to a recipient for now.',
    data: { action: 'SendVerificationCode', recipient: 'alice@example.com' },
    schema: object({ action: text, recipient: text }),
    context: flow('ForgotPassword'),
  }),
  security('Grant.LimitExceeded', {
    label: 'Too many sessions',
    description:
      'A user signed in to an application more often than is allowed: the oldest grants were revoked.',
    data: data.GRANT_LIMIT,
    schema: data.grantLimit,
    context: { userAgent: data.USER_AGENT, ip: data.IP },
  }),
];

export const logto: Preset = {
  name: 'logto',
  label: 'Logto',
  description:
    'What happens in a Logto tenant: sign-ups and sign-ins, changes of users, roles, permissions and ' +
    'organizations, and what security notices.',
  eventTypes: [...INTERACTIONS, ...USERS, ...ROLES, ...ORGANIZATIONS, ...EXCEPTIONS],
};
