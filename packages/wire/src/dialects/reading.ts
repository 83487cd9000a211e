import { isEventType } from '../event.ts';
import { type Members, membersOf } from '../json-members.ts';
import { decodeValue, ScanError } from '../json-scan.ts';
import { DialectError } from '../message.ts';
import { parseRfc3339 } from '../rfc3339.ts';

/** What every `parse` needs: strict where a wrong value would mislead, tolerant of what is absent. */

const QUOTE = 0x22;
const OPEN_OBJECT = 0x7b;

export const NULL: Uint8Array = Uint8Array.of(0x6e, 0x75, 0x6c, 0x6c);

/** A body that must be a JSON object, each of its keys once. */
export function readObject(body: Uint8Array): Members {
  let members: Members | undefined;
  try {
    members = membersOf(body, 'refuse');
  } catch (error) {
    if (!(error instanceof ScanError)) throw error;
    const code = error.code === 'invalid_json' ? 'invalid_json' : 'invalid_body';
    throw new DialectError(code, `the body: ${error.message}`);
  }
  if (members) return members;
  throw new DialectError('invalid_body', 'the body is JSON, but no object');
}

/** The members of a value that is an object; of anything else, none. */
export function readInner(members: Members, name: string): Members {
  const value = members.get(name);
  return (value && membersOf(value)) ?? new Map();
}

/** undefined = absent or null. */
export function readText(members: Members, name: string): string | undefined {
  const value = members.get(name);
  if (value === undefined || isNull(value)) return undefined;
  if (value[0] === QUOTE) return decodeValue(value) as string;
  throw new DialectError('invalid_body', `"${name}" must be a string`);
}

/** The name of an event; a format without it is another format. */
export function readType(members: Members, name: string): string {
  return checkType(readText(members, name), name);
}

export function checkType(type: string | undefined, name: string): string {
  if (type !== undefined && isEventType(type)) return type;
  const found = type === undefined ? 'is missing' : 'is no name of an event';
  throw new DialectError('invalid_body', `"${name}" ${found}: is this another format?`);
}

export function readTime(members: Members, name: string): number | undefined {
  const text = readText(members, name);
  if (text === undefined) return undefined;
  const ms = parseRfc3339(text);
  if (ms !== undefined) return ms;
  throw new DialectError('invalid_body', `"${name}" must be an RFC 3339 time`);
}

/** The value of an object; undefined = absent or something else. */
export function readRecord(members: Members, name: string): Record<string, unknown> | undefined {
  const value = members.get(name);
  return value?.[0] === OPEN_OBJECT ? (decodeValue(value) as Record<string, unknown>) : undefined;
}

export function isNull(value: Uint8Array): boolean {
  return value.length === 4 && value[0] === 0x6e;
}

/** Without what is undefined; undefined if nothing is left. */
export function defined(
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown> | undefined {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** A time's own spelling, where printing the milliseconds would give another one. */
export function unlessPrinted(
  text: string | undefined,
  ms: number | undefined,
  print: (ms: number) => string,
): string | undefined {
  return ms === undefined || text === print(ms) ? undefined : text;
}
