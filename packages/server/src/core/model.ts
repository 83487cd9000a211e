/**
 * The words of the product as types (ARCHITECTURE.md, "Words"). Times are integer milliseconds since
 * the Unix epoch and always arguments; ids are text with a kind prefix; bytes are `Uint8Array`.
 */

import type { CustomFormat, DialectName, Filter } from '@posthorn/wire';
import type { CaptureId, InboxId } from './inbox.ts';
import type { GrantId } from './oauth.ts';

export type Ms = number;
export type EventId = `evt_${string}`;
export type EndpointId = `ep_${string}`;
export type AttemptId = `att_${string}`;
export type KeyId = `key_${string}`;
export type JobId = `job_${string}`;
export type SessionId = `ses_${string}`;
export type TenantId = string;

/** 0–255: the part of the key space a tenant lives in. Fixed for ever, so a store can be split by it. */
export type Slot = number;
/** A lane inside a slot: the endpoint's number × 16 + part. Part 0 unless ordering is by key. */
export type LaneId = number;
export const LANE_PARTS = 16;

/** Longest wait that is still a time; lanes with nothing to do carry it as `nextAt`. */
export const ASLEEP: Ms = 9_000_000_000_000_000;

export type HttpMethod = 'POST' | 'GET' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD';
export type Ordering = 'none' | 'endpoint' | 'key';

export interface Header {
  readonly name: string;
  readonly value: string;
}

/** When to try again. `delaysMs[i]` is the wait before attempt i + 2; attempts = delays + 1. */
export interface RetryPolicy {
  readonly delaysMs: readonly Ms[];
  /** Added at random, 0 … jitter × delay; never subtracted, so nothing is early. */
  readonly jitter: number;
  /** `any`: every failure is retried; `transient`: only 408, 425, 429, 5xx and faults. */
  readonly retryOn: 'any' | 'transient';
}

export interface SecretKey {
  /** `whsec_…` (HMAC-SHA256) or `whsk_…` (ed25519). */
  readonly value: string;
  /** Signs until then; null = the current key. Rotation keeps the old key for a while. */
  readonly expiresAt: Ms | null;
}

/** Why an endpoint is held although nobody paused it. Its deliveries wait; they are not dropped. */
export interface Disabled {
  readonly at: Ms;
  readonly reason: 'gone' | 'failing';
}

/** A registered receiver, as configuration keeps it. Inherited fields are null. */
export interface Endpoint {
  readonly id: EndpointId;
  /** Numbers the endpoint's lanes; given by the store, never re-used. */
  readonly number: number;
  readonly tenant: TenantId;
  /** The id that foreign formats show for it; null = one made of `id`. */
  readonly alias: string | null;
  readonly name: string;
  readonly description: string;
  readonly url: string;
  readonly method: HttpMethod;
  /** null = the dialect's own. */
  readonly contentType: string | null;
  readonly headers: readonly Header[];
  /** Exact names or wildcards such as `user.*`; empty = every type. */
  readonly eventTypes: readonly string[];
  /** Matched against the event's channels; empty = all. */
  readonly channels: readonly string[];
  /** What an event must be like beyond its type; null = anything. */
  readonly filter: Filter | null;
  /** Whose events: the tenant's, those of the tenants below it too, or every tenant's. */
  readonly scope: 'tenant' | 'below' | 'all';
  readonly dialect: DialectName | null;
  /** Members of `data` that are sent; empty = all of it. */
  readonly fields: readonly string[];
  /** Members of `actor` that are sent, where the format has a place for them; null = none, empty = all. */
  readonly actorFields: readonly string[] | null;
  /** Set with the dialect `custom` alone. */
  readonly custom: CustomFormat | null;
  /** The headers of Standard Webhooks beside those of another dialect. */
  readonly standardHeaders: boolean;
  readonly secrets: readonly SecretKey[];
  /** false = events are not matched at all (compare `paused`). */
  readonly enabled: boolean;
  /** true = events are matched and wait. */
  readonly paused: boolean;
  readonly disabled: Disabled | null;
  /** Requests per second; null = no limit. */
  readonly rateLimit: number | null;
  readonly maxConcurrency: number | null;
  readonly ordering: Ordering;
  readonly timeoutMs: Ms | null;
  readonly retryPolicy: RetryPolicy | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** Set = it is what an app was granted: it changes and goes with the grant, and only with it. */
  readonly grant: GrantId | null;
  readonly createdAt: Ms;
  readonly updatedAt: Ms;
}

/** What endpoints of a tenant inherit, field by field; null = the parent's, at last the system's. */
export interface TenantDefaults {
  readonly dialect: DialectName | null;
  /** What happens to events whose data does not fit the schema of their type. */
  readonly validation: 'off' | 'warn' | 'refuse' | null;
  /** Events about ourselves may be subscribed to. */
  readonly operationalEvents: boolean | null;
  readonly retryPolicy: RetryPolicy | null;
  readonly timeoutMs: Ms | null;
  readonly rateLimit: number | null;
  readonly maxConcurrency: number | null;
}

/** The portal of a tenant: who may embed it, and how it looks. */
export interface Portal {
  readonly title: string;
  readonly frameAncestors: readonly string[];
  readonly theme: Theme;
}

export interface Theme {
  /** `#rrggbb`; null = ours. */
  readonly color: string | null;
  readonly scheme: 'auto' | 'light' | 'dark';
  readonly radius: number | null;
}

export interface Tenant {
  readonly id: TenantId;
  /** The id that foreign formats show for it; null = its own, or one made of it. */
  readonly alias: string | null;
  readonly name: string;
  readonly parent: TenantId | null;
  readonly defaults: TenantDefaults;
  /** null = the portal is never embedded and looks like ours. */
  readonly portal: Portal | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly createdAt: Ms;
  readonly updatedAt: Ms;
}

/** An event as a producer might post it, without its type. */
export interface EventSample {
  readonly data: unknown;
  readonly subject?: string | undefined;
  readonly actor?: Readonly<Record<string, unknown>> | undefined;
  readonly context?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * What the catalogue says of a type of event. A tenant also has its parents' types; one of its own
 * stands before theirs.
 */
export interface EventType {
  readonly tenant: TenantId;
  readonly name: string;
  readonly group: string;
  readonly label: string;
  readonly description: string;
  /** JSON Schema of `data`; null = it may be anything. */
  readonly schema: Readonly<Record<string, unknown>> | null;
  readonly example: EventSample | null;
  /** No longer to be posted. */
  readonly archived: boolean;
  readonly createdAt: Ms;
  readonly updatedAt: Ms;
}

export type KeyScope = 'admin' | 'publish' | 'read' | 'write';

/** An API key. Its text is shown once; only the SHA-256 of it is kept. */
export interface ApiKey {
  readonly id: KeyId;
  readonly name: string;
  /** null = every tenant (then the scope is `admin`). */
  readonly tenant: TenantId | null;
  readonly scopes: readonly KeyScope[];
  /** Lower-case hex SHA-256 of the key's text. */
  readonly hash: string;
  /** First characters, so that people can tell keys apart. */
  readonly hint: string;
  readonly createdAt: Ms;
  readonly expiresAt: Ms | null;
  /** Set = it is good for one inbox and nothing else. Older releases stored no such keys. */
  readonly only?: KeyOnly | undefined;
}

export interface KeyOnly {
  readonly inbox: InboxId;
  /** It came as a link: it shows captures, with what is secret left out. */
  readonly shared: boolean;
  /** The one capture it shows; null = all. */
  readonly capture: CaptureId | null;
}

/**
 * Somebody at the dashboard or in a tenant's portal. First a link waits to be opened; opening it, once,
 * replaces the token's hash by that of the bearer, which then has these scopes until it ends.
 */
export interface Session {
  readonly id: SessionId;
  /** null = an operator, with every tenant. */
  readonly tenant: TenantId | null;
  readonly scopes: readonly KeyScope[];
  readonly opened: boolean;
  /** Lower-case hex SHA-256 of the link's token, then of the bearer. */
  readonly hash: string;
  /** It ends with this key; null = made by the server itself at its start. */
  readonly madeBy: KeyId | null;
  readonly theme: Theme | null;
  readonly createdAt: Ms;
  /** Of the link, then of the bearer. */
  readonly expiresAt: Ms;
}

/** What a producer said about an event beside type and data. */
export interface EventMeta {
  readonly subject?: string;
  readonly actor?: Readonly<Record<string, unknown>>;
  readonly context?: Readonly<Record<string, unknown>>;
  readonly headers?: readonly Header[];
  readonly orderingKey?: string;
  readonly channels?: readonly string[];
}

/** An event as delivery needs it. `data` holds the producer's bytes, untouched. */
export interface StoredEvent {
  readonly id: EventId;
  readonly slot: Slot;
  readonly tenant: TenantId;
  readonly type: string;
  readonly occurredAt: Ms;
  readonly createdAt: Ms;
  /** JSON of `EventMeta`; `''` = nothing. Parsed only by who needs it. */
  readonly meta: string;
  readonly data: Uint8Array;
}

export type DeliveryState = 'pending' | 'succeeded' | 'failed' | 'cancelled';
