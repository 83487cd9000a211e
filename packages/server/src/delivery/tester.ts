import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { Exchange, OutboundRequest, Probe } from '../core/exchange.ts';
import type { IdFactory } from '../core/ids.ts';
import type { Endpoint, EventId, EventSample, Ms, StoredEvent } from '../core/model.ts';
import { slotOf } from '../core/routing.ts';
import type { ConfigView } from '../store/config-view.ts';
import type { LogStore } from '../store/store.ts';
import type { Samples } from './catalogue/samples.ts';
import { renderRequest } from './http1.ts';
import { noExchange, planFor, render } from './plan.ts';

/**
 * Tries endpoints, stored or not, with events that are not stored: exactly the request that a delivery
 * would make, through the same guard, and neither logged nor counted.
 */

export const TEST_TYPES_MAX = 20;
/** Of one call at once. */
const PARALLEL = 5;
/** Of all callers at once. */
const CALLS_MAX = 16;

export interface TesterOptions {
  readonly view: ConfigView;
  readonly samples: Samples;
  readonly log: Pick<LogStore, 'event'>;
  readonly ids: Pick<IdFactory, 'event'>;
  readonly clock: Clock;
  readonly probe: Probe;
}

export interface Tested {
  readonly type: string;
  readonly url: string;
  readonly method: string;
  readonly body: Uint8Array;
  readonly exchange: Exchange;
}

export interface TestRun {
  readonly tested: readonly Tested[];
  /** More types than are tried at once. */
  readonly omitted: number;
}

export interface Preview {
  readonly event: StoredEvent;
  readonly url: string;
  readonly method: string;
  /** Request line and headers, without the empty line. */
  readonly head: Uint8Array;
  readonly body: Uint8Array;
}

export type PreviewOf =
  | { readonly event: EventId }
  /** `sample` undefined = the catalogue's; `type` undefined = one that the endpoint listens to. */
  | {
      readonly type: string | undefined;
      readonly sample: EventSample | undefined;
      readonly occurredAt: Ms | undefined;
    };

export class Tester {
  readonly #options: TesterOptions;
  #calls = 0;

  constructor(options: TesterOptions) {
    this.#options = options;
  }

  /** One sample of each type; without types, of those that the endpoint listens to. */
  async test(endpoint: Endpoint, types: readonly string[] | undefined): Promise<TestRun> {
    const { samples } = this.#options;
    if (this.#calls >= CALLS_MAX) {
      const message = 'Too many tests are under way: try again in a moment.';
      throw new AppError('overloaded', message, { retryAfterS: 1 });
    }
    this.#calls += 1;
    try {
      const all = types ?? samples.typesOf(endpoint);
      const some = all.slice(0, TEST_TYPES_MAX);
      const found = await samples.of(endpoint.tenant, some);
      const events = some.map((type, i) => this.#eventOf(endpoint, type, found[i]));
      const tested = await inParallel(events, (event) => this.#send(endpoint, event));
      return { tested, omitted: all.length - some.length };
    } finally {
      this.#calls -= 1;
    }
  }

  async #send(endpoint: Endpoint, event: StoredEvent): Promise<Tested> {
    const { view, clock, probe } = this.#options;
    const { url, method } = endpoint;
    const made = { type: event.type, url, method };
    let request: OutboundRequest;
    try {
      request = render(planFor(endpoint, view), {
        event,
        frozen: undefined,
        now: clock.now(),
      }).request;
    } catch (error) {
      const exchange = noExchange('render_failed', (error as Error).message);
      return { ...made, body: new Uint8Array(), exchange };
    }
    const exchange = await probe({ ...request, url: request.url.href });
    return { ...made, body: request.body, exchange };
  }

  /** The request that an event would make. Rejects `not_found`, `invalid_request` when there is none. */
  async preview(endpoint: Endpoint, of: PreviewOf): Promise<Preview> {
    const { view, clock } = this.#options;
    const event = await this.#previewed(endpoint, of);
    const { url, ...request } = rendered(() =>
      render(planFor(endpoint, view), { event, frozen: undefined, now: clock.now() }),
    );
    const { pathname, search, host, href } = url;
    const bytes = renderRequest({ ...request, target: pathname + search, host });
    if (typeof bytes === 'string') throw unrenderable(bytes);
    const head = bytes.bytes.subarray(0, bytes.headLength);
    return { event, url: href, method: request.method, head, body: request.body };
  }

  async #previewed(endpoint: Endpoint, of: PreviewOf): Promise<StoredEvent> {
    const { samples, log } = this.#options;
    if ('event' in of) {
      const stored = await log.event(endpoint.tenant, of.event);
      if (!stored) throw new AppError('not_found', 'There is no such event.');
      return stored;
    }
    const type = of.type ?? samples.typesOf(endpoint)[0] ?? '';
    const [example] = of.sample ? [of.sample] : await samples.of(endpoint.tenant, [type]);
    const event = this.#eventOf(endpoint, type, example);
    return { ...event, occurredAt: of.occurredAt ?? event.occurredAt };
  }

  #eventOf({ tenant }: Endpoint, type: string, sample: EventSample = { data: null }): StoredEvent {
    const { ids, clock } = this.#options;
    const now = clock.now();
    const slot = slotOf(tenant);
    const { data, ...meta } = sample;
    const said = JSON.stringify(meta);
    return {
      id: ids.event(slot, now),
      slot,
      tenant,
      type,
      occurredAt: now,
      createdAt: now,
      meta: said === '{}' ? '' : said,
      data: new TextEncoder().encode(JSON.stringify(data)),
    };
  }
}

function rendered(make: () => { readonly request: OutboundRequest }): OutboundRequest {
  try {
    return make().request;
  } catch (error) {
    throw unrenderable((error as Error).message);
  }
}

function unrenderable(why: string): AppError {
  return new AppError('invalid_request', `No request can be made of it: ${why}`);
}

/** In order, so many at once. */
async function inParallel<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const at = next++;
      results[at] = await run(items[at] as T);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return results;
}
