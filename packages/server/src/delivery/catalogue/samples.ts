import { isPattern, matchesPattern } from '@posthorn/wire';
import type { Endpoint, EventSample, EventType, TenantId } from '../../core/model.ts';
import { eventTypeId } from '../../store/catalogue-index.ts';
import type { ConfigView } from '../../store/config-view.ts';
import type { ConfigStore } from '../../store/store.ts';

/** Sent where neither the endpoint nor the catalogue names a type. */
const ANY_TYPE = 'test.event';
/** Sent where the catalogue has no example. */
const ANY_SAMPLE: EventSample = { data: { test: true, message: 'A test event of Posthorn.' } };

export interface SamplesOptions {
  readonly view: ConfigView;
  readonly store: Pick<ConfigStore, 'readMany'>;
}

/** Events to try endpoints with: the catalogue's examples, and something sensible in place of none. */
export class Samples {
  readonly #options: SamplesOptions;

  constructor(options: SamplesOptions) {
    this.#options = options;
  }

  /**
   * The types that an endpoint listens to, one by one: what it names, and what of the catalogue its
   * patterns match. Never none.
   */
  typesOf({ tenant, eventTypes }: Pick<Endpoint, 'tenant' | 'eventTypes'>): string[] {
    const { view } = this.#options;
    const known = view.catalogue
      .all(view.lineage(tenant))
      .filter(({ archived }) => !archived)
      .map(({ name }) => name);
    if (eventTypes.length === 0) return known.length > 0 ? known : [ANY_TYPE];
    const types = eventTypes.flatMap((one) => {
      if (!isPattern(one)) return [one];
      const matching = known.filter((name) => matchesPattern(one, name));
      return matching.length > 0 ? matching : [typeLike(one)];
    });
    return [...new Set(types)];
  }

  /** One for each type. */
  async of(tenant: TenantId, types: readonly string[]): Promise<EventSample[]> {
    const { view, store } = this.#options;
    const line = view.lineage(tenant);
    const ids = types.map((type) => {
      const head = view.catalogue.find(line, type);
      return head && eventTypeId(head.tenant, type);
    });
    const items = await store.readMany(
      'event-type',
      ids.flatMap((id) => id ?? []),
    );
    const examples = new Map(items.map(({ id, value }) => [id, (value as EventType).example]));
    return ids.map((id) => (id === undefined ? undefined : examples.get(id)) ?? ANY_SAMPLE);
  }
}

/** `user.*` is heard by `user.test`. */
function typeLike(pattern: string): string {
  const type = pattern.replaceAll('*', 'test');
  return /^[A-Za-z0-9]/.test(type) ? type : ANY_TYPE;
}
