import {
  decodeString,
  ScanError,
  scanMembers,
  scanValue,
  skipSpace,
  startScan,
} from './json-scan.ts';

/** Nesting that is read, as for events that are posted. */
const DEPTH_MAX = 64;
const OPEN_OBJECT = 0x7b;

/** The members of a JSON object: names decoded, values as the bytes they are written with. */
export type Members = Map<string, Uint8Array>;

/**
 * Splits a JSON object into its members without printing anything anew; undefined = another kind of
 * value. Of a repeated name the last value counts, as for JSON.parse; with `repeats: 'refuse'` it is
 * an error. Throws `ScanError` for what is not JSON.
 */
export function membersOf(
  bytes: Uint8Array,
  repeats: 'last' | 'refuse' = 'last',
): Members | undefined {
  const scan = startScan(bytes, DEPTH_MAX);
  const start = skipSpace(bytes, 0);
  if (bytes[start] !== OPEN_OBJECT) {
    checkEnd(bytes, scanValue(scan, start));
    return undefined;
  }
  const members: Members = new Map();
  const end = scanMembers(scan, start, (nameStart, nameEnd, valueStart) => {
    const name = decodeString(bytes, nameStart, nameEnd);
    if (repeats === 'refuse' && members.has(name)) {
      const message = `${JSON.stringify(name)} is given twice: two readers could read two things`;
      throw new ScanError('invalid_request', nameStart, message);
    }
    const valueEnd = scanValue(scan, valueStart);
    members.set(name, bytes.subarray(valueStart, valueEnd));
    return valueEnd;
  });
  checkEnd(bytes, end);
  return members;
}

/** true = the bytes are one JSON value, nested no deeper than is read. */
export function isJson(bytes: Uint8Array): boolean {
  try {
    checkEnd(bytes, scanValue(startScan(bytes, DEPTH_MAX), skipSpace(bytes, 0)));
    return true;
  } catch (error) {
    if (error instanceof ScanError) return false;
    throw error;
  }
}

function checkEnd(bytes: Uint8Array, end: number): void {
  const rest = skipSpace(bytes, end);
  if (rest !== bytes.length) {
    throw new ScanError('invalid_json', rest, `invalid JSON at byte ${rest}: more after the value`);
  }
}
