import { expect, test } from 'vitest';
import { headerProblem, isReservedHeader } from './header.ts';

const RESERVED =
  `host content-length transfer-encoding connection keep-alive upgrade te trailer expect
  proxy-authorization proxy-connection content-encoding webhook-id webhook-signature webhook-x`.split(
    /\s+/,
  );

test.each(RESERVED)('%s is reserved in any case', (name) => {
  expect(isReservedHeader(name)).toBe(true);
  expect(isReservedHeader(name.toUpperCase())).toBe(true);
  expect(headerProblem(name, 'x')).toMatch(/reserved/);
});

test.each([
  'Content-Type',
  'User-Agent',
  'Authorization',
  'X-Host',
  'proxy',
  'webhook',
  '__proto__',
])('%s is free to use', (name) => {
  expect(isReservedHeader(name)).toBe(false);
  expect(headerProblem(name, 'x')).toBeUndefined();
});

test.each([
  '',
  ' ',
  'a b',
  'a:',
  'a\r\nb',
  'a\0',
  'é',
  '(a)',
  'a"',
  'a\n',
  'Hoſt',
  'x'.repeat(257),
])('refuses the name %j', (name) => expect(headerProblem(name, 'x')).toBeDefined());

test('takes exactly tab and the printable characters of Latin-1 in a value', () => {
  for (let code = 0; code < 0x300; code += 1) {
    const taken = code === 9 || (code >= 0x20 && code < 0x7f) || (code >= 0xa0 && code <= 0xff);
    const problem = headerProblem('X-A', `a${String.fromCharCode(code)}`);
    expect(problem === undefined, `U+${code.toString(16)}`).toBe(taken);
  }
});

test('takes an empty value and refuses one that is too long', () => {
  expect(headerProblem('X-A', '')).toBeUndefined();
  expect(headerProblem('X-A', 'a'.repeat(8192))).toBeUndefined();
  expect(headerProblem('X-A', 'a'.repeat(8193))).toMatch(/longer than 8192/);
});
