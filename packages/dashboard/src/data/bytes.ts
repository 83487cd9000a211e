/** Bodies are bytes; the API gives them as UTF-8 text where they are that, else as base64. */
export interface BodyText {
  readonly encoding: 'utf8' | 'base64';
  readonly text: string;
}

export function bytesOf(body: BodyText): Uint8Array<ArrayBuffer> {
  if (body.encoding === 'utf8') return new TextEncoder().encode(body.text);
  const binary = atob(body.text);
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

export interface HexRow {
  readonly offset: string;
  readonly hex: string;
  readonly text: string;
}

const ROW = 16;

export function hexRowCount(bytes: Uint8Array): number {
  return Math.ceil(bytes.length / ROW);
}

export function hexRow(bytes: Uint8Array, index: number): HexRow {
  const row = bytes.subarray(index * ROW, (index + 1) * ROW);
  const pairs = Array.from(row, (byte) => byte.toString(16).padStart(2, '0'));
  const printable = Array.from(row, (byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·',
  );
  return {
    offset: (index * ROW).toString(16).padStart(6, '0'),
    hex: pairs.join(' ').padEnd(ROW * 3 - 1),
    text: printable.join(''),
  };
}
