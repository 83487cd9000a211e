import { z } from 'zod';
import {
  API_PREFIX,
  None,
  page,
  pageQuery,
  SessionId,
  TENANT,
  TenantId,
  TenantParams,
  Timestamp,
} from './common.ts';
import { KeyScope } from './keys.ts';
import type { Operation } from './operation.ts';
import { Theme, ThemeInput } from './portal.ts';

const session = {
  id: SessionId,
  tenant: TenantId.nullable().meta({ description: 'null: an operator, with every tenant.' }),
  scopes: z.array(KeyScope),
  opened: z.boolean().meta({ description: 'false: its link was not used yet.' }),
  createdAt: Timestamp,
  expiresAt: Timestamp.meta({ description: 'Of the link until it is used, of the bearer then.' }),
};
export const Session = z.strictObject(session).meta({ id: 'Session' });
export type Session = z.infer<typeof Session>;
export const SessionPage = page('SessionPage', Session);
export const SessionParams = z.strictObject({ session: SessionId });

/** Who calls, as the dashboard needs to know it. */
export const CurrentSession = z
  .strictObject({
    id: z.string().meta({ description: 'Of the session, or of the API key that was sent.' }),
    tenant: TenantId.nullable(),
    scopes: z.array(KeyScope),
    expiresAt: Timestamp.nullable(),
    title: z.string(),
    theme: Theme.nullable().meta({ description: 'null: as the person likes it.' }),
    version: z.string().meta({ description: 'Of the server.' }),
  })
  .meta({ id: 'CurrentSession' });
export type CurrentSession = z.infer<typeof CurrentSession>;

export const OpenedSession = z
  .strictObject({ ...session, bearer: z.string() })
  .meta({ id: 'OpenedSession', description: 'The only answer that shows the bearer.' });

const link = {
  session: SessionId,
  url: z.string().meta({ description: 'Opens the session, once. Treat it like a password.' }),
  expiresAt: Timestamp.meta({ description: 'Of the link.' }),
};
export const SessionLink = z.strictObject(link).meta({ id: 'SessionLink' });

export const PortalSessionCreate = z
  .strictObject({
    role: z.enum(['read', 'write']).default('read').meta({
      description: 'read: looks. write: also manages webhooks and sends again.',
    }),
    theme: ThemeInput.nullable()
      .default(null)
      .meta({ description: "For this session; null = the tenant's." }),
  })
  .meta({ id: 'PortalSessionCreate' });

export const SESSION_TOKEN = /^phl_[\w-]{20,100}$/;
const PortalSessionParams = z.strictObject({ tenant: TenantId, session: SessionId });
const PORTAL_SESSIONS = `${TENANT}/portal-sessions` as const;

export const sessionOperations = {
  createSession: {
    method: 'POST',
    path: `${API_PREFIX}/sessions`,
    scope: 'read',
    tag: 'Sessions',
    summary: 'Exchange an API key for a session with its rights',
    description: 'A session cannot make another one. It ends with the key that made it.',
    params: None,
    query: None,
    responses: { 201: { description: 'Created.', body: OpenedSession } },
  },
  openSession: {
    method: 'POST',
    path: `${API_PREFIX}/sessions/open`,
    scope: 'public',
    tag: 'Sessions',
    summary: "Exchange a link's token for the bearer of its session, once",
    params: None,
    query: None,
    body: z.strictObject({ token: z.string().regex(SESSION_TOKEN, 'is not the token of a link') }),
    responses: { 201: { description: 'Opened.', body: OpenedSession } },
    problems: ['unauthorized'],
  },
  listSessions: {
    method: 'GET',
    path: `${API_PREFIX}/sessions`,
    scope: 'admin',
    tag: 'Sessions',
    summary: 'List sessions and links that have not ended',
    params: None,
    query: z.strictObject({ ...pageQuery, tenant: TenantId.optional() }),
    responses: { 200: { description: 'A page of sessions.', body: SessionPage } },
  },
  deleteSession: {
    method: 'DELETE',
    path: `${API_PREFIX}/sessions/{session}`,
    scope: 'admin',
    tag: 'Sessions',
    summary: 'End a session',
    params: SessionParams,
    query: None,
    responses: { 204: { description: 'Ended; its bearer no longer works.' } },
  },
  getCurrentSession: {
    method: 'GET',
    path: `${API_PREFIX}/session`,
    scope: 'read',
    tag: 'Sessions',
    summary: 'Who am I, and what may I do?',
    params: None,
    query: None,
    responses: { 200: { description: 'The session or key that was sent.', body: CurrentSession } },
  },
  deleteCurrentSession: {
    method: 'DELETE',
    path: `${API_PREFIX}/session`,
    scope: 'read',
    tag: 'Sessions',
    summary: 'Sign out',
    params: None,
    query: None,
    responses: { 204: { description: 'Ended; its bearer no longer works.' } },
    problems: ['conflict'],
  },
  createLoginLink: {
    method: 'POST',
    path: `${API_PREFIX}/login-links`,
    scope: 'admin',
    tag: 'Sessions',
    summary: 'Make a link that signs one operator in to the dashboard',
    params: None,
    query: None,
    responses: { 201: { description: 'Created.', body: SessionLink } },
  },
  createPortalSession: {
    method: 'POST',
    path: PORTAL_SESSIONS,
    scope: 'write',
    tag: 'Sessions',
    summary: "Make a link to the tenant's portal",
    description: 'The session lasts an hour. It cannot make another one.',
    params: TenantParams,
    query: None,
    body: PortalSessionCreate.prefault({}),
    responses: { 201: { description: 'Created.', body: SessionLink } },
  },
  listPortalSessions: {
    method: 'GET',
    path: PORTAL_SESSIONS,
    scope: 'write',
    tag: 'Sessions',
    summary: "List the tenant's portal sessions",
    params: TenantParams,
    query: z.strictObject(pageQuery),
    responses: { 200: { description: 'A page of sessions.', body: SessionPage } },
  },
  deletePortalSession: {
    method: 'DELETE',
    path: `${PORTAL_SESSIONS}/{session}`,
    scope: 'write',
    tag: 'Sessions',
    summary: 'End a portal session',
    params: PortalSessionParams,
    query: None,
    responses: { 204: { description: 'Ended; its bearer no longer works.' } },
  },
} as const satisfies Record<string, Operation>;
