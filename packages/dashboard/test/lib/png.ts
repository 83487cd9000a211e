import { deflateSync, inflateSync } from 'node:zlib';

/**
 * A screenshot with 256 colours, about a third of its size: pages have few colours, and the rest is the
 * soft edge of letters. Takes what Chromium writes: 8-bit RGB or RGBA, not interlaced.
 */
export function quantized(png: Buffer): Buffer {
  const { width, height, channels, rows } = decode(png);
  const { palette, nearest } = paletteOf(rows, channels);
  const indexed = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * channels;
      indexed[y * (width + 1) + 1 + x] = nearest(rows.readUIntBE(at, 3));
    }
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3, 0, 0, 0], 8);
  return Buffer.concat([
    png.subarray(0, 8),
    chunk('IHDR', head),
    chunk('PLTE', palette),
    chunk('IDAT', deflateSync(indexed, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

const COLORS = 256;
/** Grounds and plain text, which must be exact. */
const FREQUENT = 64;
/** How far a colour is from those that were chosen before it: what is rare but like no other comes first. */
const APART = [28, 16, 8, 0];

/** Frequent colours, and rare ones that nothing stands in for; any other is drawn with the nearest. */
function paletteOf(rows: Buffer, channels: number) {
  const counts = new Map<number, number>();
  for (let at = 0; at < rows.length; at += channels) {
    const color = rows.readUIntBE(at, 3);
    counts.set(color, (counts.get(color) ?? 0) + 1);
  }
  const byCount = [...counts].sort((a, b) => b[1] - a[1]);
  const chosen = byCount.slice(0, FREQUENT);
  for (const apart of APART) {
    for (const candidate of byCount) {
      if (chosen.length === COLORS) break;
      const [color] = candidate;
      const isApart = chosen.every(([other]) => distance(color, other) > apart ** 2);
      if (isApart) chosen.push(candidate);
    }
  }
  const palette = Buffer.alloc(chosen.length * 3);
  for (const [i, [color]] of chosen.entries()) palette.writeUIntBE(color, i * 3, 3);
  const known = new Map(chosen.map(([color], i) => [color, i]));
  const nearest = (color: number): number => {
    const found = known.get(color);
    if (found !== undefined) return found;
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < chosen.length; i++) {
      const apart = distance(color, palette.readUIntBE(i * 3, 3));
      if (apart < least) [best, least] = [i, apart];
    }
    known.set(color, best);
    return best;
  };
  return { palette, nearest };
}

function distance(a: number, b: number): number {
  let sum = 0;
  for (const shift of [0, 8, 16]) sum += (((a >> shift) & 255) - ((b >> shift) & 255)) ** 2;
  return sum;
}

function decode(png: Buffer) {
  const width = png.readUInt32BE(16);
  const height = png.readUInt32BE(20);
  const channels = png[25] === 6 ? 4 : 3;
  const parts: Buffer[] = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') {
      parts.push(png.subarray(at + 8, at + 8 + length));
    }
    at += 12 + length;
  }
  const raw = inflateSync(Buffer.concat(parts));
  const stride = width * channels;
  const rows = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) unfilter({ raw, rows, stride, channels, y });
  return { width, height, channels, rows };
}

interface Scanline {
  readonly raw: Buffer;
  readonly rows: Buffer;
  readonly stride: number;
  readonly channels: number;
  readonly y: number;
}

/** PNG, section 9: each byte was written as its difference from its neighbours. */
function unfilter({ raw, rows, stride, channels, y }: Scanline): void {
  const from = y * (stride + 1);
  const filter = raw[from] ?? 0;
  for (let x = 0; x < stride; x++) {
    const left = x >= channels ? (rows[y * stride + x - channels] ?? 0) : 0;
    const up = y > 0 ? (rows[(y - 1) * stride + x] ?? 0) : 0;
    const corner = y > 0 && x >= channels ? (rows[(y - 1) * stride + x - channels] ?? 0) : 0;
    const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter] ?? 0;
    rows[y * stride + x] = ((raw[from + 1 + x] ?? 0) + guess) & 255;
  }
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [byLeft, byUp, byCorner] = [left, up, corner].map((one) => Math.abs(guess - one)) as [
    number,
    number,
    number,
  ];
  if (byLeft <= byUp && byLeft <= byCorner) return left;
  return byUp <= byCorner ? up : corner;
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(named.length + 8);
  out.writeUInt32BE(data.length, 0);
  named.copy(out, 4);
  out.writeUInt32BE(crc32(named), named.length + 4);
  return out;
}

function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
