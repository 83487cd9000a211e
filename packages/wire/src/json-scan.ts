/**
 * A JSON scanner over bytes. It checks the whole grammar of RFC 8259 and well-formed UTF-8 in one
 * pass and builds nothing: its answer is where a value ends. Nesting costs a byte in a fixed stack
 * and no call, so a body of a million brackets is refused at the bound instead of overflowing.
 */

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
/** A closing bracket stands two places behind its opening one in ASCII, for `[` as for `{`. */
const TO_CLOSE = 2;
/** Stands for the byte behind the last one; equal to no byte. */
const END = -1;

/**
 * 1 = may stand in a string as it is and needs no further look: ASCII but controls, `"` and `\`.
 */
const PLAIN = new Uint8Array(256).fill(1, 0x20, 0x80);
PLAIN[QUOTE] = 0;
PLAIN[BACKSLASH] = 0;

const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Why a scan ended. `offset` counts bytes from the start of the body. */
export class ScanError extends Error {
  readonly code: 'invalid_json' | 'invalid_request';
  readonly offset: number;

  constructor(code: ScanError['code'], offset: number, message: string) {
    super(message);
    this.name = 'ScanError';
    this.code = code;
    this.offset = offset;
  }
}

/** What all scans of one body share. */
export interface Scan {
  readonly bytes: Uint8Array;
  /** The opening bracket of each level; its length is the deepest nesting allowed. */
  readonly stack: Uint8Array;
}

/**
 * Prepares scans of `bytes` whose values nest at most `depthMax` levels (`[]` is one, `1` is
 * none).
 */
export function startScan(bytes: Uint8Array, depthMax: number): Scan {
  return { bytes, stack: new Uint8Array(depthMax) };
}

/** The first byte at or behind `at` that is not JSON white space. */
export function skipSpace(bytes: Uint8Array, at: number): number {
  // Compact JSON is the rule: one comparison answers for it, and the call is inlined.
  return (bytes[at] ?? END) > 0x20 ? at : skipSpaces(bytes, at);
}

function skipSpaces(bytes: Uint8Array, at: number): number {
  let next = at;
  for (;;) {
    const byte = bytes[next];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return next;
    next += 1;
  }
}

/**
 * Checks the value at `at` (no white space before it) and returns where it ends. Throws
 * `ScanError`.
 */
export function scanValue(scan: Scan, at: number): number {
  const { bytes, stack } = scan;
  let depth = 0;
  let next = at;
  for (;;) {
    const byte = bytes[next] ?? END;
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      if (depth === stack.length) throw tooDeep(stack.length, next);
      next = skipSpace(bytes, next + 1);
      if (bytes[next] === byte + TO_CLOSE) {
        next += 1;
      } else {
        stack[depth] = byte;
        depth += 1;
        if (byte === OPEN_OBJECT) next = scanName(bytes, next);
        continue;
      }
    } else {
      next = scanScalar(bytes, next);
    }
    // A value ended: close what closes with it, then go on to the next one.
    for (;;) {
      if (depth === 0) return next;
      const open = stack[depth - 1] ?? END;
      next = skipSpace(bytes, next);
      const mark = bytes[next] ?? END;
      if (mark === COMMA) {
        next = skipSpace(bytes, next + 1);
        if (open === OPEN_OBJECT) next = scanName(bytes, next);
        break;
      }
      if (mark !== open + TO_CLOSE) throw unexpected(bytes, next, afterValue(open));
      next += 1;
      depth -= 1;
    }
  }
}

/** Told where a member's name (with its quotes) and value begin; returns where the value ends. */
export type VisitMember = (nameStart: number, nameEnd: number, valueStart: number) => number;

/** Walks the object at `at`, member by member; `visit` scans the values. Returns where it ends. */
export function scanMembers(scan: Scan, at: number, visit: VisitMember): number {
  const { bytes } = scan;
  let next = skipSpace(bytes, at + 1);
  if (bytes[next] === OPEN_OBJECT + TO_CLOSE) return next + 1;
  for (;;) {
    if (bytes[next] !== QUOTE) throw unexpected(bytes, next, 'a field name in double quotes');
    const nameEnd = scanString(bytes, next);
    next = skipSpace(bytes, visit(next, nameEnd, scanColon(bytes, nameEnd)));
    const mark = bytes[next] ?? END;
    if (mark === OPEN_OBJECT + TO_CLOSE) return next + 1;
    if (mark !== COMMA) throw unexpected(bytes, next, afterValue(OPEN_OBJECT));
    next = skipSpace(bytes, next + 1);
  }
}

/** Told where an element begins and its index; returns where the element ends. */
export type VisitElement = (start: number, index: number) => number;

/** Walks the array at `at`, element by element; `visit` scans them. Returns where it ends. */
export function scanElements(scan: Scan, at: number, visit: VisitElement): number {
  const { bytes } = scan;
  let next = skipSpace(bytes, at + 1);
  if (bytes[next] === OPEN_ARRAY + TO_CLOSE) return next + 1;
  for (let index = 0; ; index += 1) {
    next = skipSpace(bytes, visit(next, index));
    const mark = bytes[next] ?? END;
    if (mark === OPEN_ARRAY + TO_CLOSE) return next + 1;
    if (mark !== COMMA) throw unexpected(bytes, next, afterValue(OPEN_ARRAY));
    next = skipSpace(bytes, next + 1);
  }
}

/** The text of a scanned string; `start` and `end` enclose its quotes. */
export function decodeString(bytes: Uint8Array, start: number, end: number): string {
  // Names and types are short ASCII; for them this is several times faster than a decoder.
  if (end - start > 66) return decodeValue(bytes.subarray(start, end)) as string;
  let text = '';
  for (let at = start + 1; at < end - 1; at += 1) {
    const byte = bytes[at] ?? END;
    if (PLAIN[byte] !== 1) return decodeValue(bytes.subarray(start, end)) as string;
    text += String.fromCharCode(byte);
  }
  return text;
}

/** The value of scanned bytes. Its nesting is bounded by the scan, so parsing cannot overflow. */
export function decodeValue(bytes: Uint8Array): unknown {
  return JSON.parse(DECODER.decode(bytes));
}

/** An error that names what was expected at `at` and what stands there. */
export function unexpected(bytes: Uint8Array, at: number, expected: string): ScanError {
  return broken(at, `expected ${expected}, found ${describe(bytes[at])}`);
}

function afterValue(open: number): string {
  return open === OPEN_OBJECT ? '"," or "}"' : '"," or "]"';
}

/** Scans a member's name and its colon; returns where the value begins. */
function scanName(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== QUOTE) throw unexpected(bytes, at, 'a field name in double quotes');
  return scanColon(bytes, scanString(bytes, at));
}

function scanColon(bytes: Uint8Array, nameEnd: number): number {
  const at = skipSpace(bytes, nameEnd);
  if (bytes[at] !== COLON) throw unexpected(bytes, at, '":" after the field name');
  return skipSpace(bytes, at + 1);
}

function scanScalar(bytes: Uint8Array, at: number): number {
  const byte = bytes[at] ?? END;
  if (byte === QUOTE) return scanString(bytes, at);
  if (byte === MINUS || isDigit(byte)) return scanNumber(bytes, at);
  if (byte === 0x74) return scanWord(bytes, at, 'true');
  if (byte === 0x66) return scanWord(bytes, at, 'false');
  if (byte === 0x6e) return scanWord(bytes, at, 'null');
  throw unexpected(bytes, at, 'a JSON value');
}

function scanString(bytes: Uint8Array, start: number): number {
  const end = bytes.length;
  let at = start + 1;
  for (;;) {
    // Nearly all bytes of nearly all bodies pass here.
    while (at < end && PLAIN[bytes[at] ?? 0] === 1) at += 1;
    if (at >= end) throw broken(end, 'the body ends inside a string');
    const byte = bytes[at] ?? END;
    if (byte === QUOTE) return at + 1;
    if (byte === BACKSLASH) {
      at = scanEscape(bytes, at);
    } else if (byte >= 0x80) {
      const length = utf8Length(bytes, at);
      if (length === 0) throw broken(at, 'a string holds bytes that are not valid UTF-8');
      at += length;
    } else {
      throw broken(at, `${describe(byte)} in a string must be written as an escape such as \\n`);
    }
  }
}

/**
 * Scans an escape; half of a surrogate pair alone is allowed, as RFC 8259 §8.2 and JSON.parse do.
 */
function scanEscape(bytes: Uint8Array, at: number): number {
  switch (bytes[at + 1]) {
    case 0x22: // "
    case 0x2f: // /
    case 0x5c: // \
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return at + 2;
    case 0x75: // u
      for (let digit = at + 2; digit < at + 6; digit += 1) {
        if (!isHex(bytes[digit] ?? END))
          throw unexpected(bytes, digit, 'four hex digits after \\u');
      }
      return at + 6;
    default:
      throw unexpected(bytes, at + 1, 'one of " \\ / b f n r t u after a backslash');
  }
}

function scanNumber(bytes: Uint8Array, start: number): number {
  let at = bytes[start] === MINUS ? start + 1 : start;
  // A leading zero stands alone; a digit behind it is refused as "expected , or }".
  at = bytes[at] === ZERO ? at + 1 : scanDigits(bytes, at);
  if (bytes[at] === DOT) at = scanDigits(bytes, at + 1);
  const mark = bytes[at];
  if (mark === 0x65 || mark === 0x45) {
    const sign = bytes[at + 1];
    at = scanDigits(bytes, sign === 0x2b || sign === MINUS ? at + 2 : at + 1);
  }
  return at;
}

/** At least one digit. */
function scanDigits(bytes: Uint8Array, start: number): number {
  let at = start;
  while (isDigit(bytes[at] ?? END)) at += 1;
  if (at === start) throw unexpected(bytes, at, 'a digit');
  return at;
}

function scanWord(bytes: Uint8Array, at: number, word: string): number {
  for (let i = 1; i < word.length; i += 1) {
    if (bytes[at + i] !== word.charCodeAt(i)) throw unexpected(bytes, at + i, `the value ${word}`);
  }
  return at + word.length;
}

/**
 * Length of the well-formed sequence that starts at `at`; 0 = none (Unicode Standard, table 3-7).
 */
function utf8Length(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? END;
  const second = bytes[at + 1] ?? END;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  if (lead < 0xe0) return isTail(second) ? 2 : 0;
  // The narrower ranges keep out overlong forms, surrogates and what lies above U+10FFFF.
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high || !isTail(bytes[at + 2] ?? END)) return 0;
  if (lead < 0xf0) return 3;
  return isTail(bytes[at + 3] ?? END) ? 4 : 0;
}

function isTail(byte: number): boolean {
  return byte >= 0x80 && byte <= 0xbf;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}

function isHex(byte: number): boolean {
  const lower = byte | 0x20;
  return isDigit(byte) || (lower >= 0x61 && lower <= 0x66);
}

function tooDeep(depthMax: number, at: number): ScanError {
  const message = `is nested deeper than ${depthMax} levels: flatten it, or send it as text`;
  return new ScanError('invalid_request', at, message);
}

function broken(at: number, message: string): ScanError {
  return new ScanError('invalid_json', at, `invalid JSON at byte ${at}: ${message}`);
}

function describe(byte: number | undefined): string {
  if (byte === undefined) return 'the end of the body';
  if (byte > 0x20 && byte < 0x7f) return `"${String.fromCharCode(byte)}"`;
  return `byte 0x${byte.toString(16).padStart(2, '0')}`;
}
