import type { Endpoint } from '@posthorn/api';

const NAME_CHARS_MAX = 200;

/**
 * A name for each endpoint by which a file finds it again: its own; where it has none, its address; a
 * number behind what is taken, the oldest first.
 */
export function stableNames(endpoints: readonly Endpoint[]): Map<string, Endpoint> {
  const names = new Map<string, Endpoint>();
  const oldestFirst = endpoints.toSorted((a, b) => compare(key(a), key(b)));
  const add = (name: string, endpoint: Endpoint) => names.set(free(name, names), endpoint);
  // Names that people gave go first, so that an address never takes one of them.
  const repeated = oldestFirst.filter((endpoint) => {
    if (endpoint.name === '' || names.has(endpoint.name)) return true;
    names.set(endpoint.name, endpoint);
    return false;
  });
  for (const endpoint of repeated) add(endpoint.name || addressOf(endpoint.url), endpoint);
  return names;
}

function key({ createdAt, id }: Endpoint): string {
  return `${createdAt} ${id}`;
}

export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Without the query, which may hold a password. */
function addressOf(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname.replace(/\/$/, '')}`;
}

function free(name: string, taken: ReadonlyMap<string, unknown>): string {
  for (let number = 1; ; number++) {
    const ending = number === 1 ? '' : ` (${number})`;
    const candidate = name.slice(0, NAME_CHARS_MAX - ending.length) + ending;
    if (!taken.has(candidate)) return candidate;
  }
}
