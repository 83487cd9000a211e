import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { goQuote, goReprint, plainQuote, printSorted, printValue } from './json-print.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('as Go prints strings', () => {
  // Each line is what json.Marshal of Go 1.22 gives.
  test.each([
    ['<a href="x">&amp;</a>', String.raw`"\u003ca href=\"x\"\u003e\u0026amp;\u003c/a\u003e"`],
    ['\u2028\u2029', String.raw`"\u2028\u2029"`],
    ['\b\f\n\r\t\0\u001f\u007f', String.raw`"\b\f\n\r\t\u0000\u001f${'\u007f'}"`],
    ['\\', String.raw`"\\"`],
    ['ü 日本 😀', '"ü 日本 😀"'],
    ['', '""'],
  ])('%j', (text, printed) => expect(goQuote(text)).toBe(printed));

  test('every text comes back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(JSON.parse(goQuote(text))).toBe(text);
        expect(goQuote(text)).not.toMatch(/[<>&\u2028\u2029]/);
      }),
    );
  });
});

test('values print as JSON.stringify prints them', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(printValue(value, plainQuote)).toBe(JSON.stringify(value));
    }),
  );
});

test('what is undefined is no member', () => {
  expect(printValue({ a: undefined, b: [1, null] }, plainQuote)).toBe('{"b":[1,null]}');
});

describe('JSON printed again as Go prints a map', () => {
  test.each([
    [
      'sorted and compact',
      '{ "b" : 1 ,\n "a" : [ 1 , { "d":2, "c":3 } ] }',
      '{"a":[1,{"c":3,"d":2}],"b":1}',
    ],
    [
      'numbers keep their spelling',
      '[1.0,12345678901234567890,1e400,-0]',
      '[1.0,12345678901234567890,1e400,-0]',
    ],
    [
      'strings get its spelling',
      String.raw`["\u00e9\/<",true,null,""]`,
      String.raw`["é/\u003c",true,null,""]`,
    ],
    ['of a repeated name the last counts', '{"a":1,"b":2,"a":3}', '{"a":3,"b":2}'],
    ['sorted by UTF-8, not by UTF-16', '{"\ufb01":1,"😀":2}', '{"\ufb01":1,"😀":2}'],
    ['shorter before longer', '{"ab":1,"a":2,"":3}', '{"":3,"a":2,"ab":1}'],
    ['empty ones', '[{},[ ]]', '[{},[]]'],
  ])('%s', (_, given, printed) => expect(goReprint(bytes(given))).toBe(printed));

  test('it means the same', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const printed = goReprint(bytes(JSON.stringify(value, null, 1)));
        expect(JSON.parse(printed)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

test('an object of printed values is sorted', () => {
  expect(
    printSorted(
      new Map([
        ['b', '1'],
        ['a<', '2'],
      ]),
    ),
  ).toBe(String.raw`{"a\u003c":2,"b":1}`);
});
