import { joinBytes } from '../body-writer.ts';
import { type Members, membersOf } from '../json-members.ts';
import { plainQuote } from '../json-print.ts';
import { decodeMeta, type WireEvent, type WireTenant } from '../message.ts';
import { parseRfc3339 } from '../rfc3339.ts';
import { isNull, NULL } from './reading.ts';

/** What formats show of an event beside type, time and data. */
export interface Facts {
  readonly subject: string | undefined;
  readonly actor: Readonly<Record<string, unknown>>;
  readonly context: Readonly<Record<string, unknown>>;
}

export function factsOf(event: WireEvent): Facts {
  const { subject, actor = {}, context = {} } = decodeMeta(event.meta);
  return { subject, actor, context };
}

/** A member that the object itself has, whatever its name. */
export function given(object: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** The same if it is a string, or a number, which producers write ids as. */
export function givenText(
  object: Readonly<Record<string, unknown>>,
  name: string,
): string | undefined {
  const value = given(object, name);
  return typeof value === 'number' ? String(value) : typeof value === 'string' ? value : undefined;
}

/** The same if it is an RFC 3339 time. */
export function givenTime(
  object: Readonly<Record<string, unknown>>,
  name: string,
): string | undefined {
  const value = given(object, name);
  return typeof value === 'string' && parseRfc3339(value) !== undefined ? value : undefined;
}

/** The tenant's id as formats show it that take any text. */
export function shown({ id, alias }: Pick<WireTenant, 'id' | 'alias'>): string {
  return alias ?? id;
}

/** true = the producer gave no data, or null. */
export function isAbsent(data: Uint8Array): boolean {
  return data.length === 0 || isNull(data);
}

/**
 * The data that an endpoint is sent: all of it, or an object of the named members with the bytes that
 * they were written with. What is no object has no members: of it nothing is sent.
 */
export function chosenData(data: Uint8Array, fields: readonly string[]): Uint8Array {
  if (data.length === 0) return NULL;
  if (fields.length === 0) return data;
  const members = membersOf(data);
  if (!members) return NULL;
  const wanted = new Set(fields);
  const chosen: (string | Uint8Array)[] = [];
  for (const [name, value] of members) {
    if (!wanted.has(name)) continue;
    chosen.push(`${chosen.length === 0 ? '{' : ','}${plainQuote(name)}:`, value);
  }
  return joinBytes(chosen.length === 0 ? ['{}'] : [...chosen, '}']);
}

export function dataMembers(data: Uint8Array): Members | undefined {
  return data.length === 0 ? undefined : membersOf(data);
}

/** The members of an actor that an endpoint is sent, in the order they have; null = none. */
export function chosenActor(
  actor: Readonly<Record<string, unknown>>,
  fields: readonly string[] | null,
): Readonly<Record<string, unknown>> | null {
  if (fields === null || Object.keys(actor).length === 0) return null;
  if (fields.length === 0) return actor;
  const wanted = new Set(fields);
  return Object.fromEntries(Object.entries(actor).filter(([name]) => wanted.has(name)));
}
