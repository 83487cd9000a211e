import { expect, test } from 'vitest';
import { diffJson } from './json-diff.ts';

test('tells what was changed, added and removed, and nothing else', () => {
  const before = '{"id":1,"tags":["a","b"],"user":{"name":"Ada","age":36},"gone":true}';
  const after = '{"id":1.0,"tags":["a","c","d"],"user":{"age":36,"name":"Ada"},"empty":{}}';
  expect(diffJson(before, after)).toEqual([
    { path: 'id', before: '1', after: '1.0' },
    { path: 'tags[1]', before: '"b"', after: '"c"' },
    { path: 'gone', before: 'true', after: undefined },
    { path: 'tags[2]', before: undefined, after: '"d"' },
    { path: 'empty', before: undefined, after: '{}' },
  ]);
});

test('objects in lists are compared place by place', () => {
  expect(diffJson('[{"a":1},{"a":2}]', '[{"a":1},{"a":3}]')).toEqual([
    { path: '[1].a', before: '2', after: '3' },
  ]);
});

test.each([
  ['1', '2', [{ path: '', before: '1', after: '2' }]],
  ['{"a":1}', '{ "a" : 1 }', []],
  ['{}', '[]', [{ path: '', before: '{}', after: '[]' }]],
])('%s and %s', (before, after, differences) => {
  expect(diffJson(before, after)).toEqual(differences);
});

test('what is not JSON cannot be compared', () => {
  expect(diffJson('{"a":1}', 'a=1')).toBeUndefined();
});
