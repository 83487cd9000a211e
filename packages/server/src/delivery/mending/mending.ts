import { decodeMeta } from '@posthorn/wire';
import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import type { Endpoint, EndpointId, EventId, TenantId } from '../../core/model.ts';
import { laneOf, slotOf } from '../../core/routing.ts';
import type { ConfigView } from '../../store/config-view.ts';
import type { DeliveryRow, LaneStore, LogStore, Requeue, Requeued } from '../../store/store.ts';

export interface MendingOptions {
  readonly lanes: Pick<LaneStore, 'requeue' | 'command'>;
  readonly log: Pick<LogStore, 'deliveries' | 'event'>;
  readonly view: Pick<ConfigView, 'endpoint'>;
  readonly clock: Clock;
}

/** One run of a delivery, as its id spells it. */
export interface DeliveryAddress {
  readonly tenant: TenantId;
  readonly event: EventId;
  readonly endpoint: EndpointId;
  readonly run: number;
}

export interface ResendEvent {
  readonly tenant: TenantId;
  readonly event: EventId;
  /** Deliveries whose last run failed; or all that have ended. */
  readonly only: 'all' | 'failed';
  readonly ownId: boolean;
}

/** What became of the deliveries of an event that was resent. */
export interface Resent {
  readonly resent: number;
  /** Still owed: nothing was added. */
  readonly pending: number;
  /** Their endpoint is deleted, disabled, switched off or owes too much. */
  readonly refused: number;
}

/** Runs of one delivery that are looked through; a person makes each of them. */
const PAGES_MAX = 10;
const DELIVERIES_MAX = 10_000;
const REQUEUE_MAX = 500;

/**
 * What a person does to single deliveries. A resend names the run it repeats, so of many identical
 * calls one is carried out and the others are told which run came of it.
 */
export class Mending {
  readonly #options: MendingOptions;

  constructor(options: MendingOptions) {
    this.#options = options;
  }

  /** Owes the delivery once more; resolves with its new run. Rejects `not_found`, `conflict`. */
  async resend(address: DeliveryAddress, ownId: boolean): Promise<DeliveryRow> {
    const row = await this.#find(address);
    if (row.state === 'pending') throw stillPending(row.run);
    const endpoint = this.#sendable(address.endpoint);
    const what = { ...(await this.#place(address, endpoint)), after: row.run, ownId };
    const [done] = await this.#requeue([what]);
    if (done?.kind !== 'owed') throw refusal(done);
    return this.#find({ ...address, run: done.run });
  }

  /** Every delivery of an event that is not pending. Rejects `not_found`, `conflict` if it has too many. */
  async resendEvent({ tenant, event, only, ownId }: ResendEvent): Promise<Resent> {
    const stored = await this.#event(tenant, event);
    const count = { resent: 0, pending: 0, refused: 0 };
    const wanted: Requeue[] = [];
    for (const row of await this.#lastRuns(tenant, event)) {
      if (row.state === 'pending') count.pending += 1;
      else if (only === 'all' || row.state === 'failed') {
        const endpoint = this.#options.view.endpoint(row.endpoint);
        if (!endpoint || whyNotSent(endpoint) !== undefined) count.refused += 1;
        else wanted.push({ ...placeOf(stored, endpoint), after: row.run, ownId });
      }
    }
    for (let i = 0; i < wanted.length; i += REQUEUE_MAX) {
      for (const { kind } of await this.#requeue(wanted.slice(i, i + REQUEUE_MAX))) {
        if (kind === 'owed') count.resent += 1;
        else if (kind === 'pending' || kind === 'superseded') count.pending += 1;
        else count.refused += 1;
      }
    }
    return count;
  }

  /**
   * Ends what is pending. While it is being sent its sender is asked, and a success that is on its way
   * wins: the answer shows how the delivery stands. Rejects `conflict` if it has ended otherwise.
   */
  async cancel(address: DeliveryAddress): Promise<DeliveryRow> {
    const row = await this.#command(address, 'cancel');
    if (row.state === 'pending' || row.state === 'cancelled') return row;
    throw new AppError('conflict', `The delivery ${ended(row)}: there is nothing to cancel.`);
  }

  /** Makes the next attempt due now. Rejects `conflict` if there is none, or its endpoint is held. */
  async retryNow(address: DeliveryAddress): Promise<DeliveryRow> {
    // First of all: what is said of an endpoint is for who has a delivery at it.
    await this.#find(address);
    const endpoint = this.#sendable(address.endpoint);
    if (endpoint.paused) {
      throw new AppError(
        'conflict',
        'Its endpoint is paused: resume it, then all it is owed is due.',
      );
    }
    const row = await this.#command(address, 'retryNow');
    if (row.state === 'pending') return row;
    throw new AppError('conflict', `The delivery ${ended(row)}: resend it.`);
  }

  async #command(address: DeliveryAddress, what: 'cancel' | 'retryNow'): Promise<DeliveryRow> {
    const { lanes, clock } = this.#options;
    const row = await this.#find(address);
    if (row.state !== 'pending') return row;
    const { event, run, lane } = row;
    const slot = slotOf(address.tenant);
    await lanes.command([{ slot, lane, event, run, do: what }], clock.now());
    return this.#find(address);
  }

  async #find(address: DeliveryAddress): Promise<DeliveryRow> {
    const row = await findDelivery(this.#options.log, address);
    if (!row) throw new AppError('not_found', 'There is no such delivery.');
    return row;
  }

  async #event(tenant: TenantId, id: EventId): Promise<PlacedEvent> {
    const event = await this.#options.log.event(tenant, id);
    if (event) return event;
    throw new AppError('not_found', 'There is no such event.');
  }

  async #place({ tenant, event }: DeliveryAddress, endpoint: Endpoint) {
    return placeOf(await this.#event(tenant, event), endpoint);
  }

  /** The last run at each endpoint. */
  async #lastRuns(tenant: TenantId, event: EventId): Promise<Iterable<DeliveryRow>> {
    const last = new Map<EndpointId, DeliveryRow>();
    let cursor: string | undefined;
    do {
      const page = await this.#options.log.deliveries({ tenant, event, limit: 200, cursor });
      for (const row of page.items) {
        if (row.run >= (last.get(row.endpoint)?.run ?? 0)) last.set(row.endpoint, row);
      }
      if (last.size > DELIVERIES_MAX) {
        const message = `The event has more than ${DELIVERIES_MAX} deliveries: start a replay, which works in the background.`;
        throw new AppError('conflict', message);
      }
      cursor = page.next;
    } while (cursor !== undefined);
    return last.values();
  }

  #sendable(id: EndpointId): Endpoint {
    const endpoint = this.#options.view.endpoint(id);
    if (!endpoint) throw new AppError('conflict', ENDPOINT_DELETED);
    const problem = whyNotSent(endpoint);
    if (problem !== undefined) throw new AppError('conflict', problem);
    return endpoint;
  }

  #requeue(what: readonly Requeue[]): Promise<Requeued[]> {
    return this.#options.lanes.requeue(what, this.#options.clock.now());
  }
}

const ENDPOINT_DELETED =
  'Its endpoint was deleted: create one and replay the event to it (POST …/replays).';

/** Why an endpoint is not owed anything more by hand; undefined = it may be. */
export function whyNotSent(endpoint: Endpoint): string | undefined {
  if (endpoint.disabled) {
    const reason = endpoint.disabled.reason === 'gone' ? 'it answered 410' : 'it kept failing';
    return `Its endpoint is disabled because ${reason}: resume it first (POST …/endpoints/${endpoint.id}/resume).`;
  }
  if (!endpoint.enabled) {
    return `Its endpoint is switched off: set enabled to true first (PATCH …/endpoints/${endpoint.id}).`;
  }
  return undefined;
}

interface PlacedEvent {
  readonly id: EventId;
  readonly tenant: TenantId;
  readonly meta: string;
}

/** Where an event goes for an endpoint as it is ordered now. */
export function placeOf(event: PlacedEvent, endpoint: Endpoint) {
  const key = endpoint.ordering === 'key' ? decodeMeta(event.meta).orderingKey : undefined;
  return { slot: slotOf(event.tenant), lane: laneOf(endpoint, key), event: event.id };
}

function ended({ state }: DeliveryRow): string {
  return state === 'cancelled' ? 'was cancelled' : `has ${state}`;
}

function stillPending(run: number): AppError {
  const message = `Run ${run} of this delivery is still pending: retry it now, or cancel it first.`;
  return new AppError('conflict', message, { details: { run } });
}

function refusal(done: Requeued | undefined): AppError {
  switch (done?.kind) {
    case 'pending':
      return stillPending(done.run);
    case 'superseded': {
      const message = `It was resent before, as run ${done.run}: to send it once more, resend that one.`;
      return new AppError('conflict', message, { details: { run: done.run } });
    }
    case 'erased':
      return new AppError(
        'conflict',
        'The payload of the event was erased: there is nothing to send. Publish it again.',
      );
    case 'closed':
      return new AppError('conflict', ENDPOINT_DELETED);
    case 'full': {
      const message =
        'Its endpoint owes as much as it may: resend it when some of that is delivered.';
      return new AppError('overloaded', message, { retryAfterS: 60 });
    }
    default:
      return new AppError('not_found', 'The event is being removed, because it is too old.');
  }
}

export async function findDelivery(
  log: Pick<LogStore, 'deliveries'>,
  { tenant, event, endpoint, run }: DeliveryAddress,
): Promise<DeliveryRow | undefined> {
  let cursor: string | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages++) {
    const page = await log.deliveries({ tenant, event, endpoint, limit: 200, cursor });
    const row = page.items.find((item) => item.run === run);
    if (row || page.next === undefined) return row;
    cursor = page.next;
  }
  return undefined;
}
