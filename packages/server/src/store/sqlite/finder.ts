import type { LogQuery } from '../store.ts';
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
}

/** Lists work without; rare things take more pages then. */
export const NO_FINDER: Finder = {
  attemptRanges: (_narrow, { before }) => everywhere(before),
  eventRanges: (_narrow, before) => everywhere(before),
};
