/**
 * Text in the cells of a terminal. What a stranger wrote is shown and never obeyed: whatever a terminal
 * could act on, or would not show, becomes an escape that can be read.
 */

/** Two cells each: East Asian Wide and Fullwidth of Unicode 14, and emoji; first and last in turn. */
const WIDE = [
  [0x1100, 0x115f, 0x231a, 0x231b, 0x2329, 0x232a, 0x23e9, 0x23ec, 0x23f0, 0x23f0, 0x23f3, 0x23f3],
  [0x25fd, 0x25fe, 0x2614, 0x2615, 0x2648, 0x2653, 0x267f, 0x267f, 0x2693, 0x2693, 0x26a1, 0x26a1],
  [0x26aa, 0x26ab, 0x26bd, 0x26be, 0x26c4, 0x26c5, 0x26ce, 0x26ce, 0x26d4, 0x26d4, 0x26ea, 0x26ea],
  [0x26f2, 0x26f3, 0x26f5, 0x26f5, 0x26fa, 0x26fa, 0x26fd, 0x26fd, 0x2705, 0x2705, 0x270a, 0x270b],
  [0x2728, 0x2728, 0x274c, 0x274c, 0x274e, 0x274e, 0x2753, 0x2755, 0x2757, 0x2757, 0x2795, 0x2797],
  [0x27b0, 0x27b0, 0x27bf, 0x27bf, 0x2b1b, 0x2b1c, 0x2b50, 0x2b50, 0x2b55, 0x2b55, 0x2e80, 0x303e],
  [0x3041, 0x3247, 0x3250, 0x4dbf, 0x4e00, 0xa4c6, 0xa960, 0xa97c, 0xac00, 0xd7a3, 0xf900, 0xfad9],
  [0xfe10, 0xfe19, 0xfe30, 0xfe6b, 0xff01, 0xff60, 0xffe0, 0xffe6, 0x16fe0, 0x16fe3, 0x17000],
  [0x1b2fb, 0x1f004, 0x1f004, 0x1f0cf, 0x1f0cf, 0x1f18e, 0x1f18e, 0x1f191, 0x1f19a, 0x1f200],
  [0x1f320, 0x1f32d, 0x1f335, 0x1f337, 0x1f37c, 0x1f37e, 0x1f393, 0x1f3a0, 0x1f3ca, 0x1f3cf],
  [0x1f3d3, 0x1f3e0, 0x1f3f0, 0x1f3f4, 0x1f3f4, 0x1f3f8, 0x1f43e, 0x1f440, 0x1f440, 0x1f442],
  [0x1f4fc, 0x1f4ff, 0x1f53d, 0x1f54b, 0x1f54e, 0x1f550, 0x1f567, 0x1f57a, 0x1f57a, 0x1f595],
  [0x1f596, 0x1f5a4, 0x1f5a4, 0x1f5fb, 0x1f64f, 0x1f680, 0x1f6c5, 0x1f6cc, 0x1f6cc, 0x1f6d0],
  [0x1f6d2, 0x1f6d5, 0x1f6df, 0x1f6eb, 0x1f6ec, 0x1f6f4, 0x1f6fc, 0x1f7e0, 0x1f7f0, 0x1f90c],
  [0x1f93a, 0x1f93c, 0x1f945, 0x1f947, 0x1f9ff, 0x1fa70, 0x1faff, 0x20000, 0x3fffd],
].flat();

const PLAIN = /^[\x20-\x7e]*$/;
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
const MARK = /[\p{Mn}\p{Me}\u1160-\u11ff]/u;
/** More of them on one letter reach into the lines above. */
const MARKS_MAX = 2;

/** Each character takes the cells that `columnsOf` says, and none is obeyed. Twice is as good as once. */
export function harmless(text: string): string {
  if (PLAIN.test(text)) return text;
  let shown = '';
  let marks = MARKS_MAX;
  for (const char of text) {
    // Says only that the one before is shown in colour.
    if (char === '\ufe0e' || char === '\ufe0f') continue;
    const mark = MARK.test(char);
    marks = mark ? marks + 1 : 0;
    shown += UNSEEN.test(char) || (mark && marks > MARKS_MAX) ? escaped(char) : char;
  }
  return shown;
}

function escaped(char: string): string {
  const code = char.codePointAt(0) as number;
  const hex = code.toString(16);
  return code > 0xffff ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`;
}

/** The cells that harmless text takes. */
export function columnsOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let columns = 0;
  for (const char of text) columns += widthOf(char);
  return columns;
}

function widthOf(char: string): number {
  const code = char.codePointAt(0) as number;
  if (code < 0x300) return 1;
  if (MARK.test(char)) return 0;
  let [low, high] = [0, WIDE.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((WIDE[middle] as number) <= code) low = middle + 1;
    else high = middle;
  }
  // Behind a first and not behind its last, or the last itself.
  return low % 2 === 1 || WIDE[low - 1] === code ? 2 : 1;
}

/** At most so many columns; what was cut off shows as `…`. Harmless. */
export function cut(text: string, columns: number): string {
  // Nothing is narrower than a cell but marks, and of those there are few.
  const safe = harmless(text.slice(0, columns * 4 + 4));
  if (text.length <= columns * 4 + 4 && columnsOf(safe) <= columns) return safe;
  if (columns <= 0) return '';
  return `${start(safe, columns - 1)}…`;
}

/** Exactly so many columns. */
export function fit(text: string, columns: number): string {
  const shown = cut(text, columns);
  return shown + ' '.repeat(Math.max(0, columns - columnsOf(shown)));
}

/** Numbers stand at the right. */
export function fitRight(text: string, columns: number): string {
  const shown = cut(text, columns);
  return ' '.repeat(Math.max(0, columns - columnsOf(shown))) + shown;
}

function start(safe: string, columns: number): string {
  let room = columns;
  let end = 0;
  for (const char of safe) {
    room -= widthOf(char);
    if (room < 0) break;
    end += char.length;
  }
  return safe.slice(0, end);
}

/** Lines of at most so many columns; nothing is left out. Harmless. */
export function wrap(text: string, columns: number): string[] {
  const width = Math.max(2, columns);
  return text.split(/\r\n|\n|\r/).flatMap((line) => {
    const lines: string[] = [];
    let rest = harmless(line.replaceAll('\t', '  '));
    do {
      const piece = start(rest, width);
      lines.push(piece);
      rest = rest.slice(piece.length);
    } while (rest !== '');
    return lines;
  });
}
