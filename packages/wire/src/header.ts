/** Header fields that go on the wire: what may stand there, and what only the sender sets. */

/** One header field. Lists of them are ordered and may repeat a name. */
export interface Header {
  readonly name: string;
  readonly value: string;
}

const NAME_CHARS_MAX = 256;
const VALUE_CHARS_MAX = 8192;

/** `token` of RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/**
 * RFC 9110 §5.5 in Latin-1: visible characters, space, tab. No CR, LF, NUL or other control, C1
 * included.
 */
const FIELD_VALUE = /^[\t\x20-\x7e\xa0-\xff]*$/;

/**
 * They frame the message, steer the connection or carry the signature: a user's value would break
 * it.
 */
const RESERVED = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'content-encoding',
  'connection',
  'keep-alive',
  'upgrade',
  'te',
  'trailer',
  'expect',
]);
const RESERVED_PREFIXES = ['proxy-', 'webhook-'];

/** true = only the sender sets this field, whatever the case of `name`. */
export function isReservedHeader(name: string): boolean {
  const lower = name.toLowerCase();
  return RESERVED.has(lower) || RESERVED_PREFIXES.some((prefix) => lower.startsWith(prefix));
}

/**
 * What is wrong with a header that a user wants sent, as a sentence to show; undefined = nothing.
 * The value is never repeated in it: it may be a password.
 *
 * @example headerProblem('Host', 'x') // '"Host" is reserved: the sender sets it itself'
 */
export function headerProblem(name: string, value: string): string | undefined {
  if (name === '') return 'the name is empty';
  if (name.length > NAME_CHARS_MAX) return `the name is longer than ${NAME_CHARS_MAX} characters`;
  if (!TOKEN.test(name)) {
    return `${JSON.stringify(name)} is not a header name: use letters, digits and !#$%&'*+-.^_\`|~`;
  }
  if (isReservedHeader(name)) return `"${name}" is reserved: the sender sets it itself`;
  if (value.length > VALUE_CHARS_MAX) {
    return `the value of "${name}" is longer than ${VALUE_CHARS_MAX} characters`;
  }
  if (!FIELD_VALUE.test(value)) {
    return `the value of "${name}" holds a line break, a control character or one outside Latin-1`;
  }
  return undefined;
}

/**
 * `own`, then `extra`; of a repeated name only the last stands. `own` itself when there is nothing to
 * add.
 */
export function mergeHeaders(own: Header[], extra: readonly Header[]): Header[] {
  if (extra.length === 0) return own;
  const all = [...own, ...extra];
  const last = new Map(all.map((header, i) => [header.name.toLowerCase(), i]));
  return all.filter((header, i) => last.get(header.name.toLowerCase()) === i);
}

/** The value of a header that must not come twice; undefined = it is not there, or repeated. */
export function headerValue(headers: readonly Header[], name: string): string | undefined {
  const found = headers.filter((header) => header.name.toLowerCase() === name);
  return found.length === 1 ? found[0]?.value : undefined;
}
