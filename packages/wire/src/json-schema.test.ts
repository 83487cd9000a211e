import { describe, expect, test } from 'vitest';
import type { StandardResult } from './catalogue-types.ts';
import { jsonSchema } from './json-schema.ts';

function issues(schema: Parameters<typeof jsonSchema>[0], value: unknown): string[] {
  const result = jsonSchema(schema)['~standard'].validate(value) as StandardResult<unknown>;
  return (result.issues ?? []).map(({ path = [], message }) => `${path.join('.')}: ${message}`);
}

/** schema, what fits, what does not */
const cases: [Parameters<typeof jsonSchema>[0], unknown[], unknown[]][] = [
  [true, [1, null], []],
  [false, [], [1, null]],
  [{ type: 'string' }, ['', 'a'], [1, null, {}]],
  [{ type: ['integer', 'null'] }, [1, null, 1.0], [1.5, '1']],
  [{ type: 'object' }, [{}], [[], null]],
  [{ type: 'array' }, [[]], [{}]],
  [{ const: { a: [1] } }, [{ a: [1] }], [{ a: [2] }, { a: [1], b: 1 }]],
  [{ enum: ['a', 1, null] }, ['a', 1, null], ['b', 2, undefined]],
  [{ required: ['a'] }, [{ a: undefined }, { a: 1 }, 'not an object'], [{}, { b: 1 }]],
  [
    { properties: { a: { type: 'string' } }, additionalProperties: false },
    [{}, { a: 'x' }],
    [{ a: 1 }, { b: 1 }, JSON.parse('{"__proto__":1}')],
  ],
  [{ additionalProperties: { type: 'number' } }, [{ a: 1 }], [{ a: 'x' }]],
  [
    { patternProperties: { '^x-': { type: 'number' } }, additionalProperties: false },
    [{ 'x-a': 1 }],
    [{ 'x-a': 'b' }, { a: 1 }],
  ],
  [{ items: { type: 'number' } }, [[], [1]], [['a']]],
  [{ prefixItems: [{ type: 'string' }], items: false }, [[], ['a']], [[1], ['a', 1]]],
  [{ minItems: 1, maxItems: 2, uniqueItems: true }, [[1], [1, 2]], [[], [1, 2, 3], [1, 1]]],
  [{ minLength: 2, maxLength: 3 }, ['ab', '😀😀😀'], ['a', 'abcd']],
  [{ pattern: '^a+$' }, ['aa', 7], ['b']],
  [{ minimum: 1, maximum: 3 }, [1, 3, 'x'], [0, 4]],
  [{ exclusiveMinimum: 1, exclusiveMaximum: 3 }, [2], [1, 3]],
  [{ multipleOf: 5 }, [10], [7]],
  [{ minProperties: 1, maxProperties: 1 }, [{ a: 1 }], [{}, { a: 1, b: 2 }]],
  [{ anyOf: [{ type: 'string' }, { type: 'number' }] }, ['a', 1], [null]],
  [{ oneOf: [{ minimum: 1 }, { maximum: 5 }] }, [0, 9], [3]],
  [{ allOf: [{ type: 'string' }, { minLength: 2 }] }, ['ab'], ['a', 1]],
  [{ not: { type: 'null' } }, [1], [null]],
  [
    {
      $ref: '#/$defs/tree',
      $defs: { tree: { properties: { next: { $ref: '#/$defs/tree' } }, required: ['id'] } },
    },
    [{ id: 1 }, { id: 1, next: { id: 2 } }],
    [{}, { id: 1, next: {} }],
  ],
];

test.each(cases)('%j', (schema, good, bad) => {
  for (const value of good) expect(issues(schema, value), JSON.stringify(value)).toEqual([]);
  for (const value of bad) expect(issues(schema, value), JSON.stringify(value)).not.toEqual([]);
});

describe('issues', () => {
  test('name the place', () => {
    const schema = { properties: { a: { items: { required: ['b'] } } } };
    expect(issues(schema, { a: [{ b: 1 }, {}] })).toEqual(['a.1.b: is missing']);
  });

  test('are at most ten', () => {
    const schema = { items: { type: 'string' } } as const;
    expect(
      issues(
        schema,
        Array.from({ length: 1000 }, () => 1),
      ),
    ).toHaveLength(10);
  });
});

test('a keyword that is not known is refused, never skipped', () => {
  for (const keyword of ['if', 'dependentRequired', 'unevaluatedProperties', 'contains']) {
    expect(() => jsonSchema({ [keyword]: {} })).toThrow(`"${keyword}"`);
  }
  expect(() => jsonSchema({ 'x-own': 1, title: 'a', format: 'date-time' })).not.toThrow();
});

test.each(['https://example.com/schema', '#/$defs/missing', '#/toString'])(
  'the reference %s is refused',
  ($ref) => expect(() => jsonSchema({ $ref })).toThrow(/leads/),
);

test('a value that contains itself ends', () => {
  const value: { next?: unknown } = {};
  value.next = value;
  const schema = {
    $ref: '#/$defs/a',
    $defs: { a: { properties: { next: { $ref: '#/$defs/a' } } } },
  };
  expect(issues(schema, value)[0]).toContain('nested too deeply');
});
