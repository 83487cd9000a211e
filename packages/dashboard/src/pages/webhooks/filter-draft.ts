import { type Filter, FilterError, parseFilter } from '@posthorn/wire';
import type { EndpointRow } from '../../data/types.ts';
import { form } from '../../strings/webhook-form.ts';

/** A filter as it stands in the form: rows of conditions, or JSON for what rows cannot say. */
export interface FilterDraft {
  readonly mode: 'none' | 'rows' | 'json';
  readonly match: 'all' | 'any';
  readonly rows: readonly FilterRow[];
  readonly json: string;
}

/** `key` tells rows apart while they come and go. */
export interface FilterRow {
  readonly key: number;
  readonly path: string;
  readonly operator: Operator;
  readonly value: string;
}

export const OPERATORS = [
  'eq',
  'ne',
  'in',
  'gt',
  'gte',
  'lt',
  'lte',
  'prefix',
  'suffix',
  'contains',
  'exists',
] as const;
export type Operator = (typeof OPERATORS)[number];

export const NO_FILTER: FilterDraft = { mode: 'none', match: 'all', rows: [], json: '' };
export const FIRST_ROW: FilterRow = { key: 0, path: 'data.', operator: 'eq', value: '' };

export function filterDraftOf(filter: EndpointRow['filter']): FilterDraft {
  if (filter === null) return NO_FILTER;
  const json = JSON.stringify(filter, null, 2);
  const rows = rowsOf(filter);
  if (rows) return { ...rows, mode: 'rows', json };
  return { ...NO_FILTER, mode: 'json', json };
}

/** undefined = it says more than rows can. */
function rowsOf(filter: Filter): Pick<FilterDraft, 'match' | 'rows'> | undefined {
  const match = 'any' in filter ? 'any' : 'all';
  const members = 'any' in filter ? filter.any : 'all' in filter ? filter.all : [filter];
  const conditions = (members as readonly object[]).flatMap((member) =>
    // Several paths in one object must all hold, so they are rows of `all` only.
    match === 'any' && Object.keys(member).length !== 1 ? [undefined] : conditionsOf(member),
  );
  if (conditions.includes(undefined) || conditions.length === 0) return undefined;
  const rows = conditions.filter((row) => row !== undefined);
  return { match, rows: rows.map((row, key) => ({ ...row, key })) };
}

function conditionsOf(member: object): (Omit<FilterRow, 'key'> | undefined)[] {
  return Object.entries(member).flatMap(([path, condition]) => {
    if (['all', 'any', 'not'].includes(path)) return [undefined];
    if (typeof condition !== 'object' || condition === null) {
      return [{ path, operator: 'eq' as const, value: printScalar(condition) }];
    }
    return Object.entries(condition as object).map(([name, value]) => {
      const operator = OPERATORS.find((known) => known === name);
      if (operator === undefined) return undefined;
      const values: unknown[] = Array.isArray(value) ? value : [value];
      return { path, operator, value: values.map(printScalar).join(', ') };
    });
  });
}

/** A draft as the API takes it; what cannot be understood goes into `mistakes`. */
export function filterOf(
  draft: FilterDraft,
  mistakes: Record<string, string> = {},
): EndpointRow['filter'] {
  if (draft.mode === 'none') return null;
  try {
    const filter = parseFilter(draft.mode === 'json' ? JSON.parse(draft.json) : ofRows(draft));
    return filter as EndpointRow['filter'];
  } catch (error) {
    const known = error instanceof FilterError || error instanceof SyntaxError;
    mistakes['filter'] = known ? error.message : form.filter.invalid;
    return null;
  }
}

function ofRows({ match, rows }: FilterDraft): unknown {
  const members = rows.map(({ path, operator, value }) => [
    path.trim(),
    { [operator]: operator === 'in' ? listOf(value) : scalarOf(value) },
  ]);
  const unique = new Set(members.map(([path]) => path)).size === members.length;
  if (match === 'all' && unique) return Object.fromEntries(members) as unknown;
  return { [match]: members.map((member) => Object.fromEntries([member]) as unknown) };
}

/** As it is typed: 5 is a number, "5" a text, and so is everything that is no JSON. */
function scalarOf(text: string): unknown {
  const trimmed = text.trim();
  try {
    const value: unknown = JSON.parse(trimmed);
    return typeof value === 'object' && value !== null ? trimmed : value;
  } catch {
    return trimmed;
  }
}

/** Commas part the values; one within quotes belongs to its text. */
function listOf(text: string): unknown[] {
  const parts = text.match(/(?:\s*"(?:[^"\\]|\\.)*"\s*)|[^,]+/g) ?? [];
  return parts.filter((part) => part.trim() !== '').map(scalarOf);
}

function printScalar(value: unknown): string {
  const text = String(value);
  return typeof value === 'string' && (scalarOf(text) !== text || text.includes(','))
    ? JSON.stringify(value)
    : text;
}
