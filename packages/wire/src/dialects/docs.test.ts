import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { DIALECT_NAMES, type DialectName, type RenderInput } from '../message.ts';
import { PLAIN } from './golden.suite.ts';
import { dialects } from './index.ts';

/**
 * The tables of docs/dialects.md say where each field of a format comes from: the first source that is
 * there. Here each row is held against the dialect: every source changes the field as long as none before
 * it is there, none behind it does, and without any it is what the row says.
 */

const PAGE = readFileSync(new URL('../../../../docs/dialects.md', import.meta.url), 'utf8');

interface Row {
  readonly field: string;
  readonly sources: readonly string[];
  readonly otherwise: string;
}
interface Table {
  readonly dialect: DialectName;
  readonly type: string;
  readonly rows: readonly Row[];
}

const code = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] as string);

const tables: readonly Table[] = [
  ...PAGE.matchAll(/<!-- table: (\S+)(?: (\S+))? -->\n\n((?:\|.*\n)+)/g),
].map(([, dialect, type = 'a.b', text = '']) => ({
  dialect: dialect as DialectName,
  type,
  rows: text
    .trim()
    .split('\n')
    .slice(2)
    .map((line) => line.split(/(?<!\\)\|/).slice(1, -1))
    .map(([field = '', sources = '', otherwise = '']) => ({
      field: code(field)[0] ?? '',
      sources: code(sources),
      otherwise: code(otherwise)[0] ?? otherwise.trim(),
    })),
}));

// ---- events with some of the sources -------------------------------------------------------------

/** What a source holds, in two versions; those that must be of a kind are given here. */
const VALUES: Readonly<Record<string, readonly [unknown, unknown]>> = {
  'context.id': [7, 8],
  'context.statusCode': [404, 500],
  'context.isTriggered': [true, true],
  'context.createdTime': ['2020-01-01T00:00:00Z', '2021-01-01T00:00:00Z'],
  'context.timestamp': ['2020-01-01T00:00:00+00:00', '2021-01-01T00:00:00+00:00'],
  'context.createdAt': ['2020-01-01T00:00:00.000Z', '2021-01-01T00:00:00.000Z'],
  type: ['A:b', 'C:d'],
  occurredAt: [1_000_000_000_000, 1_100_000_000_000],
  data: [{ one: 1 }, { two: 2 }],
};

/** Always there: these are never missing, they can only differ. */
const ALWAYS = ['type', 'occurredAt', 'event.id', 'endpoint.id', 'tenant.id'];

type Chosen = ReadonlyMap<string, 0 | 1>;

function held(source: string, version: 0 | 1): unknown {
  const values = VALUES[source] ?? [`${source}-0`, `${source}-1`];
  return values[version];
}

function inputOf(table: Table, chosen: Chosen): RenderInput {
  const given = (source: string) => {
    const version = chosen.get(source);
    return version === undefined ? undefined : held(source, version);
  };
  const always = (source: string, usual: unknown) => given(source) ?? usual;
  const group = (name: string) => {
    const members = [...chosen.keys()].filter((source) => source.startsWith(`${name}.`));
    const entries = members.map((source) => [source.slice(name.length + 1), given(source)]);
    return entries.length === 0 ? undefined : Object.fromEntries(entries);
  };
  const data = group('data') ?? given('data');
  const parent = group('parent');
  const meta = { subject: given('subject'), actor: group('actor'), context: group('context') };
  return {
    event: {
      id: String(always('event.id', 'evt_0')),
      type: table.type === 'a.b' ? String(always('type', 'a.b')) : table.type,
      tenant: 't',
      occurredAt: Number(always('occurredAt', 0)),
      meta: JSON.stringify(meta),
      data: new TextEncoder().encode(data === undefined ? '' : JSON.stringify(data)),
    },
    endpoint: {
      ...PLAIN,
      id: String(always('endpoint.id', 'ep_0')),
      alias: (given('endpoint.alias') as string | undefined) ?? null,
    },
    tenant: {
      id: String(always('tenant.id', 't')),
      alias: (given('tenant.alias') as string | undefined) ?? null,
      parent: parent ? { id: 'p', alias: null, ...parent } : null,
    },
  };
}

/** The field's JSON; undefined = it is not there. */
function look(table: Table, field: string, chosen: Chosen): string | undefined {
  const body = new TextDecoder().decode(dialects[table.dialect].body(inputOf(table, chosen)));
  let value: unknown = JSON.parse(body);
  for (const name of field.split('.'))
    value = (value as Record<string, unknown> | undefined)?.[name];
  return value === undefined ? undefined : JSON.stringify(value);
}

// ---- the rows ------------------------------------------------------------------------------------

test('every format with a body of its own has a table', () => {
  const described = new Set(tables.map(({ dialect }) => dialect));
  // These two are described in words: data alone, and what the owner puts together.
  expect([...described].sort()).toEqual(
    DIALECT_NAMES.filter((name) => name !== 'raw' && name !== 'custom').sort(),
  );
});

describe.each(tables)('$dialect, $type', (table) => {
  const { rows } = table;

  test.each(rows)('$field', ({ field, sources, otherwise }) => {
    for (const [i, source] of sources.entries()) {
      const behind = sources.slice(i + 1).map((one): [string, 0] => [one, 0]);
      // The type decides which table it is.
      if (table.type !== 'a.b' && source === 'type') continue;
      const zero = look(table, field, new Map([...behind, [source, 0]]));
      const one = look(table, field, new Map([...behind, [source, 1]]));
      const without = look(table, field, new Map(behind));
      const said = `${source} decides ${field} where nothing before it is there`;
      if (ALWAYS.includes(source)) expect(one, said).not.toBe(zero);
      else expect([zero, one], said).not.toContain(without);
      // What comes behind does not count any more.
      for (const [later] of behind) {
        if (later === 'type' && table.type !== 'a.b') continue;
        const other = look(table, field, new Map([...behind, [source, 0], [later, 1]]));
        expect(other, `${later} does not change ${field} beside ${source}`).toBe(zero);
      }
    }
    const nothing = look(table, field, new Map());
    if (otherwise === 'left out') expect(nothing).toBeUndefined();
    else if (otherwise !== '') expect(nothing).toBe(otherwise);
    else expect(nothing, `${field} is always there`).toBeDefined();
  });

  test('names every field that is sent, in the order it is sent in', () => {
    const all = new Map<string, 0>(rows.flatMap(({ sources }) => sources.map((one) => [one, 0])));
    // Data as a whole and its members cannot both be given.
    if ([...all.keys()].some((source) => source.startsWith('data.'))) all.delete('data');
    const body = new TextDecoder().decode(dialects[table.dialect].body(inputOf(table, all)));
    const sent = Object.entries(JSON.parse(body) as Record<string, unknown>).flatMap(
      ([name, value]) => {
        const inner = rows.some(({ field }) => field.startsWith(`${name}.`));
        return inner ? Object.keys(value as object).map((one) => `${name}.${one}`) : [name];
      },
    );
    expect(sent).toEqual(rows.map(({ field }) => field));
  });
});
