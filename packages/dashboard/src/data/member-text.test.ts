import { expect, test } from 'vitest';
import { memberText } from './member-text.ts';

test.each([
  ['{"a":1,"data":{"n": 1.0 ,"l":[1,{}]},"z":0}', '{"n": 1.0 ,"l":[1,{}]}'],
  ['{"data":[1]}', '[1]'],
  ['{"data": "}, \\"data\\":"}', ' "}, \\"data\\":"'],
  ['{"x":{"data":2},"data":"s","y":1}', '"s"'],
  ['{"data":1,"y":{"data":2}}', '1'],
  ['{"x":"data"}', undefined],
])('the member data of %s', (json, data) => {
  expect(memberText(json, 'data')).toBe(data);
});
