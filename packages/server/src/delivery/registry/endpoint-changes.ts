import { isDeepStrictEqual } from 'node:util';
import type { Endpoint } from '../../core/model.ts';

/** What people may set, and what pausing, resuming and rotating change; by the API's names. */
export function endpointChanges(before: Endpoint, after: Endpoint): string[] {
  const names = Object.keys(after) as (keyof Endpoint)[];
  return names
    .filter((name) => name !== 'updatedAt' && !isDeepStrictEqual(before[name], after[name]))
    .map((name) => (name === 'secrets' ? 'secret' : name))
    .sort();
}
