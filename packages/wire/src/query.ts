/**
 * The search language for captured requests, as people type it:
 *
 *     method:POST headers.x-event:push body.user.id:42 created:[now-1h TO now]
 *     body.type == "user.created" AND NOT status:200
 *
 * Terms beside each other must all hold; `OR`, `NOT` (or `-`) and parentheses do what they say. `:` takes
 * `*` for any text and ignores case, `==` and `!=` compare exactly, `>` `>=` `<` `<=` and `[a TO b]` in
 * order. A word alone is looked for everywhere. There are no regular expressions: what a query costs
 * grows with its length times what it looks at, whatever was captured.
 */

export type QueryValue = string | number | boolean | null;

export type Query =
  | { readonly kind: 'all' | 'any'; readonly of: readonly Query[] }
  | { readonly kind: 'not'; readonly of: Query }
  | { readonly kind: 'word'; readonly glob: string }
  | {
      readonly kind: 'term';
      /** Lower-case for the first part: `['headers', 'x-event']`. */
      readonly path: readonly string[];
      readonly test: Test;
    };

type Test =
  | { readonly op: 'like'; readonly glob: string }
  | { readonly op: 'eq' | 'ne' | 'gt' | 'gte' | 'lt' | 'lte'; readonly value: string }
  | { readonly op: 'between'; readonly from: string; readonly to: string }
  | { readonly op: 'exists' };

/** What a query is asked about. */
export interface QuerySubject {
  /** The values at a path; several where a name repeats; empty = there is none. */
  values(path: readonly string[]): readonly QueryValue[];
  /** Everything that a word alone is looked for in. */
  texts(): Iterable<string>;
}

/** A text that is no query: the message says where and what to write instead. */
export class QueryError extends Error {
  override readonly name = 'QueryError';
}

export const QUERY_CHARS_MAX = 1000;
const TERMS_MAX = 50;
const DEPTH_MAX = 10;

/** Paths may begin with these; `body.a.b`, `headers.x-id` and `query.x` lead further. */
export const QUERY_FIELDS = [
  'method',
  'path',
  'query',
  'headers',
  'body',
  'type',
  'sender',
  'id',
  'message',
  'status',
  'by',
  'error',
  'note',
  'bookmarked',
  'truncated',
  'signed',
  'created',
  'size',
  'ip',
  'seq',
] as const;
const TIMES = 'created';

// ---- reading -------------------------------------------------------------------------------------

interface Token {
  readonly kind: 'open' | 'close' | 'and' | 'or' | 'not' | 'text' | 'op' | 'range';
  readonly text: string;
  /** It stood in quotes: `*`, `AND` and the like mean themselves. */
  readonly quoted: boolean;
  readonly at: number;
  /** Nothing stands between it and the token before. */
  readonly glued: boolean;
}

/** Throws `QueryError`. Of an empty text: everything fits. */
export function parseQuery(text: string): Query {
  if (text.length > QUERY_CHARS_MAX) {
    throw new QueryError(`The search is longer than ${QUERY_CHARS_MAX} characters.`);
  }
  const reader = new Reader(tokenize(text));
  const query = reader.done ? { kind: 'all' as const, of: [] } : reader.any(1);
  const rest = reader.peek();
  if (rest) throw new QueryError(`${quote(rest.text)} at ${rest.at + 1} closes nothing.`);
  return query;
}

const OPERATORS = ['==', '!=', '>=', '<=', ':', '=', '>', '<'];

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let end = -1;
  for (let at = 0; at < text.length; ) {
    if (/\s/.test(text[at] as string)) {
      at += 1;
      continue;
    }
    const { token, next } = readToken(text, at, tokens.at(-1));
    tokens.push({ ...token, at, glued: at === end });
    at = next;
    end = next;
  }
  return tokens;
}

type Bare = Pick<Token, 'kind' | 'text' | 'quoted'>;

function readToken(text: string, at: number, before?: Token): { token: Bare; next: number } {
  const char = text[at] as string;
  const plain = (kind: Token['kind'], length: number) => ({
    token: { kind, text: text.slice(at, at + length), quoted: false },
    next: at + length,
  });
  if (char === '(') return plain('open', 1);
  if (char === ')') return plain('close', 1);
  if (char === '"' || char === "'") return readQuoted(text, at);
  if (char === '[' && before?.kind === 'op') return readRange(text, at);
  const operator = OPERATORS.find((one) => text.startsWith(one, at));
  if (operator !== undefined && before?.kind === 'text') return plain('op', operator.length);
  if ((char === '-' || char === '!') && before?.kind !== 'op') return plain('not', 1);
  // A value may hold what a field may not: `created:2026-01-31T12:00:00Z`, `path:/a:b`.
  const stop = before?.kind === 'op' ? /[\s()]/ : /[\s():=<>!"]/;
  let next = at;
  while (next < text.length && !stop.test(text[next] as string)) next += 1;
  if (next === at) throw new QueryError(`${quote(char)} at ${at + 1} stands where a word should.`);
  const word = text.slice(at, next);
  const kinds: Record<string, Token['kind']> = { AND: 'and', OR: 'or', NOT: 'not' };
  const kind = before?.kind === 'op' ? 'text' : (kinds[word] ?? 'text');
  return { token: { kind, text: word, quoted: false }, next };
}

function readQuoted(text: string, at: number): { token: Bare; next: number } {
  const mark = text[at] as string;
  let value = '';
  for (let next = at + 1; next < text.length; next++) {
    const char = text[next] as string;
    if (char === mark)
      return { token: { kind: 'text', text: value, quoted: true }, next: next + 1 };
    if (char === '\\' && next + 1 < text.length) {
      next += 1;
      value += text[next] as string;
    } else value += char;
  }
  throw new QueryError(`The quote at ${at + 1} is not closed.`);
}

function readRange(text: string, at: number): { token: Bare; next: number } {
  const end = text.indexOf(']', at);
  if (end < 0) throw new QueryError(`The range at ${at + 1} is not closed: write [a TO b].`);
  return { token: { kind: 'range', text: text.slice(at + 1, end), quoted: false }, next: end + 1 };
}

class Reader {
  readonly #tokens: readonly Token[];
  #at = 0;
  #terms = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get done(): boolean {
    return this.#at >= this.#tokens.length;
  }
  peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#at + ahead];
  }
  #take(): Token {
    const token = this.#tokens[this.#at];
    if (!token) throw new QueryError('The search ends where something should follow.');
    this.#at += 1;
    return token;
  }

  any(depth: number): Query {
    if (depth > DEPTH_MAX)
      throw new QueryError(`More than ${DEPTH_MAX} parentheses inside another.`);
    const of = [this.#all(depth)];
    while (this.peek()?.kind === 'or') {
      this.#take();
      of.push(this.#all(depth));
    }
    return of.length === 1 ? (of[0] as Query) : { kind: 'any', of };
  }

  #all(depth: number): Query {
    const of = [this.#one(depth)];
    for (;;) {
      const kind = this.peek()?.kind;
      if (kind === undefined || kind === 'or' || kind === 'close') break;
      if (kind === 'and') this.#take();
      of.push(this.#one(depth));
    }
    return of.length === 1 ? (of[0] as Query) : { kind: 'all', of };
  }

  #one(depth: number): Query {
    const token = this.#take();
    if (token.kind === 'not') {
      if (depth > DEPTH_MAX) throw new QueryError(`More than ${DEPTH_MAX} times NOT.`);
      return { kind: 'not', of: this.#one(depth + 1) };
    }
    if (token.kind === 'open') {
      const query = this.any(depth + 1);
      if (this.peek()?.kind !== 'close') {
        throw new QueryError(`The parenthesis at ${token.at + 1} is not closed.`);
      }
      this.#take();
      return query;
    }
    if (token.kind !== 'text') {
      throw new QueryError(`${quote(token.text)} at ${token.at + 1} has nothing before it.`);
    }
    this.#terms += 1;
    if (this.#terms > TERMS_MAX) throw new QueryError(`More than ${TERMS_MAX} terms.`);
    return this.peek()?.kind === 'op' ? this.#term(token) : wordOf(token);
  }

  #term(field: Token): Query {
    const path = pathOf(field);
    const op = this.#take();
    const value = this.#take();
    if (value.kind === 'range') return { kind: 'term', path, test: rangeOf(path, value) };
    if (value.kind !== 'text') {
      throw new QueryError(`${quote(field.text)} at ${field.at + 1} has no value.`);
    }
    return { kind: 'term', path, test: testOf(path, op.text, value) };
  }
}

function wordOf({ text, quoted }: Token): Query {
  const inner = quoted ? escapeGlob(text) : text;
  return { kind: 'word', glob: `*${inner.toLowerCase()}*` };
}

function pathOf({ text, at }: Token): string[] {
  const [root = '', ...rest] = text.split('.');
  const name = root.toLowerCase();
  if (!(QUERY_FIELDS as readonly string[]).includes(name)) {
    const known = QUERY_FIELDS.join(', ');
    throw new QueryError(
      `${quote(text)} at ${at + 1} is no field: use ${known}, or put it in quotes.`,
    );
  }
  // Names of headers and of the query may hold dots.
  if (name === 'headers') return [name, rest.join('.').toLowerCase()];
  return name === 'query' ? [name, rest.join('.')] : [name, ...rest];
}

function testOf(path: readonly string[], op: string, { text, quoted }: Token): Test {
  if (op === ':') {
    if (text === '*' && !quoted) return { op: 'exists' };
    return { op: 'like', glob: (quoted ? escapeGlob(text) : text).toLowerCase() };
  }
  const names = {
    '==': 'eq',
    '=': 'eq',
    '!=': 'ne',
    '>': 'gt',
    '>=': 'gte',
    '<': 'lt',
    '<=': 'lte',
  };
  checkTime(path, text);
  return { op: names[op as keyof typeof names] as 'eq', value: text };
}

function rangeOf(path: readonly string[], { text, at }: Token): Test {
  const match = /^\s*(\S+)\s+TO\s+(\S+)\s*$/.exec(text);
  if (!match) throw new QueryError(`The range at ${at + 1} is not [a TO b].`);
  const [, from = '', to = ''] = match;
  for (const bound of [from, to]) if (bound !== '*') checkTime(path, bound);
  return { op: 'between', from, to };
}

function checkTime(path: readonly string[], text: string): void {
  if (path[0] !== TIMES || timeOf(text, 0) !== undefined) return;
  throw new QueryError(`${quote(text)} is no time: write now-1h, 2026-01-31 or an RFC 3339 time.`);
}

function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

// ---- matching ------------------------------------------------------------------------------------

/** `nowMs`: what `now` means. */
export function matchesQuery(query: Query, subject: QuerySubject, nowMs: number): boolean {
  switch (query.kind) {
    case 'all':
      return query.of.every((one) => matchesQuery(one, subject, nowMs));
    case 'any':
      return query.of.some((one) => matchesQuery(one, subject, nowMs));
    case 'not':
      return !matchesQuery(query.of, subject, nowMs);
    case 'word':
      for (const text of subject.texts()) {
        if (matchesGlob(query.glob, text.toLowerCase())) return true;
      }
      return false;
    case 'term': {
      const { path, test } = query;
      const values = subject.values(path);
      if (test.op === 'ne') return !values.some((value) => String(value) === test.value);
      return values.some((value) => holds(test, value, path[0] === TIMES ? nowMs : undefined));
    }
  }
}

/** `nowMs` set = the value is a time in milliseconds. */
function holds(test: Test, value: QueryValue, nowMs: number | undefined): boolean {
  switch (test.op) {
    case 'exists':
      return true;
    case 'like':
      if (nowMs !== undefined)
        return matchesGlob(test.glob, new Date(Number(value)).toISOString().toLowerCase());
      return matchesGlob(test.glob, String(value).toLowerCase());
    case 'eq':
      return nowMs === undefined
        ? String(value) === test.value
        : compare(value, test.value, nowMs) === 0;
    case 'ne':
      return String(value) !== test.value;
    case 'between':
      return (
        (test.from === '*' || compare(value, test.from, nowMs) >= 0) &&
        (test.to === '*' || compare(value, test.to, nowMs) <= 0)
      );
    case 'gt':
      return compare(value, test.value, nowMs) > 0;
    case 'gte':
      return compare(value, test.value, nowMs) >= 0;
    case 'lt':
      return compare(value, test.value, nowMs) < 0;
    case 'lte':
      return compare(value, test.value, nowMs) <= 0;
  }
}

/** Numbers as numbers where both are; NaN, which is in no order, where one is no value. */
function compare(value: QueryValue, wanted: string, nowMs: number | undefined): number {
  if (value === null || typeof value === 'boolean') return Number.NaN;
  if (nowMs !== undefined) return Number(value) - (timeOf(wanted, nowMs) ?? Number.NaN);
  const number = Number(wanted);
  if (wanted.trim() !== '' && !Number.isNaN(number)) {
    const own = typeof value === 'number' || value.trim() !== '' ? Number(value) : Number.NaN;
    return own - number;
  }
  const text = String(value);
  return text === wanted ? 0 : text < wanted ? -1 : 1;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** `now`, `now-90m`, a date, or an RFC 3339 time; undefined = none of them. */
function timeOf(text: string, nowMs: number): number | undefined {
  const relative = /^now(?:([+-])(\d{1,6})([smhdw]))?$/.exec(text);
  if (relative) {
    const [, sign, count = '0', unit = 's'] = relative;
    return nowMs + (sign === '-' ? -1 : 1) * Number(count) * (UNIT_MS[unit] as number);
  }
  if (!/^\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d))?$/.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

const ESCAPED = '\u0000';

/** A `*` that means itself. */
function escapeGlob(text: string): string {
  return text.replaceAll('*', ESCAPED);
}

/** `*` is any text; each part between is looked for once, from left to right. */
export function matchesGlob(glob: string, text: string): boolean {
  const parts = glob.split('*').map((part) => part.replaceAll(ESCAPED, '*'));
  const [first = '', ...rest] = parts;
  if (rest.length === 0) return text === first;
  const last = rest.pop() as string;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}

/** Whether what a query says of a subject may depend on this field. */
export function asksFor(query: Query, field: string): boolean {
  switch (query.kind) {
    case 'all':
    case 'any':
      return query.of.some((one) => asksFor(one, field));
    case 'not':
      return asksFor(query.of, field);
    case 'term':
      return query.path[0] === field;
    case 'word':
      return false;
  }
}
