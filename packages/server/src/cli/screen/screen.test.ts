import { expect, test } from 'vitest';
import { Emulator, HOSTILE } from './emulator.suite.ts';
import { type Key, KeyReader } from './keys.ts';
import { type Line, Screen } from './screen.ts';
import { columnsOf, cut, fit, harmless, wrap } from './text.ts';

test.each([
  ['plain text stays', 'plain text stays'],
  ['\x1b[31mred\x07', '\\u001b[31mred\\u0007'],
  ['\x9b1m', '\\u009b1m'],
  ['a\u202eb\u200bc', 'a\\u202eb\\u200bc'],
  ['e\u0301', 'e\u0301'],
  ['\u0301e\u0301\u0301\u0301', '\\u0301e\u0301\u0301\\u0301'],
  ['❤\ufe0f', '❤'],
  ['\u{e0041}', '\\u{e0041}'],
  ['\ud800', '\\ud800'],
])('%j is shown as %j', (text, shown) => {
  expect(harmless(text)).toBe(shown);
  expect(harmless(shown)).toBe(shown);
});

test.each([
  ['abc', 3],
  ['日本語', 6],
  ['한글', 4],
  ['ｆｕｌｌ', 8],
  ['🎉', 2],
  ['e\u0301', 1],
  ['→✓●▌…⏎', 6],
  ['é', 1],
])('%j takes %i columns', (text, columns) => expect(columnsOf(text)).toBe(columns));

test.each([...HOSTILE.entries()])('hostile text %i fits, cut, filled up and wrapped', (_, text) => {
  for (const columns of [0, 1, 2, 7, 40, 200]) {
    expect(columnsOf(cut(text, columns))).toBeLessThanOrEqual(columns);
    expect(columnsOf(fit(text, columns))).toBe(columns);
  }
  const lines = wrap(text, 20);
  for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(20);
  const flat = text.replaceAll('\t', '  ').split(/\r\n|\n|\r/);
  expect(lines.join('')).toBe(flat.map(harmless).join(''));
});

test('keys are read, whole or in pieces', () => {
  const reader = new KeyReader();
  const names = (text: string) =>
    reader.read(text).map((key: Key) => (key.name === 'text' ? key.text : key.name));
  expect(names('jü日\r\x7f\t\x03\x15')).toEqual([
    ...['j', 'ü', '日', 'enter', 'backspace', 'tab', 'ctrl-c', 'ctrl-u'],
  ]);
  expect(names('\x1b[A\x1b[1;5B\x1bOC\x1b[5~\x1b[6;2~\x1b[H\x1b[4~')).toEqual([
    ...['up', 'down', 'right', 'pageup', 'pagedown', 'home', 'end'],
  ]);
  expect([names('\x1b'), names('['), names('D')]).toEqual([[], [], ['left']]);
  // A mouse report, Alt with a key, a function key, other controls: nothing.
  expect(names('\x1b[15~\x1bx\x1b[?62c\x01\x02')).not.toContain('x');
});

test('the escape key alone is known when nothing follows', () => {
  const reader = new KeyReader();
  expect(reader.read('\x1b')).toEqual([]);
  expect(reader.waits).toBe(true);
  expect(reader.flush()).toEqual([{ name: 'escape' }]);
  expect(reader.read('\x1b\x1b[A')).toEqual([{ name: 'escape' }, { name: 'up' }]);
});

test('a paste is one text, and presses no keys', () => {
  const reader = new KeyReader();
  expect(reader.read('\x1b[200~method:POST\r\nq\x03')).toEqual([]);
  expect(reader.read('\x1b[201~j')).toEqual([
    { name: 'text', text: 'method:POST q', pasted: true },
    { name: 'text', text: 'j', pasted: false },
  ]);
});

const plain = (text: string): Line => [{ text, style: 'plain' }];

test('only lines that changed are written', () => {
  const written: string[] = [];
  const screen = new Screen((text) => written.push(text), false);
  screen.draw({ lines: [plain('not yet')], cursor: undefined });
  expect(written).toEqual([]);
  screen.enter();
  screen.draw({ lines: ['one', 'two', 'three'].map(plain), cursor: undefined });
  screen.draw({ lines: ['one', 'TWO', 'three'].map(plain), cursor: undefined });
  expect(written[2]).toContain('TWO');
  expect(written[2]).not.toMatch(/one|three/);
  screen.draw({ lines: ['one', 'TWO', 'three'].map(plain), cursor: undefined });
  expect(written).toHaveLength(3);
  screen.forget();
  screen.draw({ lines: [plain('one')], cursor: { row: 0, column: 3 } });
  expect(written[3]).toContain('\x1b[1;4H\x1b[?25h');
});

test('the terminal is left as it was, once', () => {
  const emulator = new Emulator();
  emulator.modes.set('25', true).set('7', true);
  const before = new Map(emulator.modes);
  const screen = new Screen((text) => emulator.feed(text), true);
  screen.leave();
  screen.enter();
  screen.draw({ lines: [plain('x')], cursor: undefined });
  expect(emulator.on('1049')).toBe(true);
  screen.leave();
  screen.leave();
  for (const [mode, on] of before) expect([mode, emulator.on(mode)]).toEqual([mode, on]);
  expect([emulator.on('1049'), emulator.on('2004'), emulator.on('2026')]).toEqual([
    ...[false, false, false],
  ]);
});

test('what strangers wrote is not obeyed, whoever put it into a line', () => {
  const emulator = new Emulator();
  const screen = new Screen((text) => emulator.feed(text), true);
  screen.enter();
  screen.draw({ lines: HOSTILE.map(plain), cursor: undefined });
  expect(emulator.rows).toHaveLength(HOSTILE.length);
});

test('without colours no colour is written', () => {
  const written: string[] = [];
  const screen = new Screen((text) => written.push(text), false);
  screen.enter();
  screen.draw({ lines: [[{ text: 'bad', style: 'bad' }]], cursor: undefined });
  expect(written.join('')).not.toMatch(/\[\d*m/);
});
