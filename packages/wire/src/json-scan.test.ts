import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EnvelopeError, parseEvents } from './event.ts';
import { ScanError, scanValue, skipSpace, startScan } from './json-scan.ts';

const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function scanned(bytes: Uint8Array): boolean {
  try {
    const end = scanValue(startScan(bytes, 64), skipSpace(bytes, 0));
    return skipSpace(bytes, end) === bytes.length;
  } catch (error) {
    if (error instanceof ScanError) return false;
    throw error;
  }
}

function parsed(bytes: Uint8Array): boolean {
  try {
    JSON.parse(DECODER.decode(bytes));
    return true;
  } catch {
    return false;
  }
}

const json = fc.json({ maxDepth: 6 }).map((text) => Buffer.from(text));

/** JSON with every kind of token and spacing, so that a changed byte often stays JSON. */
const spaced = fc
  .jsonValue({ maxDepth: 4, stringUnit: 'binary' })
  .map((value) => Buffer.from(JSON.stringify(value, null, 1)));

const seeds = [
  '{"a":[1,-0,1.5e+10,0.1,2E-3],"b":{"c":"\\u00e9\\n\\"\\\\\\/","d":[]},"e":[true,false,null,{}]}',
  ' [ "é€😀" , "\\ud800" , 12345678901234567890 , { "__proto__" : 1 , "" : "" } ] \r\n\t',
  '"\u2028\u0000"',
];

test('accepts every value that JSON can print', () => {
  fc.assert(
    fc.property(fc.oneof(json, spaced), (bytes) => scanned(bytes)),
    { numRuns: 300 },
  );
});

test('agrees with JSON.parse about changed and cut bytes', () => {
  const edit = fc.record({
    at: fc.nat(),
    byte: fc.integer({ min: 0, max: 255 }),
    cut: fc.boolean(),
  });
  const start = fc.oneof(json, spaced, fc.constantFrom(...seeds.map((seed) => Buffer.from(seed))));
  fc.assert(
    fc.property(start, fc.array(edit, { minLength: 1, maxLength: 3 }), (original, edits) => {
      let bytes = Uint8Array.from(original);
      for (const { at, byte, cut } of edits) {
        const place = at % (bytes.length + 1);
        if (cut) bytes = bytes.slice(0, place);
        else if (place < bytes.length) bytes[place] = byte;
      }
      expect(scanned(bytes)).toBe(parsed(bytes));
    }),
    { numRuns: 3000 },
  );
});

test('agrees with JSON.parse about every single byte changed to every other in a dense sample', () => {
  const original = Buffer.from('[-1.0e+2,"\\u0aF9é😀",{"k":tru\u0065}]');
  for (let at = 0; at < original.length; at += 1) {
    for (let byte = 0; byte < 256; byte += 1) {
      const bytes = Uint8Array.from(original);
      bytes[at] = byte;
      expect(scanned(bytes), `byte ${at} = ${byte}`).toBe(parsed(bytes));
    }
  }
});

test('agrees with the decoder about every two-byte and every edge of UTF-8', () => {
  const check = (...inner: number[]): void => {
    const bytes = Uint8Array.of(0x22, ...inner, 0x22);
    expect(scanned(bytes), inner.join(' ')).toBe(parsed(bytes));
  };
  for (let lead = 0x80; lead < 0x100; lead += 1) {
    for (let second = 0; second < 0x100; second += 1) check(lead, second);
  }
  for (const lead of [0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5]) {
    for (const second of [0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0]) {
      for (const third of [0x7f, 0x80, 0xbf, 0xc0]) {
        check(lead, second, third);
        check(lead, second, third, 0x80);
        check(lead, second, third, 0xc0);
      }
    }
  }
});

test.each([
  '01',
  '-',
  '1.',
  '.5',
  '1e',
  '+1',
  'NaN',
  'Infinity',
  "'a'",
  '[1,]',
  '{"a":1,}',
  '{a:1}',
  '{"a" 1}',
  '[1 2]',
  '[1}',
  '{"a":1]',
  '"\\x41"',
  '"\\u00g0"',
  '"a\nb"',
  '"a',
  'tru',
  'nul',
  'truex',
  '[] []',
  '\u00a0[]',
  '// c\n1',
  '\v1',
])('refuses %j', (text) => {
  expect(scanned(Buffer.from(text))).toBe(false);
});

test('counts nesting from the value itself and refuses one level more than allowed', () => {
  const nested = (levels: number): Uint8Array =>
    Buffer.from(`${'[{"a":'.repeat(levels / 2)}0${'}]'.repeat(levels / 2)}`);
  expect(scanned(nested(64))).toBe(true);
  expect(() => scanValue(startScan(nested(66), 64), 0)).toThrow(/deeper than 64 levels/);
  expect(() => scanValue(startScan(Buffer.from('[]'), 0), 0)).toThrow(/deeper than 0 levels/);
});

test.each(['[', '{"a":', '[{"":'])(
  'refuses a million %j at once, without a stack overflow',
  (open) => {
    const body = Buffer.from(open.repeat(1_000_000));
    const inData = Buffer.concat([Buffer.from('{"type":"t","data":'), body]);
    const started = performance.now();
    expect(() => scanValue(startScan(body, 64), 0)).toThrow(ScanError);
    expect(() => parseEvents(body)).toThrow(EnvelopeError);
    expect(() => parseEvents(inData)).toThrow(/data is nested deeper than 64 levels/);
    expect(performance.now() - started).toBeLessThan(100);
  },
);

test('takes a million closed levels if it is told to', () => {
  const body = Buffer.from(`${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`);
  expect(scanValue(startScan(body, 1_000_000), 0)).toBe(body.length);
});
