import type { Client } from '@posthorn/api/browser';

/** One item of a list, as the client's answer has it. */
type ItemOf<Id extends keyof Client> =
  Awaited<ReturnType<Client[Id]>> extends { items: readonly (infer Item)[] } ? Item : never;

export type EndpointTest = Awaited<ReturnType<Client['testEndpoint']>>;
export type AttemptRow = ItemOf<'listAttempts'>;
export type DeliveryRow = ItemOf<'listDeliveries'>;
export type EventRow = ItemOf<'listEvents'>;
export type EndpointRow = ItemOf<'listEndpoints'>;
export type TenantRow = ItemOf<'listTenants'>;
export type KeyRow = ItemOf<'listKeys'>;
export type AppRow = ItemOf<'listApps'>;
export type GrantRow = ItemOf<'listGrants'>;
export type AuditRow = ItemOf<'listAudit'>;
export type NodeRow = ItemOf<'listNodes'>;
export type SessionRow = ItemOf<'listSessions'>;
export type WholeAttempt = Awaited<ReturnType<Client['getAttempt']>>;
export type WholeEvent = Awaited<ReturnType<Client['getEvent']>>;
export type EventTypeRow = ItemOf<'listEventTypes'>;
export type ReplayRow = ItemOf<'listReplays'>;
export type InboxRow = ItemOf<'listInboxes'>;
export type CaptureRow = ItemOf<'listCaptures'>;
export type ShareRow = ItemOf<'listShares'>;
export type ListenerRow = ItemOf<'listListeners'>;
export type WholeCapture = Awaited<ReturnType<Client['getCapture']>>;
export type TenantStats = Awaited<ReturnType<Client['getTenantStats']>>;
export type EndpointStats = Awaited<ReturnType<Client['getEndpointStats']>>;
export type EndpointStatsRow = ItemOf<'listEndpointStats'>;
export type StatsBucket = TenantStats['buckets'][number];
export type StatsWindow = TenantStats['window'];
