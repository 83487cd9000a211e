import type { Fault, Timings } from '../core/exchange.ts';
import type {
  AttemptId,
  DeliveryState,
  Endpoint,
  EndpointId,
  EventId,
  LaneId,
  Ms,
  Slot,
  StoredEvent,
  TenantId,
} from '../core/model.ts';
import type { SearchText } from '../core/words.ts';
import type { JobStore } from './jobs.ts';
import type { StatsStore } from './stats.ts';

/**
 * The store's ports. Two rules hold for all of them: time is an argument, and a promise that
 * resolved means durable (lanes.ingest, config.put) or ordered before whatever is asked next.
 * Failures reject with `StoreError`. Every engine passes `store.suite.ts`.
 */
export interface Store {
  readonly lanes: LaneStore;
  readonly config: ConfigStore;
  readonly log: LogStore;
  readonly stats: StatsStore;
  /** Only where others can write into the store's own database. */
  readonly staged?: StagedStore;
  readonly jobs: JobStore;
  /** Where several processes share the store: whether its housekeeping is this one's business now. */
  readonly leads?: (now: Ms) => boolean;
  /** Where it is made of several. */
  readonly shards?: ShardsOfStore;
  close(): Promise<void>;
}

/** The parts of a store that is divided by slot: who takes care of each by itself outlives the loss of one. */
export interface ShardsOfStore {
  of(slot: Slot): number;
  /** To send from, one by one. */
  readonly lanes: readonly LaneStore[];
  /** Of each: who asks decides how long to wait for it. */
  stats(now: Ms): readonly Promise<StoreStats>[];
  sum(stats: readonly StoreStats[]): StoreStats;
}

/**
 * `unavailable`: try again later. `full`: no disk space. `capping`, `capped`: as large as it may be, and
 * what has ended is being removed, or nothing more has. `fatal`: the process must end (failed fsync).
 */
export class StoreError extends Error {
  readonly kind: 'unavailable' | 'full' | 'capping' | 'capped' | 'fatal' | 'conflict';
  constructor(kind: StoreError['kind'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'StoreError';
    this.kind = kind;
  }
}

// ---- events of others' transactions ---------------------------------------------------------------

/** An event that somebody published in a transaction of theirs: stored, and not yet routed. */
export interface Staged {
  readonly tenant: TenantId;
  readonly id: string;
  /** As it would be posted. */
  readonly envelope: string;
}
export type StagedOutcome =
  | { readonly kind: 'published' }
  | { readonly kind: 'refused'; readonly code: string; readonly reason: string };

export interface StagedStore {
  /**
   * Hands the oldest to `publish`, in order, and removes what it took; one caller at a time over all
   * nodes. Resolves with how many. What is handed over twice has the same id.
   */
  drain(
    limit: number,
    publish: (rows: readonly Staged[]) => Promise<StagedOutcome[]>,
  ): Promise<number>;
}

// ---- lanes: the hot path -------------------------------------------------------------------------

export interface LaneKey {
  readonly slot: Slot;
  readonly lane: LaneId;
}

export interface NewEvent extends StoredEvent {
  /** The producer's own id; the same one again is the same event for the whole retention. */
  readonly idempotencyKey: string | undefined;
  /** SHA-256 of the event as posted; set whenever `idempotencyKey` is. */
  readonly hash: Uint8Array | undefined;
  readonly lanes: readonly LaneId[];
}

export interface StoreLimits {
  /** Deliveries one lane may owe; more are recorded as skipped. */
  readonly laneMax: number;
  /** Wider fan-outs are stored with their event and expanded by `maintain`, a step at a time. */
  readonly inlineFanoutMax: number;
}

export const STORE_LIMITS: StoreLimits = { laneMax: 1_000_000, inlineFanoutMax: 10_000 };

/** One producer request: its events are accepted or refused together. */
export interface IngestRequest {
  readonly events: readonly NewEvent[];
}

export type IngestReply =
  | { readonly kind: 'accepted'; readonly events: readonly IngestedEvent[] }
  /** `events[index]` repeats an id with other bytes; nothing of this request was stored. */
  | { readonly kind: 'conflict'; readonly index: number; readonly existing: EventId }
  /** Routed by an older configuration than the store's: refresh, route again, repeat. */
  | { readonly kind: 'stale'; readonly version: number }
  /** Nothing of this request was stored, although others of the batch were: they lie elsewhere. */
  | { readonly kind: 'failed'; readonly error: StoreError };

export interface IngestedEvent {
  readonly id: EventId;
  readonly duplicate: boolean;
  readonly deliveries: number;
  /** Deliveries are not simply due at `now` in each of `lanes`: ordered, skipped or expanded later. */
  readonly irregular: boolean;
}

export interface Lane extends LaneKey {
  readonly endpoint: EndpointId;
  /** Processes that died while holding it, since it was last released in good order. */
  readonly strikes: number;
  /** Set when it was taken from a dead node: rows that were due then may have been sent already. */
  readonly crashedAt: Ms | undefined;
  /** First failure since the last success, and how many; 0 = healthy. */
  readonly failingSince: Ms;
  readonly failures: number;
}

export interface DeliveryKey extends LaneKey {
  readonly dueAt: Ms;
  readonly event: EventId;
  /** 0 = as routed; each resend or replay of the delivery is the next run. */
  readonly run: number;
}

export interface Due extends DeliveryKey {
  /** It goes under a webhook-id of its own, not under its event's. */
  readonly ownId: boolean;
  /** Attempts made so far in this run. */
  readonly attempt: number;
  /** Times a process said it was about to send and never came back (see `start`). */
  readonly starts: number;
}

export interface Cursor extends LaneKey {
  readonly after: { readonly dueAt: Ms; readonly event: EventId; readonly run: number } | undefined;
  readonly limit: number;
}

export interface LoadedDelivery {
  /** undefined = it is gone, or its payload was erased. */
  readonly event: StoredEvent | undefined;
  /** The body this run was first sent with; undefined before the first logged attempt. */
  readonly frozen: Uint8Array | undefined;
  /** What is stored of it is not what was put there: it must not be sent. */
  readonly damaged?: true;
}

/**
 * The body of a request as it is kept: most dialects carry the event's data verbatim, so only what
 * stands around it is stored again; later attempts of a run send the same bytes.
 */
export type SentBody =
  | { readonly kind: 'around'; readonly before: Uint8Array; readonly after: Uint8Array }
  | { readonly kind: 'full'; readonly bytes: Uint8Array }
  | { readonly kind: 'same' };

/** One exchange (or, with `n` 0 and a fault, a decision without one), as the log keeps it; its id is the store's. */
export interface AttemptRecord {
  readonly tenant: TenantId;
  readonly type: string;
  readonly endpoint: EndpointId;
  readonly n: number;
  readonly startedAt: Ms;
  readonly timings: Timings;
  readonly status: number | undefined;
  readonly fault: Fault | undefined;
  readonly detail: string;
  readonly remoteAddress: string | undefined;
  readonly method: string;
  readonly url: string;
  readonly requestHead: Uint8Array;
  readonly body: SentBody;
  readonly responseHead: Uint8Array;
  readonly responseBody: Uint8Array;
  readonly responseTruncated: boolean;
  /** The heads hold a secret (an endpoint's own header value): they are sealed at rest. */
  readonly secretHeads: boolean;
  readonly afterCrash: boolean;
}

export type Next =
  | { readonly kind: 'retry'; readonly at: Ms }
  /** Ordered lanes: the row keeps its place; the lane waits instead. */
  | { readonly kind: 'keep'; readonly at: Ms }
  | { readonly kind: 'succeeded' | 'failed' | 'cancelled' };

export interface Result {
  readonly key: Due;
  readonly attempt: AttemptRecord;
  readonly next: Next;
  /** Set on the attempt that decided it; applied to the endpoint in the same transaction. */
  readonly disable: { readonly reason: 'gone' | 'failing' } | undefined;
  /** Events about ourselves, stored in the transaction that makes them true; undefined = none. */
  readonly notices: readonly Notice[] | undefined;
}

/** An event about ourselves; stored only if what it tells really came about through its result. */
export interface Notice {
  readonly event: NewEvent;
  readonly when: NoticeWhen;
}
export type NoticeWhen =
  /** The result changed its delivery. */
  | { readonly kind: 'applied' }
  /** It was this one that disabled the endpoint. */
  | { readonly kind: 'disabled' }
  /** The delivery's run before this one had ended as failed. */
  | { readonly kind: 'recovered' }
  /** Of this level or a higher one nothing was told since the endpoint's last success or change. */
  | { readonly kind: 'failing'; readonly level: number };

export interface Release extends LaneKey {
  /** The lane does nothing before then: rate limit, ordered back-off, open circuit. */
  readonly notBefore: Ms;
  readonly failingSince: Ms;
  readonly failures: number;
}

export interface LaneCommand extends LaneKey {
  readonly do: 'cancel' | 'retryNow';
  readonly event: EventId;
  readonly run: number;
}

export interface LaneStore {
  /** Registers this process. The id is never re-used. */
  join(info: NodeInfo, ttlMs: Ms, now: Ms): Promise<number>;
  /** false = fenced: drop everything, join again. */
  heartbeat(node: number, ttlMs: Ms, now: Ms): Promise<boolean>;
  leave(node: number, now: Ms): Promise<void>;
  /** All that joined and have neither left nor been reaped, in the order they joined. */
  nodes(now: Ms): Promise<NodeRow[]>;
  /** Frees the lanes of nodes whose lease ended, a strike on each. */
  reap(now: Ms): Promise<{ readonly nodes: number; readonly lanes: number }>;

  /** Durable when resolved. Each request is atomic; a fault fails the whole batch. */
  ingest(batch: readonly IngestRequest[], configVersion: number, now: Ms): Promise<IngestReply[]>;
  /** Takes up to `max` free lanes that have something due, longest due first. */
  acquire(node: number, max: number, now: Ms): Promise<Acquired>;
  /** Due rows of lanes the node holds, in key order from each cursor. */
  fetch(cursors: readonly Cursor[], now: Ms): Promise<Due[]>;
  load(rows: readonly Due[]): Promise<LoadedDelivery[]>;
  /** Writes down that a struck lane's row is about to be sent; its `starts` grows by one. */
  start(node: number, key: Due): Promise<void>;
  /**
   * Applies outcomes, gives lanes back, and carries out commands waiting for `node`'s lanes. Of a lane
   * that `node` does not hold (any more) only successes count; the rest is logged and changes nothing.
   * Of an event that has been removed nothing is logged.
   */
  complete(node: number, work: Completion, now: Ms): Promise<Completed>;
  /** On a free lane at once; on a held one the holder applies it in its next `complete`. */
  command(commands: readonly LaneCommand[], now: Ms): Promise<('applied' | 'queued' | 'absent')[]>;
  /**
   * A new run of deliveries that have ended, or the first one to an endpoint that the event was not
   * routed to; due at `now`. Of an event and an endpoint one run at most is owed at a time.
   */
  requeue(what: readonly Requeue[], now: Ms): Promise<Requeued[]>;
}

export interface NodeInfo {
  readonly name: string;
  readonly version: string;
  /** What the process does beside sending; told to people. */
  readonly roles?: readonly string[];
  /** When the process began; default: now. */
  readonly since?: Ms | undefined;
}
/** A process of the store, as people see it. */
export interface NodeRow {
  readonly id: number;
  readonly name: string;
  readonly version: string;
  readonly roles: readonly string[];
  readonly joinedAt: Ms;
  readonly beatAt: Ms;
  /** false = its lease has ended; it is taken from the list as soon as another node sees to it. */
  readonly alive: boolean;
  /** Lanes it sends for, and what is due in them and has not ended; counted up to NODE_BACKLOG_MAX. */
  readonly lanes: number;
  readonly backlog: number;
  /** How far its clock is behind the store's. */
  readonly clockOffsetMs: number;
}
export const NODE_BACKLOG_MAX = 10_000;
export interface Acquired {
  readonly lanes: readonly Lane[];
  /** Lanes of this node with commands waiting: call `complete` soon. */
  readonly commanded: readonly LaneKey[];
  /** When the next free lane has something to do; ASLEEP = none. */
  readonly nextAt: Ms;
}
export interface Completion {
  readonly results: readonly Result[];
  readonly release: readonly Release[];
}
export interface Completed {
  /** true = this node's lease was gone: only successes and the log were applied. */
  readonly fenced: boolean;
  /** Rows that commands removed or moved under the lanes of this node: forget them. */
  readonly moved: readonly DeliveryKey[];
}
export interface Requeue extends LaneKey {
  readonly event: EventId;
  /** Refused unless this is its last run, so that asking twice is sending once. */
  readonly after: number | undefined;
  readonly ownId: boolean;
}
export type Requeued =
  | { readonly kind: 'owed'; readonly run: number }
  /** Nothing new: `run` is still owed, or came after the one that was to be repeated. */
  | { readonly kind: 'pending' | 'superseded'; readonly run: number }
  /**
   * No such event, lane or run, or it is being removed; its payload was erased; its endpoint is
   * deleted; its lane is full.
   */
  | { readonly kind: 'unknown' | 'erased' | 'closed' | 'full' };

// ---- configuration -------------------------------------------------------------------------------

export type ConfigKind =
  | 'app'
  | 'audit'
  /** On its way to another store of several, and how far what comes from others is (sharded/). */
  | 'crossing'
  | 'shard'
  | 'tenant'
  | 'endpoint'
  | 'event-type'
  | 'grant'
  | 'grant-name'
  | 'inbox'
  | 'inbox-name'
  | 'key'
  | 'session'
  | 'visit';

export interface ConfigItem {
  readonly kind: ConfigKind;
  readonly id: string;
  readonly tenant: TenantId;
  /** Of the change that wrote it; grows over all items of the store. */
  readonly version: number;
  /** null = deleted. */
  readonly value: unknown;
}

export interface ConfigChange {
  readonly kind: ConfigKind;
  readonly id: string;
  readonly tenant: TenantId;
  /** null deletes. A new endpoint whose `number` is 0 gets one from the store. */
  readonly value: unknown;
  /** The version the writer saw; 0 = must not exist; undefined = whatever is there. */
  readonly expected: number | undefined;
}

export interface ConfigStore {
  /**
   * All or nothing, in one transaction with the lanes that endpoints need and the events that tell of
   * the change. Rejects `conflict`.
   */
  put(
    changes: readonly ConfigChange[],
    now: Ms,
    events?: readonly NewEvent[],
  ): Promise<{ version: number; items: ConfigItem[] }>;
  /**
   * What changed after `since`, oldest first, at most `limit` items, of these kinds only if any are
   * given. `version`: nothing of that was left out up to it.
   */
  changes(
    since: number,
    limit: number,
    kinds?: readonly ConfigKind[],
  ): Promise<{ version: number; items: ConfigItem[] }>;
  read(kind: ConfigKind, id: string): Promise<ConfigItem | undefined>;
  /** In any order, without those that do not exist. */
  readMany(kind: ConfigKind, ids: readonly string[]): Promise<ConfigItem[]>;
  list(kind: ConfigKind, query: ConfigQuery): Promise<Page<ConfigItem>>;
  /**
   * Removes things without a trace, so the change feed never tells: only what everybody knows to have
   * ended. The newest change of all stays, because versions are counted from it.
   */
  forget(kind: ConfigKind, ids: readonly string[]): Promise<void>;
}
export interface ConfigQuery {
  readonly tenant: TenantId | undefined;
  readonly limit: number;
  /** The last id of the page before. */
  readonly after: string | undefined;
}

// ---- the log -------------------------------------------------------------------------------------

export interface Page<T> {
  readonly items: T[];
  /**
   * Opaque; undefined = the end. A page may be short, even empty, and still have a next one: how many
   * rows one page may look at is bounded.
   */
  readonly next: string | undefined;
  /** Of a search: what was stored until then could be found; undefined = everything. */
  readonly searchedTo?: Ms | undefined;
}

export interface LogQuery {
  readonly tenant: TenantId;
  readonly endpoint?: EndpointId | undefined;
  readonly event?: EventId | undefined;
  /** An event type, or a pattern such as `user.*`. */
  readonly type?: string | undefined;
  readonly state?: DeliveryState | undefined;
  /** Of an attempt; of a delivery's last one. Both ends belong to the range. */
  readonly status?: { readonly least: number; readonly most: number } | undefined;
  readonly fault?: Fault | undefined;
  readonly idempotencyKey?: string | undefined;
  readonly subject?: string | undefined;
  /** Words of the event, or of what its failed attempts were answered. */
  readonly text?: SearchText | undefined;
  /** Of an event and its deliveries when it was stored; of an attempt when it began. */
  readonly from?: Ms | undefined;
  readonly to?: Ms | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface EventRow extends Omit<StoredEvent, 'data'> {
  readonly idempotencyKey: string | undefined;
  readonly sizeBytes: number;
  readonly deliveries: number;
  /** Since then its data and meta are gone; undefined = they are here. */
  readonly erasedAt: Ms | undefined;
}
export interface DeliveryRow {
  readonly event: EventId;
  readonly endpoint: EndpointId;
  readonly lane: LaneId;
  readonly run: number;
  readonly tenant: TenantId;
  readonly type: string;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly createdAt: Ms;
  /** Of the last attempt. */
  readonly status: number | undefined;
  readonly fault: Fault | undefined;
  readonly lastAttemptAt: Ms | undefined;
  /** When a pending one is due. */
  readonly nextAt: Ms | undefined;
}
export interface AttemptRow {
  readonly id: AttemptId;
  readonly event: EventId;
  readonly endpoint: EndpointId;
  readonly run: number;
  readonly tenant: TenantId;
  readonly type: string;
  readonly n: number;
  readonly startedAt: Ms;
  readonly durationMs: number;
  readonly status: number | undefined;
  readonly fault: Fault | undefined;
  readonly detail: string;
  readonly afterCrash: boolean;
  /** The bytes of both sides are gone, on request or for their age. */
  readonly erased: boolean;
  /** How the delivery stood after it; `pending` = to be tried again at `nextAt`. */
  readonly state: DeliveryState;
  readonly nextAt: Ms | undefined;
}

/** One attempt with the exact bytes of both sides. */
export interface WholeAttempt {
  readonly row: AttemptRow;
  readonly timings: Timings;
  readonly remoteAddress: string | undefined;
  readonly method: string;
  readonly url: string;
  readonly requestHead: Uint8Array;
  readonly requestBody: Uint8Array;
  readonly responseHead: Uint8Array;
  readonly responseBody: Uint8Array;
  readonly responseTruncated: boolean;
}

export interface StoreStats {
  readonly pending: number;
  readonly lanesAwake: number;
  readonly lanesHeld: number;
  readonly oldestDueAt: Ms | undefined;
  readonly events: number;
  readonly attempts: number;
  /** Time of the newest event's id; 0 = there is none. Ids given out after it are new. */
  readonly newestAt: Ms;
  /** Until when there is a place for what happens then; undefined = it needs none made ahead. */
  readonly roomUntil?: Ms;
}

export interface RetentionPolicy {
  /** Log rows, events and deliveries still held older than this go (the deliveries as failed, expired). */
  readonly logMs: Ms;
  /** Data and stored bodies of what owes nothing go when they are older; undefined = with the log. */
  readonly payloadMs?: Ms | undefined;
  /** As large as the store may be: what has ended goes, oldest first, before it is. */
  readonly bytesMax?: number | undefined;
  /** Rows touched in one call; the caller comes again while `more`. */
  readonly chunk: number;
}
export interface MaintenanceReport {
  readonly expanded: number;
  readonly cancelled: number;
  readonly expired: number;
  readonly removed: number;
  /** Events that lost their payload. */
  readonly erased: number;
  readonly more: boolean;
}

/** What was logged after a place in the log, oldest first. Places are opaque. */
export interface Tail {
  readonly items: { readonly place: string; readonly row: AttemptRow }[];
  /** Where to go on. It also moves over what belongs to others. */
  readonly place: string;
  /** Rows that stood between may have been removed, or the place is not of this log. */
  readonly missed: boolean;
  /** Rows of the log, of all tenants, that stand after `place`. */
  readonly behind: number;
}

export interface Erasure {
  readonly tenant: TenantId;
  readonly event: EventId;
  /** 0, or the `next` of the step before. */
  readonly from: number;
}
export interface Erased {
  readonly erasedAt: Ms;
  readonly cancelled: number;
  /** Pending in lanes that are held: their holders have been asked. */
  readonly asked: number;
  /** undefined = that was all. */
  readonly next: number | undefined;
}

export interface LogStore {
  events(query: LogQuery): Promise<Page<EventRow>>;
  event(tenant: TenantId, id: EventId): Promise<(EventRow & { data: Uint8Array }) | undefined>;
  deliveries(query: LogQuery): Promise<Page<DeliveryRow>>;
  attempts(query: LogQuery): Promise<Page<AttemptRow>>;
  attempt(tenant: TenantId, id: AttemptId): Promise<WholeAttempt | undefined>;
  /** Attempts in the order in which they were logged; `after` undefined = from now on. */
  tail(tenant: TenantId, after: string | undefined, limit: number): Promise<Tail>;
  stats(now: Ms): Promise<StoreStats>;
  /**
   * Deliveries owed now by a tenant's endpoints; of those that serve all tenants, what lies beside the
   * tenant's own. Above 100,000 of one lane it may be less than there are.
   */
  pending(tenant: TenantId): Promise<number>;
  /** The same of each of these endpoints, wherever it lies. */
  pendingOf(endpoints: readonly Pick<Endpoint, 'id' | 'tenant' | 'scope'>[]): Promise<number[]>;
  /**
   * Takes the payload of an event: its data and meta, and the bytes of its attempts. What is pending is
   * cancelled, at once or by the holder of its lane. One bounded step, durable when resolved; the first
   * takes what could be sent, the others follow with `next`. undefined = there is no such event.
   */
  erase(what: Erasure, now: Ms): Promise<Erased | undefined>;
  /** One bounded step of housekeeping; needs no exclusivity, only one caller is enough. */
  maintain(policy: RetentionPolicy, now: Ms): Promise<MaintenanceReport>;
}
