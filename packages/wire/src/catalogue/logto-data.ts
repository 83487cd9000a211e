import type { JsonObject } from './preset.ts';
import { anyObject, flag, integer, list, ms, nullable, object, text } from './schema.ts';

/** What Logto's events carry. Times of things are numbers, milliseconds; that of the event is a text. */

export const USER_AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
export const IP = '203.0.113.7';
const SESSION = 'P5cIhGkXkAxYr6Wb9rGX1';

export const USER = {
  id: 'xz7nbya58wb7',
  username: 'alice',
  primaryEmail: 'alice@example.com',
  primaryPhone: null,
  name: 'Alice',
  avatar: null,
  customData: {},
  identities: {},
  lastSignInAt: 1727746674050,
  createdAt: 1727746673014,
  updatedAt: 1727746675090,
  profile: {},
  applicationId: 'demo-app',
  cimdClientId: null,
  isSuspended: false,
};
export const user: JsonObject = object(
  {
    id: text,
    username: nullable(text),
    primaryEmail: nullable(text),
    primaryPhone: nullable(text),
    name: nullable(text),
    avatar: nullable(text),
    customData: anyObject,
    identities: anyObject,
    lastSignInAt: nullable(ms),
    createdAt: ms,
    updatedAt: ms,
    profile: anyObject,
    applicationId: nullable(text),
    cimdClientId: nullable(text),
    isSuspended: flag,
  },
  ['cimdClientId'],
);

const APPLICATION = { id: 'demo-app', type: 'SPA', name: 'Demo', description: null };
const application = object({
  id: text,
  type: { enum: ['Native', 'SPA', 'Traditional', 'MachineToMachine', 'Protected', 'SAML'] },
  name: text,
  description: nullable(text),
});

/** An interaction of a user, with what led to it. */
export function signedIn(interactionEvent: string, more: JsonObject = {}) {
  return {
    data: { user: USER, application: APPLICATION },
    schema: object({ user, application }, ['user', 'application']),
    actor: { id: USER.id },
    context: {
      ...more,
      interactionEvent,
      sessionId: SESSION,
      userAgent: USER_AGENT,
      userIp: IP,
    },
  };
}

/** What a sign-in flow says beside what happened. */
export function flow(interactionEvent: string): JsonObject {
  return {
    interactionEvent,
    userAgent: USER_AGENT,
    applicationId: APPLICATION.id,
    sessionId: SESSION,
    ip: IP,
    application: APPLICATION,
  };
}

export const deviceFlow: JsonObject = {
  interactionEvent: 'SignIn',
  userAgent: USER_AGENT,
  applicationId: APPLICATION.id,
  sessionId: SESSION,
};

/** A call of the management API; `route` with `:name` for each of the parameters. */
export function called(
  method: string,
  route: string,
  ...[status, params = {}]: [status: number, params?: Readonly<Record<string, string>>]
): JsonObject {
  const path = route.replaceAll(/:(\w+)/g, (_, name: string) => params[name] ?? '');
  return { userAgent: 'node', ip: IP, path, method, status, params, matchedRoute: route };
}

export const ROLE = {
  tenantId: 'default',
  id: 'r7q2m9xk4p1wz8n3bv5c6',
  name: 'editor',
  description: 'May edit what others wrote',
  type: 'User',
  isDefault: false,
};
export const role: JsonObject = object(
  {
    tenantId: text,
    id: text,
    name: text,
    description: nullable(text),
    type: { enum: ['User', 'MachineToMachine'] },
    isDefault: flag,
  },
  ['isDefault'],
);

export const SCOPE = {
  tenantId: 'default',
  id: 's4k8w2xq6m1zp9n7bv3c5',
  resourceId: 'a1b2c3d4e5f6g7h8i9j0k',
  name: 'read:orders',
  description: 'Read orders',
  createdAt: 1727746673014,
};
export const scope: JsonObject = object({
  tenantId: text,
  id: text,
  resourceId: text,
  name: text,
  description: nullable(text),
  createdAt: ms,
});

export const ORGANIZATION = {
  tenantId: 'default',
  id: 'o5x9m3k7w1qz',
  name: 'Acme',
  description: null,
  customData: {},
  isMfaRequired: false,
  branding: {},
  createdAt: 1727746673014,
};
export const organization: JsonObject = object(
  {
    tenantId: text,
    id: text,
    name: text,
    description: nullable(text),
    customData: anyObject,
    isMfaRequired: flag,
    branding: anyObject,
    createdAt: ms,
  },
  ['isMfaRequired', 'branding'],
);

export const ORGANIZATION_ROLE = {
  tenantId: 'default',
  id: 'or2w6k9xm4z1q8p3n7bv5',
  name: 'admin',
  description: 'Manages members',
  type: 'User',
};

export const ORGANIZATION_SCOPE = {
  tenantId: 'default',
  id: 'os8k3w7xq1m5z9p2n6bv4',
  name: 'invite:member',
  description: 'Invite members',
};
export const organizationScope: JsonObject = object({
  tenantId: text,
  id: text,
  name: text,
  description: nullable(text),
});

export const TRUSTED_DEVICE = { id: 'd3x7k1m9w5qz', userId: USER.id, expiresAt: 1730338674050 };
export const trustedDevice: JsonObject = object({ id: text, userId: text, expiresAt: ms });

export const GRANT_LIMIT = {
  userId: USER.id,
  applicationId: APPLICATION.id,
  revokedGrantIds: ['g6k2w8xq4m1zp9n7bv3c5'],
  maxAllowedGrants: 5,
  preRevocationActiveGrantCount: 6,
};
export const grantLimit: JsonObject = object({
  userId: text,
  applicationId: text,
  revokedGrantIds: list(text),
  maxAllowedGrants: integer,
  preRevocationActiveGrantCount: integer,
});
