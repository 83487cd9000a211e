import type { Ms } from '../../core/model.ts';
import type { LogQuery } from '../store.ts';
import type { Hits, HitsQuery } from './derived/searching.ts';
import type { Narrow } from './narrow.ts';
import { everywhere, type Ranges } from './ranges.ts';

/** What lists ask of what is derived from the log. */
export interface Finder {
  /** Where attempts can be that fit and began within `time`. */
  attemptRanges(
    narrow: Narrow,
    at: { readonly before: number | undefined; readonly time: Pick<LogQuery, 'from' | 'to'> },
  ): Ranges;
  /** Where events can be that have the asked types. */
  eventRanges(narrow: Narrow, before: number | undefined): Ranges;
  /** There is an index of texts and subjects. */
  readonly searches: boolean;
  /** Events that have the words, the subject and the type. Only if it `searches`. */
  hits(narrow: Narrow, ask: HitsQuery): Hits;
  /** Reads what is new into the index, if it is little, and says how far it reaches then. */
  reach(): Reach;
}

export interface Reach {
  /** What was stored until then can be found by its words; undefined = everything can. */
  readonly searchedTo: Ms | undefined;
  /** From this key on some events are not in the index; undefined = all are. */
  readonly from: number | undefined;
}

/** Lists work without; rare things take more pages then. */
export const NO_FINDER: Finder = {
  attemptRanges: (_narrow, { before }) => everywhere(before),
  eventRanges: (_narrow, before) => everywhere(before),
  searches: false,
  hits: () => ({ seqs: [], next: undefined }),
  reach: () => ({ searchedTo: undefined, from: undefined }),
};
