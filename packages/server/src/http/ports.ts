import type { EventDraft } from '@posthorn/wire';
import type { Clock } from '../core/clock.ts';
import type { ApiKey, EventId, Ms, Session, Tenant, TenantId } from '../core/model.ts';
import type { Role } from '../core/roles.ts';
import type { Tracer } from '../core/tracing.ts';
import type { Finding } from '../delivery/catalogue/judge.ts';
import type { Erasing } from '../delivery/mending/erasing.ts';
import type { Jobs } from '../delivery/mending/jobs.ts';
import type { Mending } from '../delivery/mending/mending.ts';
import type { Purges } from '../delivery/mending/purges.ts';
import type { Registry } from '../delivery/registry/registry.ts';
import type { Tester } from '../delivery/tester.ts';
import type { Capturing } from '../inbox/capturing.ts';
import type { Recogniser } from '../inbox/recognition.ts';
import type { Inboxes } from '../inbox/registry.ts';
import type { Relay } from '../inbox/relay.ts';
import type { Replays } from '../inbox/replay.ts';
import type { InboxView } from '../inbox/view.ts';
import type { Apps } from '../oauth/apps.ts';
import type { Audit } from '../oauth/audit.ts';
import type { Grants } from '../oauth/grants.ts';
import type { Tokens } from '../oauth/tokens.ts';
import type { Visits } from '../oauth/visits.ts';
import type { CatalogueIndex } from '../store/catalogue-index.ts';
import type { GrantIndex } from '../store/grant-index.ts';
import type { InboxStore } from '../store/inbox.ts';
import type { StatsStore } from '../store/stats.ts';
import type { ConfigStore, LogStore, NodeRow } from '../store/store.ts';
import type { ReferenceFiles } from './reference.ts';
import type { SiteFiles } from './site.ts';

/** What the HTTP room needs of the rest of the house; `app.ts` hands it in. */
export interface HttpDeps {
  /** Of this node; what belongs to others is refused. */
  readonly roles: readonly Role[];
  readonly publisher: Publisher;
  readonly registry: Registry;
  readonly tester: Tester;
  /** The processes that share the store. */
  readonly nodes: () => Promise<NodeRow[]>;
  readonly mending: Mending;
  readonly jobs: Jobs;
  readonly erasing: Erasing;
  readonly purges: Purges;
  readonly config: ConfigView;
  readonly log: LogStore;
  readonly stats: StatsStore;
  /** undefined = nobody traces. */
  readonly tracer: Tracer | undefined;
  /** The log has a text index. */
  readonly searches: boolean;
  /** Has `listener` called when attempts were logged; undefined = nobody follows the log any more. */
  readonly watchLog: (listener: (() => void) | undefined) => void;
  readonly configStore: ConfigStore;
  readonly inbox: InboxDeps;
  readonly oauth: OAuthRoom;
  readonly ready: () => Promise<Readiness>;
  /** All metrics in the Prometheus text format 0.0.4. */
  readonly metrics: () => Promise<string>;
  readonly version: string;
  /** Where people reach this server; what links begin with. */
  readonly publicUrl: () => string;
  /** undefined = there is none, and no links to it are made. */
  readonly dashboard: SiteFiles | undefined;
  /** undefined = it was not built. */
  readonly reference: ReferenceFiles | undefined;
  readonly logger: HttpLogger;
  readonly now: () => Ms;
}

/** The room of apps and grants. */
export interface OAuthRoom {
  readonly apps: Apps;
  readonly grants: Grants;
  readonly tokens: Tokens;
  readonly visits: Visits;
  readonly audit: Audit;
  /** The host application's login page; undefined = people sign in at the dashboard. */
  readonly loginUrl: string | undefined;
}

/** The room of captured requests, and how its URLs look. */
export interface InboxDeps {
  readonly store: InboxStore;
  readonly view: InboxView;
  /** Where other nodes make inboxes too: brings `view` to what the store holds. */
  readonly refresh: (() => Promise<void>) | undefined;
  readonly inboxes: Inboxes;
  readonly capturing: Capturing;
  readonly relay: Relay;
  readonly recogniser: Recogniser;
  readonly replays: Replays;
  readonly clock: Clock;
  /** What senders call. */
  readonly urlOf: (name: string) => string;
  /** `{name}.{domain}` leads to inboxes too; undefined = only paths do. */
  readonly domain: string | undefined;
  readonly bodyBytesMax: number;
  readonly receivingBytesMax: number;
}

export interface Readiness {
  readonly ok: boolean;
  /** Name of a part to `ok` or to what is wrong with it; public, so without internal detail. */
  readonly checks: Readonly<Record<string, string>>;
}

export interface Published {
  readonly id: EventId;
  readonly deliveries: number;
  readonly duplicate: boolean;
  readonly warnings?: readonly Finding[];
}

/** Stores events and what they owe. Resolved = durable. Rejects with `AppError` or `StoreError`. */
export interface Publisher {
  publish(tenant: TenantId, events: readonly EventDraft[]): Promise<readonly Published[]>;
}

/** The configuration as this process knows it, in memory. */
export interface ConfigView {
  /** Grows with every change of the configuration. */
  readonly version: number;
  /** `hex` is the lower-case SHA-256 of a key's text. */
  keyByHash(hex: string): ApiKey | undefined;
  /** The same of an opened session's bearer. */
  sessionByHash(hex: string): Session | undefined;
  keyById(id: string): ApiKey | undefined;
  tenant(id: string): Tenant | undefined;
  /** The tenant, then its parents. */
  lineage(id: TenantId): readonly Tenant[];
  readonly catalogue: Pick<CatalogueIndex, 'find' | 'all'>;
  readonly grants: Pick<GrantIndex, 'app' | 'grantsOf' | 'byBot'>;
  /** Called after a change is visible here. */
  onChange(listener: () => void): () => void;
}

export interface HttpLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
