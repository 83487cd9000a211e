import { expect, test } from 'vitest';
import { depthOf, type JsonObject, SchemaCompiler, SchemaError } from './json-schema.ts';

const compiler = new SchemaCompiler();

function problems(schema: JsonObject, data: unknown) {
  return compiler.compile(schema).check(data);
}

test('data that fits has no problems, data that does not says where and why', () => {
  const schema = {
    type: 'object',
    required: ['id'],
    properties: { id: { type: 'string' }, role: { enum: ['a', 'b'] } },
    additionalProperties: false,
  };
  expect(problems(schema, { id: 'u_1', role: 'a' })).toEqual([]);
  expect(problems(schema, { role: 'c', extra: 1 })).toEqual([
    { path: '', message: "must have required property 'id'" },
    { path: '', message: 'must NOT have additional properties: "extra"' },
    { path: '/role', message: 'must be equal to one of the allowed values: ["a","b"]' },
  ]);
});

test.each([
  ['2020-12 unless said', { prefixItems: [{ type: 'string' }] }],
  [
    '2020-12',
    {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      prefixItems: [{ type: 'string' }],
    },
  ],
  ['draft-07', { $schema: 'http://json-schema.org/draft-07/schema#', items: [{ type: 'string' }] }],
])('%s', (_, schema) => {
  expect(problems(schema, ['a'])).toEqual([]);
  expect(problems(schema, [1])).toEqual([{ path: '/0', message: 'must be string' }]);
});

test('a schema may refer to itself', () => {
  const tree = { type: 'object', properties: { child: { $ref: '#' }, n: { type: 'integer' } } };
  expect(problems(tree, { child: { child: { n: 1 } } })).toEqual([]);
  expect(problems(tree, { child: { child: { n: 'x' } } })).toMatchObject([
    { path: '/child/child/n' },
  ]);
});

test('an $id of one schema is not seen by another', () => {
  const one = { $id: 'https://example.com/one', $defs: { a: { $id: 'https://example.com/a' } } };
  problems(one, {});
  problems(one, {});
  expect(() => problems({ $ref: 'https://example.com/a' }, {})).toThrow(/leads out of the schema/);
});

test('unknown keywords and formats are notes', () => {
  expect(problems({ type: 'string', format: 'email', 'x-note': 1 }, 'no mail')).toEqual([]);
});

const nested = (depth: number): JsonObject =>
  depth === 0 ? {} : { properties: { a: nested(depth - 1) } };

test.each<[string, JsonObject, RegExp]>([
  ['a wrong keyword', { type: 'strin' }, /^\/type must be equal to one of the allowed values/],
  ['a remote reference', { $ref: 'https://example.com/x' }, /nothing is fetched/],
  ['another draft', { $schema: 'http://json-schema.org/draft-04/schema#' }, /2020-12 or draft-07/],
  ['look-ahead', { pattern: '^(?!x)' }, /a pattern is not understood/],
  ['a pattern of a size that explodes', { pattern: '((a{100}){100}){100}' }, /pattern/],
  ['too deep', nested(20), /deeper than 32 levels/],
  ['too large', { description: 'x'.repeat(70_000) }, /more than 65536 bytes/],
  ['asynchronous', { $async: true }, /\$async/],
])('refuses %s', (_, schema, message) => {
  expect(() => problems(schema, {})).toThrow(SchemaError);
  expect(() => problems(schema, {})).toThrow(message);
});

test.each(['^(x+)+$', '^(a|a)*$', '^([a-zA-Z]+)*$', '(.*)*y', '^(\\w+\\s?)*$'])(
  '100 kB that make %s slow elsewhere take milliseconds (A32)',
  (pattern) => {
    const { check } = compiler.compile({ pattern });
    const text = `${'x'.repeat(100_000)}!`;
    check(text.slice(0, 1000));
    const from = performance.now();
    check(text);
    // The bound of the attack is 10 ms on an idle machine; a quadratic engine needs minutes.
    expect(performance.now() - from).toBeLessThan(1000);
  },
);

test('problems are few and short however much is wrong', () => {
  const schema = { items: { type: 'string' } };
  expect(
    problems(
      schema,
      Array.from({ length: 10_000 }, () => 1),
    ),
  ).toHaveLength(10);
  const long = problems({ additionalProperties: false }, { ['x'.repeat(10_000)]: 1 });
  expect(long[0]?.message).toHaveLength(300);
});

test('depth is counted up to what is asked', () => {
  expect([depthOf(1, 9), depthOf([], 9), depthOf([[]], 9), depthOf({ a: [{}] }, 9)]).toEqual([
    0, 0, 1, 2,
  ]);
  let deep: unknown = [];
  for (let i = 0; i < 100_000; i++) deep = [deep];
  expect(depthOf(deep, 64)).toBe(65);
});
