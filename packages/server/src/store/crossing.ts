import type { EndpointId, EventId, Ms, Slot, TenantId } from '../core/model.ts';
import type { ConfigChange, NewEvent } from './store.ts';

/**
 * What one store decides and another one has to hear of, where several stores share the slots
 * (sharded/). It is kept as an item of configuration, in the transaction that makes it true, until it
 * has been carried there.
 */
export type Crossing =
  /** Belongs to a slot that is elsewhere. */
  | { readonly do: 'tell'; readonly event: CarriedEvent }
  /** The first store decides whether it still comes true, and only then the events do. */
  | {
      readonly do: 'disable';
      readonly endpoint: EndpointId;
      readonly reason: 'gone' | 'failing';
      readonly at: Ms;
      readonly events: readonly CarriedEvent[];
    };

/** An event as JSON has it. */
export type CarriedEvent = Omit<NewEvent, 'data' | 'hash' | 'idempotencyKey'> & {
  readonly data: string;
};

/** A store's part of the slots. */
export interface Part {
  holds(slot: Slot): boolean;
  /** Configuration is decided here; the others have copies of it. */
  readonly first: boolean;
}

/** A store that is alone. */
export const WHOLE: Part = { holds: () => true, first: true };

/** Events about ourselves: those that are stored here, and items for those that are not. */
export function parted(
  part: Part,
  events: readonly NewEvent[],
): { here: NewEvent[]; crossing: ConfigChange[] } {
  const here = events.filter(({ slot }) => part.holds(slot));
  const crossing = events
    .filter(({ slot }) => !part.holds(slot))
    .map((event) => crossingOf(event.id, event.tenant, { do: 'tell', event: carried(event) }));
  return { here, crossing };
}

/** That an endpoint was disabled here, which is to be decided on the first store. */
export function disabling(
  of: { readonly endpoint: EndpointId; readonly tenant: TenantId; readonly by: EventId },
  how: {
    readonly reason: 'gone' | 'failing';
    readonly at: Ms;
    readonly events: readonly NewEvent[];
  },
): ConfigChange {
  const { endpoint, tenant, by } = of;
  const events = how.events.map(carried);
  return crossingOf(`${endpoint}.${by}`, tenant, { ...how, do: 'disable', endpoint, events });
}

function crossingOf(id: string, tenant: TenantId, value: Crossing): ConfigChange {
  return { kind: 'crossing', id, tenant, value, expected: undefined };
}

/** Only events about ourselves cross, and those have no key. */
function carried({ data, hash: _, idempotencyKey: __, ...event }: NewEvent): CarriedEvent {
  return { ...event, data: Buffer.from(data).toString('base64') };
}

export function arrived({ data, ...event }: CarriedEvent): NewEvent {
  return {
    ...event,
    data: Buffer.from(data, 'base64'),
    hash: undefined,
    idempotencyKey: undefined,
  };
}
