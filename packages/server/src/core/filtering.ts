import { FilterError, type FilterMeter, type FilterSubject, matchesFilter } from '@posthorn/wire';
import type { Endpoint } from './model.ts';

/** What the filters of all endpoints may cost that a producer's request is routed to: about 25 ms. */
export const FILTER_STEPS_MAX = 5_000_000;

/** An event as far as filters look at it. */
export interface Filterable extends Omit<FilterSubject, 'data'> {
  /** JSON; empty = it was erased, and counts as absent. */
  readonly data: Uint8Array;
}

export interface Filtered {
  /** In their order; with the undecided ones. */
  readonly passed: Endpoint[];
  /**
   * Their filter cost too much to be answered. They get the event: what is sent needlessly can be
   * ignored, what is left out silently is lost.
   */
  readonly undecided: readonly Endpoint[];
}

/** Which endpoints an event passes the filter of. Its data is parsed once, and only if one asks. */
export function applyFilters(
  endpoints: readonly Endpoint[],
  event: Filterable,
  meter: FilterMeter,
): Filtered {
  const subject = subjectOf(event);
  const undecided: Endpoint[] = [];
  const passed = endpoints.filter((endpoint) => {
    if (endpoint.filter === null) return true;
    try {
      return matchesFilter(endpoint.filter, subject, meter);
    } catch (error) {
      if (!(error instanceof FilterError)) throw error;
      undecided.push(endpoint);
      return true;
    }
  });
  return { passed, undecided };
}

function subjectOf({ type, subject, actor, context, data }: Filterable): FilterSubject {
  let parsed: { readonly value: unknown } | undefined;
  return {
    type,
    subject,
    actor,
    context,
    get data() {
      parsed ??= { value: data.length === 0 ? undefined : JSON.parse(DECODER.decode(data)) };
      return parsed.value;
    },
  };
}

const DECODER = new TextDecoder();
