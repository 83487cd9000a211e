import { expect, test } from 'vitest';
import { qrCode } from './qr.ts';

function drawn(text: string): string {
  return qrCode(text)
    .map((row) => row.map((dark) => (dark ? '#' : '.')).join(''))
    .join('\n');
}

test('the smallest code, module by module, as readers read it', () => {
  expect(drawn('posthorn')).toMatchInlineSnapshot(`
    "#######...###.#######
    #.....#..#..#.#.....#
    #.###.#.#..#..#.###.#
    #.###.#.#..#..#.###.#
    #.###.#.##.##.#.###.#
    #.....#.#.#.#.#.....#
    #######.#.#.#.#######
    ........#.###........
    #.#####...#.#.#####..
    ######....#.######..#
    #.#...##.###..#..#.#.
    .###....###....####..
    ..#.#.#..#.#...#.#...
    ........#..####.#.###
    #######.....#.#..#.#.
    #.....#.##.####.###..
    #.###.#.##..#...##..#
    #.###.#.##..#..####..
    #.###.#.##.#.#....#..
    #.....#..##....#.##..
    #######.#.##.#.##..#."
  `);
});

/** FNV-1a: what zbar has read as the text, pinned. */
function fingerprint(text: string): string {
  let hash = 0x811c9dc5;
  for (const char of drawn(text)) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193);
  return (hash >>> 0).toString(16);
}

test.each([
  ['two blocks', 60, 33, '66d532c7'],
  ['a version that stands in the code', 150, 49, 'ec11ca3'],
  ['a length of two bytes', 250, 61, '2cbe42a8'],
  ['the largest', 666, 97, 'c4616feb'],
])('%s', (_, length, size, expected) => {
  const text = 'https://hooks.example.com/in/'.padEnd(length, 'x4Ze~');
  expect(qrCode(text)).toHaveLength(size);
  expect(fingerprint(text)).toBe(expected);
});

test('what does not fit is refused', () => {
  expect(() => qrCode('x'.repeat(667))).toThrow('too long');
});
