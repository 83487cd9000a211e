import type { State } from '../output.ts';
import type { FieldChange } from './differences.ts';
import type { Step } from './steps.ts';

/** A plan as people and programs read it. */

const SIGN = { create: '+', update: '~', delete: '-', unchanged: ' ' } as const;
const STATE = { create: 'ok', update: 'warn', delete: 'fail', unchanged: 'ok' } as const;
const VALUE_CHARS_MAX = 60;
const FIELDS_MAX = 12;

export interface Counts {
  readonly created: number;
  readonly updated: number;
  readonly deleted: number;
  readonly unchanged: number;
}

export function countsOf(steps: readonly Step[]): Counts {
  const count = (change: Step['change']) => steps.filter((step) => step.change === change).length;
  return {
    created: count('create'),
    updated: count('update'),
    deleted: count('delete'),
    unchanged: count('unchanged'),
  };
}

/** Lines, and for each how it is coloured. */
export function planLines(steps: readonly Step[]): { lines: string[]; states: State[] } {
  const lines: string[] = [];
  const states: State[] = [];
  for (const step of steps.filter(({ change }) => change !== 'unchanged')) {
    const { kind, tenant, name, change, fields } = step;
    lines.push(`${SIGN[change]} ${kind} ${kind === 'tenant' ? name : `${tenant}/${name}`}`);
    states[lines.length - 1] = STATE[change];
    lines.push(...fields.slice(0, FIELDS_MAX).map((field) => `    ${fieldLine(field)}`));
    if (fields.length > FIELDS_MAX) lines.push(`    … and ${fields.length - FIELDS_MAX} more`);
  }
  return { lines, states };
}

function fieldLine({ path, values }: FieldChange): string {
  if (!values) return `${path}: changes, not shown`;
  return `${path}: ${valueText(values.from)} → ${valueText(values.to)}`;
}

function valueText(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > VALUE_CHARS_MAX ? `${text.slice(0, VALUE_CHARS_MAX - 1)}…` : text;
}

/** What a plan changes, as JSON. */
export function changesToJson(steps: readonly Step[]) {
  return steps
    .filter(({ change }) => change !== 'unchanged')
    .map(({ kind, tenant, name, change, fields }) => ({
      change,
      kind,
      tenant,
      name,
      fields: fields.map(({ path, values }) =>
        values ? { path, ...values } : { path, secret: true },
      ),
    }));
}

/** `2 to create, 1 to change` */
export function planSummary({ created, updated, deleted, unchanged }: Counts): string {
  return listed([
    [created, 'to create'],
    [updated, 'to change'],
    [deleted, 'to delete'],
    [unchanged, 'unchanged'],
  ]);
}

export function doneSummary({ created, updated, deleted }: Counts): string {
  return listed([
    [created, 'created'],
    [updated, 'changed'],
    [deleted, 'deleted'],
  ]);
}

function listed(parts: readonly (readonly [number, string])[]): string {
  const said = parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return said.length > 0 ? said.join(', ') : 'nothing';
}
