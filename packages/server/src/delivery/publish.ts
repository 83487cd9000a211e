import { createHash } from 'node:crypto';
import { type EventDraft, encodeMeta, type FilterMeter } from '@posthorn/wire';
import type { Clock } from '../core/clock.ts';
import type { At } from '../core/crash-sites.ts';
import { AppError } from '../core/errors.ts';
import { applyFilters, FILTER_STEPS_MAX } from '../core/filtering.ts';
import type { IdFactory } from '../core/ids.ts';
import type { Endpoint, EventId, TenantId } from '../core/model.ts';
import { laneOf, slotOf } from '../core/routing.ts';
import type { ConfigView } from '../store/config-view.ts';
import {
  type IngestReply,
  type IngestRequest,
  type LaneStore,
  type NewEvent,
  StoreError,
} from '../store/store.ts';
import type { Finding } from './catalogue/judge.ts';

export interface PublishedEvent {
  readonly id: EventId;
  /** To how many endpoints it is owed; of a repeated event, what it was the first time. */
  readonly deliveries: number;
  /** The same event was accepted before under this id. */
  readonly duplicate: boolean;
  /** Why it is not what the catalogue says, where the tenant wants to be warned; else left out. */
  readonly warnings?: readonly Finding[];
}

export interface PublisherOptions {
  readonly store: LaneStore;
  readonly view: ConfigView;
  readonly ids: IdFactory;
  readonly clock: Clock;
  /** Requests beyond these wait nowhere: they are refused with 429. */
  readonly queueEventsMax: number;
  readonly queueBytesMax: number;
  readonly at: At;
  /** How many batches are stored side by side on a slow disk, at most. */
  readonly batchesMax?: number | undefined;
  /** An endpoint got an event because its filter cost too much to be answered. */
  readonly undecided?: (endpoint: Endpoint) => void;
  /** Compares events with the catalogue; see `EventJudge`. */
  readonly judge?: (
    tenant: TenantId,
    drafts: readonly EventDraft[],
  ) => Promise<(Finding | undefined)[]> | undefined;
}

const BATCH_EVENTS_MAX = 500;
const BATCH_BYTES_MAX = 4 * 1024 * 1024;
const REROUTE_MAX = 50;
const SLOW_COMMIT_MS = 30;
const BATCHES_ON_SLOW_DISK = 64;

interface Waiting {
  readonly tenant: TenantId;
  readonly drafts: readonly EventDraft[];
  readonly bytes: number;
  readonly findings: readonly (Finding | undefined)[] | undefined;
  reroutes: number;
  readonly resolve: (events: PublishedEvent[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * From drafts to stored events. A batch is what queued while the last one was committing: alone a
 * request waits for nobody, and under load batches grow by themselves.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #queue: Waiting[] = [];
  #head = 0;
  #events = 0;
  #bytes = 0;
  #storing = 0;
  /** How long a batch takes to be durable; believed slow until it has proved quick. */
  #commitMs = 100;
  #scheduled = false;
  #closed = false;
  readonly #emptied: (() => void)[] = [];

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /**
   * Resolves once the events and all they owe are durable. Rejects with `AppError`: `not_found` (no
   * such tenant), `idempotency_conflict` and `event_invalid` (name the index), `overloaded`,
   * `disk_full`, `store_full`, `store_unavailable`, `shutting_down`. Nothing of a rejected request is stored.
   */
  async publish(tenant: TenantId, drafts: readonly EventDraft[]): Promise<PublishedEvent[]> {
    const { view, queueEventsMax, queueBytesMax, at } = this.#options;
    if (this.#closed)
      throw new AppError('shutting_down', 'This node is stopping; send to another or retry.');
    if (!view.tenant(tenant)) {
      await view.refresh();
      if (!view.tenant(tenant)) {
        throw noTenant(tenant);
      }
    }
    let bytes = 0;
    for (const draft of drafts) bytes += draft.raw.length;
    if (this.#events + drafts.length > queueEventsMax || this.#bytes + bytes > queueBytesMax) {
      throw new AppError(
        'overloaded',
        'Events arrive faster than they can be stored. Retry shortly.',
        {
          retryAfterS: 1,
        },
      );
    }
    at('ingest:accepted');
    this.#events += drafts.length;
    this.#bytes += bytes;
    const judging = this.#options.judge?.(tenant, drafts);
    const findings = judging && (await this.#judged(judging, { drafts, bytes }));
    return new Promise((resolve, reject) => {
      this.#queue.push({ tenant, drafts, bytes, findings, reroutes: 0, resolve, reject });
      this.#schedule();
    });
  }

  async #judged(
    judging: Promise<(Finding | undefined)[]>,
    taken: Pick<Waiting, 'drafts' | 'bytes'>,
  ): Promise<(Finding | undefined)[]> {
    try {
      return await judging;
    } catch (error) {
      this.#release(taken);
      throw publishError(error);
    }
  }

  /** Refuses what comes from now on; resolves once what was taken in is answered. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#events > 0) await new Promise<void>((resolve) => this.#emptied.push(resolve));
  }

  get queued(): number {
    return this.#events;
  }

  /**
   * On a quick disk one: a second would only halve both. On a slow one several, or whoever comes while
   * one is flushed would wait for two flushes more.
   */
  get #batchesMax(): number {
    const quick = this.#commitMs <= SLOW_COMMIT_MS;
    return quick ? 1 : (this.#options.batchesMax ?? BATCHES_ON_SLOW_DISK);
  }

  /** The loop's turn lets requests that were read together be stored together. */
  #schedule(): void {
    if (this.#scheduled || this.#storing >= this.#batchesMax) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const batch = this.#take();
      if (batch.length === 0) return;
      this.#storing += 1;
      void this.#store(batch).finally(() => {
        this.#storing -= 1;
        this.#schedule();
      });
    });
  }

  #take(): Waiting[] {
    const batch: Waiting[] = [];
    let events = 0;
    let bytes = 0;
    while (this.#head < this.#queue.length) {
      const next = this.#queue[this.#head] as Waiting;
      if (!this.#options.view.tenant(next.tenant)) {
        // Deleted while this waited: nothing of a tenant is stored behind its end.
        this.#head += 1;
        this.#finish(next).reject(noTenant(next.tenant));
        continue;
      }
      const full =
        events + next.drafts.length > BATCH_EVENTS_MAX || bytes + next.bytes > BATCH_BYTES_MAX;
      if (full && batch.length > 0) break;
      this.#head += 1;
      events += next.drafts.length;
      bytes += next.bytes;
      batch.push(next);
    }
    if (this.#head === this.#queue.length) {
      this.#queue.length = 0;
      this.#head = 0;
    }
    return batch;
  }

  async #store(batch: readonly Waiting[]): Promise<void> {
    const { store, view, clock, at } = this.#options;
    const now = clock.now();
    let replies: IngestReply[];
    try {
      const requests = batch.map((waiting) => this.#request(waiting, now));
      replies = await store.ingest(requests, view.version, now);
      // Known at once that it is slow, believed slowly that it is quick again.
      const took = clock.now() - now;
      this.#commitMs = Math.max(took, this.#commitMs + (took - this.#commitMs) / 8);
    } catch (error) {
      for (const waiting of batch) this.#finish(waiting).reject(publishError(error));
      return;
    }
    at('ingest:committed');
    if (replies.some(({ kind }) => kind === 'stale')) await this.#reroute(batch);
    else this.#answer(batch, replies);
  }

  #request({ tenant, drafts }: Waiting, now: number): IngestRequest {
    const { view, ids } = this.#options;
    const slot = slotOf(tenant);
    const meter = { stepsLeft: FILTER_STEPS_MAX };
    return {
      events: drafts.map((draft): NewEvent => {
        const routed = view.routing.route(tenant, draft.type, draft.channels);
        const endpoints = routed.some(isFiltered) ? this.#filter(routed, draft, meter) : routed;
        return {
          id: ids.event(slot, now),
          slot,
          tenant,
          type: draft.type,
          occurredAt: draft.occurredAt ?? now,
          createdAt: now,
          meta: hasMeta(draft) ? encodeMeta(draft) : '',
          data: draft.data,
          idempotencyKey: draft.id,
          hash:
            draft.id === undefined ? undefined : createHash('sha256').update(draft.raw).digest(),
          lanes: endpoints.map((endpoint) => laneOf(endpoint, draft.orderingKey)),
        };
      }),
    };
  }

  #filter(routed: readonly Endpoint[], draft: EventDraft, meter: FilterMeter): readonly Endpoint[] {
    const { passed, undecided } = applyFilters(routed, draft, meter);
    for (const endpoint of undecided) this.#options.undecided?.(endpoint);
    return passed;
  }

  /** The configuration changed under the batch: nothing was stored, so it is routed again. */
  async #reroute(batch: readonly Waiting[]): Promise<void> {
    try {
      await this.#options.view.refresh();
    } catch (error) {
      for (const waiting of batch) this.#finish(waiting).reject(publishError(error));
      return;
    }
    for (const waiting of batch) {
      waiting.reroutes += 1;
      if (waiting.reroutes <= REROUTE_MAX) this.#queue.push(waiting);
      else {
        this.#finish(waiting).reject(
          new AppError(
            'store_unavailable',
            'The configuration keeps changing; nothing was stored. Retry.',
            {
              retryAfterS: 1,
            },
          ),
        );
      }
    }
  }

  #answer(batch: readonly Waiting[], replies: readonly IngestReply[]): void {
    for (const [i, waiting] of batch.entries()) {
      const reply = replies[i] as IngestReply;
      const { resolve, reject } = this.#finish(waiting);
      if (reply.kind === 'accepted') {
        resolve(
          reply.events.map(({ id, deliveries, duplicate }, place) => {
            const finding = waiting.findings?.[place];
            const published = { id, deliveries, duplicate };
            return finding ? { ...published, warnings: [finding] } : published;
          }),
        );
      } else {
        reject(conflict(reply, waiting));
      }
    }
  }

  #finish(waiting: Waiting): Waiting {
    this.#release(waiting);
    return waiting;
  }

  #release({ drafts, bytes }: Pick<Waiting, 'drafts' | 'bytes'>): void {
    this.#events -= drafts.length;
    this.#bytes -= bytes;
    if (this.#events === 0) for (const emptied of this.#emptied.splice(0)) emptied();
  }
}

function noTenant(tenant: TenantId): AppError {
  const message = `There is no tenant ${tenant}. Create it with PUT /api/v1/tenants/${tenant}.`;
  return new AppError('not_found', message);
}

function isFiltered({ filter }: Endpoint): boolean {
  return filter !== null;
}

function hasMeta(draft: EventDraft): boolean {
  return (
    draft.subject !== undefined ||
    draft.actor !== undefined ||
    draft.context !== undefined ||
    draft.headers !== undefined ||
    draft.orderingKey !== undefined ||
    draft.channels !== undefined ||
    draft.trace !== undefined
  );
}

function conflict(reply: IngestReply, { drafts }: Waiting): Error {
  if (reply.kind === 'failed') return publishError(reply.error);
  if (reply.kind !== 'conflict')
    return new AppError('store_unavailable', 'Nothing was stored. Retry.');
  const { index, existing } = reply;
  const id = drafts[index]?.id;
  return new AppError(
    'idempotency_conflict',
    `The id ${JSON.stringify(id)} was used before with other content (${existing}). Use a new id, or send the same bytes.`,
    { details: { index, existing } },
  );
}

export function publishError(error: unknown): Error {
  if (!(error instanceof StoreError)) return error as Error;
  if (error.kind === 'capping') {
    return new AppError('overloaded', error.message, { cause: error, retryAfterS: 1 });
  }
  if (error.kind === 'capped') {
    return new AppError('store_full', error.message, { cause: error, retryAfterS: 60 });
  }
  if (error.kind === 'full') {
    return new AppError(
      'disk_full',
      'The disk is full; the events were not stored. Free space and retry.',
      {
        cause: error,
        retryAfterS: 30,
      },
    );
  }
  return new AppError(
    'store_unavailable',
    'The store did not answer; the events were not stored. Retry.',
    {
      cause: error,
      retryAfterS: 1,
    },
  );
}
