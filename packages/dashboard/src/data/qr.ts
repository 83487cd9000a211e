/**
 * QR codes (ISO/IEC 18004) of texts as bytes, with error correction level M: enough for any URL of ours.
 * true = dark. Without the quiet zone of four modules that has to be around it.
 */
export type QrMatrix = readonly (readonly boolean[])[];

/** Of level M, for versions 1 to 20: error correction codewords of each block, and blocks. */
const ECC = [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26];
const BLOCKS = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16];
const VERSION_MAX = 20;

export function qrCode(text: string): QrMatrix {
  const bytes = new TextEncoder().encode(text);
  const version = versionFor(bytes.length);
  const words = interleaved(dataWords(bytes, version), version);
  const candidates = MASKS.map((_, mask) => draw(words, version, mask));
  const costs = candidates.map(penalty);
  return candidates[costs.indexOf(Math.min(...costs))] as QrMatrix;
}

// ---- codewords -----------------------------------------------------------------------------------

function versionFor(bytes: number): number {
  for (let version = 1; version <= VERSION_MAX; version++) {
    const bits = 4 + lengthBits(version) + bytes * 8;
    if (bits <= dataCount(version) * 8) return version;
  }
  throw new RangeError(`${bytes} bytes are too long for a QR code`);
}

function lengthBits(version: number): number {
  return version < 10 ? 8 : 16;
}

function at<T>(list: ArrayLike<T>, index: number): T {
  return list[index] as T;
}

/** All that is not function patterns, in codewords. */
function wordCount(version: number): number {
  let modules = (16 * version + 128) * version + 64;
  if (version >= 2) {
    const n = Math.floor(version / 7) + 2;
    modules -= (25 * n - 10) * n - 55;
  }
  if (version >= 7) modules -= 36;
  return Math.floor(modules / 8);
}

function dataCount(version: number): number {
  return wordCount(version) - at(ECC, version - 1) * at(BLOCKS, version - 1);
}

const BYTE_MODE = 0b0100;

function dataWords(bytes: Uint8Array, version: number): number[] {
  const bits: number[] = [];
  const put = (value: number, count: number) => {
    for (let bit = count - 1; bit >= 0; bit--) bits.push((value >> bit) & 1);
  };
  put(BYTE_MODE, 4);
  put(bytes.length, lengthBits(version));
  for (const byte of bytes) put(byte, 8);
  const room = dataCount(version) * 8;
  put(0, Math.min(4, room - bits.length));
  put(0, (8 - (bits.length % 8)) % 8);
  for (let pad = 0xec; bits.length < room; pad ^= 0xec ^ 0x11) put(pad, 8);
  return Array.from({ length: bits.length / 8 }, (_, word) =>
    bits.slice(word * 8, word * 8 + 8).reduce((value, bit) => value * 2 + bit, 0),
  );
}

/** Cut into blocks, each with its error correction, and read across them. */
function interleaved(data: readonly number[], version: number): number[] {
  const blocks = at(BLOCKS, version - 1);
  const eccCount = at(ECC, version - 1);
  const short = Math.floor(data.length / blocks);
  const shortBlocks = blocks - (data.length % blocks);
  const parts: number[][] = [];
  for (let block = 0, from = 0; block < blocks; block++) {
    const size = short + (block < shortBlocks ? 0 : 1);
    parts.push(data.slice(from, from + size));
    from += size;
  }
  const generator = generatorOf(eccCount);
  const eccs = parts.map((part) => remainderOf(part, generator));
  return [...across(parts, short + 1), ...across(eccs, eccCount)];
}

function across(parts: readonly (readonly number[])[], longest: number): number[] {
  return Array.from({ length: longest }, (_, i) =>
    parts.flatMap((part) => (i < part.length ? [at(part, i)] : [])),
  ).flat();
}

// ---- Reed-Solomon, over GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1 -----------------------------------

function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) {
    product = (product << 1) ^ ((product >> 7) * 0x11d);
    product ^= ((b >> bit) & 1) * a;
  }
  return product;
}

/** (x - 2^0)(x - 2^1)…, without its leading one. */
function generatorOf(degree: number): number[] {
  let terms = [1];
  for (let i = 0, root = 1; i < degree; i++, root = multiply(root, 2)) {
    const shifted = [...terms, 0];
    terms = shifted.map((term, j) => term ^ (j > 0 ? multiply(at(terms, j - 1), root) : 0));
  }
  return terms.slice(1);
}

function remainderOf(data: readonly number[], generator: readonly number[]): number[] {
  const rest: number[] = generator.map(() => 0);
  for (const word of data) {
    const factor = word ^ (rest.shift() as number);
    rest.push(0);
    for (const [i, term] of generator.entries()) rest[i] = at(rest, i) ^ multiply(term, factor);
  }
  return rest;
}

// ---- modules -------------------------------------------------------------------------------------

type Mask = (row: number, column: number) => boolean;
const MASKS: readonly Mask[] = [
  (r, c) => (r + c) % 2 === 0,
  (r) => r % 2 === 0,
  (_, c) => c % 3 === 0,
  (r, c) => (r + c) % 3 === 0,
  (r, c) => (Math.floor(r / 2) + Math.floor(c / 3)) % 2 === 0,
  (r, c) => ((r * c) % 2) + ((r * c) % 3) === 0,
  (r, c) => (((r * c) % 2) + ((r * c) % 3)) % 2 === 0,
  (r, c) => (((r + c) % 2) + ((r * c) % 3)) % 2 === 0,
];

class Grid {
  readonly size: number;
  /** undefined = neither a pattern nor data stands there yet. */
  readonly rows: (boolean | undefined)[][];

  constructor(size: number) {
    this.size = size;
    this.rows = Array.from({ length: size }, () => Array<undefined>(size).fill(undefined));
  }

  set(row: number, column: number, dark: boolean): void {
    const line = this.rows[row];
    if (line && column >= 0 && column < this.size) line[column] = dark;
  }

  /** Squares within each other: `dark` tells by the distance from the centre. */
  square(of: { row: number; column: number; reach: number }, dark: readonly boolean[]): void {
    const { row, column, reach } = of;
    for (let r = -reach; r <= reach; r++) {
      for (let c = -reach; c <= reach; c++) {
        this.set(row + r, column + c, at(dark, Math.max(Math.abs(r), Math.abs(c))));
      }
    }
  }
}

const FINDER = [true, true, false, true, false];
const ALIGNMENT = [true, false, true];

function draw(words: readonly number[], version: number, mask: number): QrMatrix {
  const grid = new Grid(17 + 4 * version);
  drawPatterns(grid, version);
  drawFormat(grid, mask);
  if (version >= 7) drawVersion(grid, version);
  drawData(grid, words, at(MASKS, mask));
  return grid.rows as boolean[][];
}

function drawPatterns(grid: Grid, version: number): void {
  const last = grid.size - 1;
  for (let i = 0; i < grid.size; i++) {
    grid.set(6, i, i % 2 === 0);
    grid.set(i, 6, i % 2 === 0);
  }
  const centres = alignments(version, grid.size);
  const end = centres.at(-1);
  for (const row of centres) {
    for (const column of centres) {
      // Three corners have the large patterns.
      const taken = row === 6 ? column === 6 || column === end : row === end && column === 6;
      if (!taken) grid.square({ row, column, reach: 2 }, ALIGNMENT);
    }
  }
  for (const [row, column] of [
    [3, 3],
    [3, last - 3],
    [last - 3, 3],
  ] as const) {
    grid.square({ row, column, reach: 4 }, FINDER);
  }
}

function alignments(version: number, size: number): number[] {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const step = Math.ceil((version * 4 + 4) / (count * 2 - 2)) * 2;
  return [6, ...Array.from({ length: count - 1 }, (_, i) => size - 7 - (count - 2 - i) * step)];
}

/** `value` with the remainder of its division by `divisor`, in as many bits as that leaves. */
function withRemainder(value: number, divisor: number): number {
  const bits = 31 - Math.clz32(divisor);
  let rest = value << bits;
  for (let bit = 31; bit >= bits; bit--) {
    if ((rest >>> bit) & 1) rest ^= divisor << (bit - bits);
  }
  return (value << bits) | rest;
}

/** Level M is 00 in the two bits in front of the mask. */
function drawFormat(grid: Grid, mask: number): void {
  const format = withRemainder(mask, 0x537) ^ 0x5412;
  const last = grid.size - 1;
  for (let i = 0; i < 15; i++) {
    const dark = ((format >> i) & 1) === 1;
    // Down beside the first corner, around the timing, then to its left.
    if (i < 8) grid.set(i < 6 ? i : i + 1, 8, dark);
    else grid.set(8, i === 8 ? 7 : 14 - i, dark);
    // And once more, parted between the two others.
    if (i < 8) grid.set(8, last - i, dark);
    else grid.set(last - 14 + i, 8, dark);
  }
  grid.set(last - 7, 8, true);
}

function drawVersion(grid: Grid, version: number): void {
  const bits = withRemainder(version, 0x1f25);
  for (let i = 0; i < 18; i++) {
    const dark = ((bits >> i) & 1) === 1;
    const [near, far] = [Math.floor(i / 3), grid.size - 11 + (i % 3)];
    grid.set(near, far, dark);
    grid.set(far, near, dark);
  }
}

/** In pairs of columns from the right, up and down in turn, around the vertical timing. */
function drawData(grid: Grid, words: readonly number[], mask: Mask): void {
  let bit = 0;
  let upwards = true;
  for (let right = grid.size - 1; right > 0; right -= 2, upwards = !upwards) {
    if (right === 6) right -= 1;
    for (let step = 0; step < grid.size; step++) {
      const row = upwards ? grid.size - 1 - step : step;
      for (const column of [right, right - 1]) {
        if (at(at(grid.rows, row), column) !== undefined) continue;
        // What is left over in the end is light.
        const word = words[bit >> 3] ?? 0;
        const dark = ((word >> (7 - (bit & 7))) & 1) === 1;
        grid.set(row, column, dark !== mask(row, column));
        bit += 1;
      }
    }
  }
}

/** How hard it is to read: long runs, blocks, what looks like a corner, too much of one colour. */
function penalty(matrix: QrMatrix): number {
  const rows = matrix.map((row) => row.map(Number).join(''));
  const columns = rows.map((_, column) => rows.map((row) => row[column]).join(''));
  let cost = 0;
  for (const line of [...rows, ...columns]) {
    for (const [run] of line.matchAll(/0{5,}|1{5,}/g)) cost += run.length - 2;
    cost += 40 * [...line.matchAll(/(?=10111010000|00001011101)/g)].length;
  }
  for (const [i, row] of rows.entries()) {
    const next = rows[i + 1] ?? '';
    for (let j = 0; j + 1 < next.length; j++) {
      const block = row.slice(j, j + 2) + next.slice(j, j + 2);
      if (block === '0000' || block === '1111') cost += 3;
    }
  }
  const all = rows.join('');
  const dark = all.replaceAll('0', '').length / all.length;
  return cost + 10 * Math.floor(Math.abs(dark - 0.5) * 20);
}
