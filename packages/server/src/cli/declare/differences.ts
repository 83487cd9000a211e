import { isDeepStrictEqual } from 'node:util';
import { isRecord } from './references.ts';

/** One member that changes. Without values where they are secrets. */
export interface FieldChange {
  /** Dotted: `defaults.timeoutMs`. */
  readonly path: string;
  readonly values: { readonly from: unknown; readonly to: unknown } | undefined;
}

/** How two values differ, member by member; lists are compared as wholes. */
export function differences(from: unknown, to: unknown, path: string): FieldChange[] {
  if (isDeepStrictEqual(from, to)) return [];
  if (!isRecord(from) || !isRecord(to)) return [{ path, values: { from, to } }];
  const members = new Set([...Object.keys(from), ...Object.keys(to)]);
  return [...members].flatMap((member) =>
    differences(memberOf(from, member), memberOf(to, member), joined(path, member)),
  );
}

/** The members that are not what they are of themselves. */
export function withoutDefaults(value: object, defaults: object): Record<string, unknown> {
  const standard = new Map(Object.entries(defaults));
  return Object.fromEntries(
    Object.entries(value).filter(([member, one]) => !isDeepStrictEqual(one, standard.get(member))),
  );
}

export function hidden(path: string): FieldChange {
  return { path, values: undefined };
}

function memberOf(value: Record<string, unknown>, member: string): unknown {
  return Object.hasOwn(value, member) ? value[member] : undefined;
}

function joined(path: string, member: string): string {
  return path === '' ? member : `${path}.${member}`;
}
