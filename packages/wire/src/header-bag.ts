import type { Header } from './header.ts';

/** The headers of a received request, by name in any case. */
export interface HeaderBag {
  /** Several fields of one name are joined by `, `, as every HTTP library does it. */
  get(name: string): string | undefined;
  entries(): Iterable<readonly [string, string]>;
}

/** What frameworks hand out: `Headers`, `IncomingHttpHeaders`, a `Map`, pairs, `{name, value}`. */
export type HeadersLike =
  | HeaderBag
  | { get(name: string): string | null; forEach(visit: (value: string, key: string) => void): void }
  | ReadonlyMap<string, string | readonly string[]>
  | readonly (readonly [string, string])[]
  | readonly Header[]
  | Readonly<Record<string, string | readonly string[] | undefined>>;

/** One view on all of them. */
export function headerBag(headers: HeadersLike): HeaderBag {
  return headers instanceof Bag ? headers : new Bag(headers);
}

class Bag implements HeaderBag {
  readonly #source: HeadersLike;
  readonly #record: Readonly<Record<string, string | string[]>> | undefined;
  #byName: Map<string, string> | undefined;

  constructor(source: HeadersLike) {
    this.#source = source;
    this.#record = isRecord(source) ? source : undefined;
  }

  get(name: string): string | undefined {
    // Node's own headers are a record in lower case: no copy of it for the few that are looked up.
    // What a record inherits are functions, so no text is found that is not its own.
    const value = this.#record?.[name];
    if (typeof value === 'string') return value;
    return this.#all().get(name.toLowerCase());
  }

  entries(): Iterable<readonly [string, string]> {
    return this.#all().entries();
  }

  #all(): Map<string, string> {
    if (this.#byName !== undefined) return this.#byName;
    const byName = new Map<string, string>();
    for (const [name, value] of pairsOf(this.#source)) {
      const lower = name.toLowerCase();
      const text = typeof value === 'string' ? value : value.join(', ');
      const earlier = byName.get(lower);
      byName.set(lower, earlier === undefined ? text : `${earlier}, ${text}`);
    }
    this.#byName = byName;
    return byName;
  }
}

type Pair = readonly [string, string | readonly string[]];

function pairsOf(headers: HeadersLike): Iterable<Pair> {
  if (Array.isArray(headers)) {
    return (headers as readonly (Header | Pair)[]).map((one) =>
      'name' in one ? ([one.name, one.value] as const) : one,
    );
  }
  if (isRecord(headers)) {
    return Object.entries(headers).filter((pair): pair is [string, string | string[]] => {
      const [, value] = pair;
      return typeof value === 'string' || Array.isArray(value);
    });
  }
  if ('entries' in headers) return (headers as ReadonlyMap<string, string>).entries();
  const pairs: Pair[] = [];
  (headers as Headers).forEach((value, name) => {
    pairs.push([name, value]);
  });
  return pairs;
}

function isRecord(headers: HeadersLike): headers is Readonly<Record<string, string | string[]>> {
  return !Array.isArray(headers) && typeof (headers as { get?: unknown }).get !== 'function';
}
