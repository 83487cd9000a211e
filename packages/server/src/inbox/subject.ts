import type { QuerySubject, QueryValue } from '@posthorn/wire';
import { headerOf } from './head.ts';

/** A request as rules, templates and searches look at it. Nothing is read before it is asked for. */
export interface Described {
  readonly method: string;
  /** Below the inbox, with its query. */
  readonly path: string;
  /** Flat list of names and values. */
  readonly headers: readonly string[];
  /** undefined = too long to be looked at. */
  readonly body: Uint8Array | undefined;
  /** What else a search may ask for: `status`, `created`, `ip` … */
  readonly facts?: Readonly<Record<string, QueryValue | undefined>>;
}

const SHORT_BYTES = 8192;
/** A longer body is not parsed: it would hold up everybody else. */
const PARSED_BYTES_MAX = 1_048_576;

export class Subject implements QuerySubject {
  readonly #described: Described;
  #text: string | undefined;
  #query: URLSearchParams | undefined;
  #parsed: { readonly value: unknown } | undefined;

  constructor(described: Described) {
    this.#described = described;
  }

  get method(): string {
    return this.#described.method;
  }
  /** Without the query. */
  get path(): string {
    return this.#described.path.split('?', 1)[0] || '/';
  }
  get query(): URLSearchParams {
    const { path } = this.#described;
    const mark = path.indexOf('?');
    if (mark < 0) return NO_QUERY;
    this.#query ??= new URLSearchParams(path.slice(mark + 1));
    return this.#query;
  }
  header(name: string): string | undefined {
    return headerOf(this.#described.headers, name);
  }

  /** A short body with these bytes in it: a look that costs less than reading it. */
  mentions(text: string): boolean {
    const { body } = this.#described;
    return (
      body !== undefined &&
      body.length <= SHORT_BYTES &&
      Buffer.from(body.buffer, body.byteOffset, body.length).includes(text)
    );
  }

  /** As UTF-8; what is none shows as replacement characters. */
  get text(): string {
    const { body } = this.#described;
    this.#text ??= body ? Buffer.from(body.buffer, body.byteOffset, body.length).toString() : '';
    return this.#text;
  }

  /** The body's value: of JSON, or of a form; undefined = it is neither. */
  get body(): unknown {
    this.#parsed ??= { value: this.#parse() };
    return this.#parsed.value;
  }

  #parse(): unknown {
    const { body } = this.#described;
    if (!body || body.length === 0 || body.length > PARSED_BYTES_MAX) return undefined;
    if (/^application\/x-www-form-urlencoded\b/i.test(this.header('content-type') ?? '')) {
      return formOf(this.text);
    }
    try {
      return JSON.parse(this.text);
    } catch {
      return undefined;
    }
  }

  /** What is there under names; of a list, of each of its elements. */
  at(path: readonly string[]): readonly unknown[] {
    let found: unknown[] = [this.body];
    for (const name of path) {
      found = found.flatMap((value) => membersOf(value, name));
      if (found.length > FOUND_MAX) found.length = FOUND_MAX;
    }
    return found;
  }

  values([root = '', ...rest]: readonly string[]): readonly QueryValue[] {
    const { headers, facts } = this.#described;
    switch (root) {
      case 'method':
        return [this.method];
      case 'path':
        return [this.path];
      case 'query':
        return rest[0] === '' || rest.length === 0
          ? [this.query.toString()]
          : this.query.getAll(rest[0] as string);
      case 'headers': {
        const wanted = rest[0] ?? '';
        return headers.filter((_, i) => i % 2 === 1 && headers[i - 1]?.toLowerCase() === wanted);
      }
      case 'body':
        return rest.length === 0 ? [this.text] : this.at(rest).filter(isScalar);
      default: {
        const fact = facts?.[root];
        return fact === undefined ? [] : [fact];
      }
    }
  }

  *texts(): Iterable<string> {
    const { method, path, headers, facts = {} } = this.#described;
    yield method;
    yield path;
    for (const header of headers) yield header;
    yield this.text;
    for (const fact of Object.values(facts)) if (typeof fact === 'string') yield fact;
  }
}

const NO_QUERY = new URLSearchParams();
const FOUND_MAX = 1000;

function membersOf(value: unknown, name: string): unknown[] {
  if (Array.isArray(value)) {
    if (/^\d{1,6}$/.test(name)) return Number(name) < value.length ? [value[Number(name)]] : [];
    return value.flatMap((item) => membersOf(item, name));
  }
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return [];
  return [(value as Record<string, unknown>)[name]];
}

function formOf(text: string): Record<string, unknown> {
  const form: Record<string, unknown> = Object.create(null);
  const all = new URLSearchParams(text);
  for (const name of new Set(all.keys())) {
    const values = all.getAll(name);
    form[name] = values.length === 1 ? values[0] : values;
  }
  return form;
}

function isScalar(value: unknown): value is QueryValue {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}
