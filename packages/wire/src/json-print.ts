import {
  decodeString,
  scanElements,
  scanMembers,
  scanValue,
  skipSpace,
  startScan,
} from './json-scan.ts';

/**
 * Printing JSON as other languages do. Where a format must print what it was given, values that need
 * no change keep the bytes they were written with: numbers keep their spelling.
 */

/** Writes a string with its quotes. */
export type Quote = (text: string) => string;

/** Control characters, quote, backslash; what Go also escapes, so that its JSON is safe inside HTML. */
const GO_ESCAPED = /["\\<>&\u2028\u2029]|[^\x20-\uffff]/g;
const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

/** As encoding/json of Go 1.22 and later: `<`, `>`, `&`, U+2028 and U+2029 are escaped, all else as in JavaScript. */
export function goQuote(text: string): string {
  return `"${text.replaceAll(GO_ESCAPED, goEscape)}"`;
}

/** As JSON.stringify, and as Rust's serde_json for any text that UTF-8 can hold. */
export function plainQuote(text: string): string {
  return JSON.stringify(text);
}

function goEscape(char: string): string {
  return SHORT[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Prints a parsed value compactly, members in the order they have. */
export function printValue(value: unknown, quote: Quote): string {
  if (typeof value === 'string') return quote(value);
  if (Array.isArray(value)) return `[${value.map((one) => printValue(one, quote)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members.map(([name, member]) => `${quote(name)}:${printValue(member, quote)}`).join(',')}}`;
}

const DECODER = new TextDecoder();
const QUOTE = 0x22;
const OPEN_ARRAY = 0x5b;
const OPEN_OBJECT = 0x7b;
/** Checked before: the bytes are JSON of at most this depth, so printing may call itself. */
const DEPTH_MAX = 64;

/**
 * Prints JSON bytes as Go does what it read into a map: compact, members sorted by name, strings in
 * its spelling. Numbers stay as they were written, where Go would round them.
 */
export function goReprint(bytes: Uint8Array): string {
  const scan = startScan(bytes, DEPTH_MAX);
  const text = (start: number, end: number) => DECODER.decode(bytes.subarray(start, end));
  const print = (start: number): { printed: string; end: number } => {
    const first = bytes[start];
    if (first === OPEN_OBJECT) {
      const members = new Map<string, string>();
      const end = scanMembers(scan, start, (nameStart, nameEnd, valueStart) => {
        const value = print(valueStart);
        members.set(decodeString(bytes, nameStart, nameEnd), value.printed);
        return value.end;
      });
      return { printed: printSorted(members), end };
    }
    if (first === OPEN_ARRAY) {
      const items: string[] = [];
      const end = scanElements(scan, start, (at) => {
        const value = print(at);
        items.push(value.printed);
        return value.end;
      });
      return { printed: `[${items.join(',')}]`, end };
    }
    const end = scanValue(scan, start);
    const printed = first === QUOTE ? goQuote(decodeString(bytes, start, end)) : text(start, end);
    return { printed, end };
  };
  return print(skipSpace(bytes, 0)).printed;
}

/** An object of printed values, its members in the order of their UTF-8 bytes, as Go sorts. */
export function printSorted(members: ReadonlyMap<string, string>): string {
  const sorted = [...members].sort(([a], [b]) => compareUtf8(a, b));
  return `{${sorted.map(([name, value]) => `${goQuote(name)}:${value}`).join(',')}}`;
}

/**
 * The order of the UTF-8 bytes, which is that of code points. UTF-16 differs: a pair of surrogates
 * comes before U+E000 to U+FFFF there.
 */
function compareUtf8(a: string, b: string): number {
  const [x, y] = [[...a], [...b]];
  for (const [i, char] of x.entries()) {
    const other = y[i];
    if (other === undefined) return 1;
    if (char !== other) return (char.codePointAt(0) ?? 0) - (other.codePointAt(0) ?? 0);
  }
  return x.length - y.length;
}
