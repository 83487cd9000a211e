import { decodeMeta, ferriskeyWebhook } from '@posthorn/wire';
import { applyFilters, FILTER_STEPS_MAX } from '../core/filtering.ts';
import type { IdFactory } from '../core/ids.ts';
import { dialectOf } from '../core/inherit.ts';
import type { Endpoint, Ms, StoredEvent } from '../core/model.ts';
import { laneOf, slotOf } from '../core/routing.ts';
import { type AlertLevel, alertLevel, FAILING_MS, type Settled } from '../core/settle.ts';
import type { ConfigView } from '../store/config-view.ts';
import type { NewEvent, Notice } from '../store/store.ts';
import type { HeldLane } from './held-lane.ts';
import type { Attempted } from './plan.ts';
import { endpointChanges } from './registry/endpoint-changes.ts';

/**
 * Events about ourselves (docs/operational-events.md). They are made here and stored by whoever makes
 * them true, in the same transaction; nothing is made unless an endpoint of the tenant listens.
 */

export interface OwnEventsOptions {
  readonly view: ConfigView;
  readonly ids: Pick<IdFactory, 'event'>;
}

/** What became of a delivery, as far as it may be told. */
export interface DeliveryOutcome {
  readonly endpoint: Endpoint;
  readonly event: Pick<StoredEvent, 'id' | 'type' | 'meta'>;
  readonly run: number;
  readonly attempts: number;
  readonly status: number | undefined;
  readonly fault: string | undefined;
  readonly detail: string;
  readonly ended: 'succeeded' | 'failed' | undefined;
  readonly disable: 'gone' | 'failing' | undefined;
  /** A level that was not told yet as far as the sender knows; 0 = none. */
  readonly alert: AlertLevel;
  readonly failingSince: Ms;
  readonly failures: number;
}

/** What of an outcome may be worth telling; undefined = nothing, as of nearly all. */
export function newsOf(
  lane: Pick<HeldLane, 'alerted'>,
  of: { readonly attempted: Attempted; readonly settled: Settled; readonly now: Ms },
): DeliveryOutcome | undefined {
  const { attempted, settled, now } = of;
  const { next, disable, health } = settled;
  const alert = alertLevel(health, now);
  const risen = alert > lane.alerted ? alert : 0;
  lane.alerted = alert;
  const { row, plan, exchange, event } = attempted;
  const ordinary = next.kind === 'retry' || (next.kind === 'succeeded' && row.run === 0);
  if (ordinary && !disable && risen === 0) return undefined;
  const { outcome } = exchange;
  const broken = outcome.kind === 'fault';
  return {
    endpoint: plan.endpoint,
    event,
    run: row.run,
    attempts: row.attempt + 1,
    status: outcome.status,
    fault: broken ? outcome.fault : undefined,
    detail: broken ? outcome.detail : '',
    ended: next.kind === 'retry' ? undefined : next.kind,
    disable,
    alert: risen,
    ...health,
  };
}

interface Told {
  readonly type: string;
  readonly about: Endpoint;
  readonly subject: string;
  readonly data: object;
  readonly now: Ms;
}

export class OwnEvents {
  readonly #options: OwnEventsOptions;

  constructor(options: OwnEventsOptions) {
    this.#options = options;
  }

  /** undefined = nothing is to be told, as of nearly all. */
  ofDelivery(outcome: DeliveryOutcome, now: Ms): readonly Notice[] | undefined {
    const notices: Notice[] = [];
    const add = (event: NewEvent | undefined, when: Notice['when']) => {
      if (event) notices.push({ event, when });
    };
    const { endpoint, ended, disable, alert } = outcome;
    // About the delivery of such an event nothing is told: it would be told without end.
    if (!isOwn(outcome.event)) {
      if (ended === 'failed') {
        add(this.#ofDelivery('delivery.failed', outcome, now), { kind: 'applied' });
      } else if (ended === 'succeeded' && outcome.run > 0) {
        add(this.#ofDelivery('delivery.recovered', outcome, now), { kind: 'recovered' });
      }
    }
    if (alert > 0) {
      const data = {
        endpoint: this.#describe(endpoint),
        hours: alert,
        since: toIso(outcome.failingSince),
        failures: outcome.failures,
        disabledAt: toIso(outcome.failingSince + FAILING_MS),
      };
      const event = this.#ofEndpoint('endpoint.failing', endpoint, { data, now });
      add(event, { kind: 'failing', level: alert });
    }
    if (disable) {
      const disabled = { ...endpoint, disabled: { at: now, reason: disable } };
      const data = { endpoint: this.#describe(disabled), reason: disable };
      add(this.#ofEndpoint('endpoint.disabled', endpoint, { data, now }), { kind: 'disabled' });
    }
    return notices.length > 0 ? notices : undefined;
  }

  /** `before` or `after` undefined = it did not exist, or does not exist any more. */
  ofChange(before: Endpoint | undefined, after: Endpoint | undefined, now: Ms): NewEvent[] {
    const about = after ?? before;
    if (!about) return [];
    const verb = !before ? 'created' : after ? 'updated' : 'deleted';
    const changed = before && after ? endpointChanges(before, after) : [];
    if (verb === 'updated' && changed.length === 0) return [];
    const endpoint = this.#describe(about);
    const data = verb === 'updated' ? { endpoint, changed } : { endpoint };
    const webhook = ferriskeyWebhook(about);
    const type = `webhook.${verb}`;
    return [
      this.#ofEndpoint(`endpoint.${verb}`, about, { data, now }),
      this.#event({ type, about, subject: webhook.id, data: webhook, now }),
    ].flatMap((event) => event ?? []);
  }

  #ofDelivery(type: string, outcome: DeliveryOutcome, now: Ms): NewEvent | undefined {
    const { endpoint, event, run, attempts, status, fault, detail } = outcome;
    const id = `${event.id}.${endpoint.id}.${run}`;
    const delivery = {
      id,
      event: event.id,
      type: event.type,
      run,
      attempts,
      status: status ?? null,
      fault: fault ?? null,
      detail,
    };
    const data = { delivery, endpoint: this.#describe(endpoint) };
    return this.#event({ type, about: endpoint, subject: id, data, now });
  }

  #ofEndpoint(
    type: string,
    about: Endpoint,
    told: { readonly data: object; readonly now: Ms },
  ): NewEvent | undefined {
    return this.#event({ type, about, subject: about.id, ...told });
  }

  #event({ type, about, subject, data, now }: Told): NewEvent | undefined {
    const listeners = this.#listeners(type, about);
    if (listeners.length === 0) return undefined;
    const bytes = new TextEncoder().encode(JSON.stringify(data));
    const said = { type, subject, actor: undefined, context: undefined, data: bytes };
    const { passed } = applyFilters(listeners, said, { stepsLeft: FILTER_STEPS_MAX });
    if (passed.length === 0) return undefined;
    const { tenant } = about;
    const slot = slotOf(tenant);
    return {
      id: this.#options.ids.event(slot, now),
      slot,
      tenant,
      type,
      occurredAt: now,
      createdAt: now,
      meta: JSON.stringify({ subject, operational: true }),
      data: bytes,
      idempotencyKey: undefined,
      hash: undefined,
      lanes: passed.map((endpoint) => laneOf(endpoint, undefined)),
    };
  }

  /** An endpoint hears of itself only that it was changed: of the rest it could not, or not gladly. */
  #listeners(type: string, about: Endpoint): Endpoint[] {
    const { view } = this.#options;
    if (view.inherited(about.tenant, 'operationalEvents') === false) return [];
    const lifecycle = /^(endpoint|webhook)\.(created|updated|deleted)$/.exec(type)?.[1];
    return view.routing.routeOwn(about.tenant, type).filter((endpoint) => {
      if (endpoint.id === about.id && !type.endsWith('.updated')) return false;
      if (lifecycle === undefined) return true;
      return (this.#dialectOf(endpoint) === 'ferriskey') === (lifecycle === 'webhook');
    });
  }

  #dialectOf(endpoint: Endpoint) {
    return dialectOf(endpoint, this.#options.view.lineage(endpoint.tenant));
  }

  /** Neither headers nor secrets: whoever is told need not be who may see them. */
  #describe(endpoint: Endpoint) {
    const { id, tenant, name, description, url, method, enabled, paused, disabled } = endpoint;
    return {
      id,
      tenant,
      name,
      description,
      url,
      method,
      dialect: this.#dialectOf(endpoint),
      eventTypes: endpoint.eventTypes,
      enabled,
      paused,
      disabled: disabled && { at: toIso(disabled.at), reason: disabled.reason },
      createdAt: toIso(endpoint.createdAt),
      updatedAt: toIso(endpoint.updatedAt),
    };
  }
}

function isOwn({ meta }: Pick<StoredEvent, 'meta'>): boolean {
  return meta.includes('"operational":true') && decodeMeta(meta).operational === true;
}

function toIso(ms: Ms): string {
  return new Date(ms).toISOString();
}
