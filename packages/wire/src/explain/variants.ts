import { utf8 } from '../encoding.ts';

/** A body as it may have been when it was signed. */
export interface Variant {
  readonly body: Uint8Array;
  /** What happened to it since. */
  readonly changed: string;
}

const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The ways in which bodies are commonly changed between signing and arriving. */
export function variantsOf(body: Uint8Array): Variant[] {
  let text: string;
  try {
    text = DECODER.decode(body);
  } catch {
    return [];
  }
  const variants: Variant[] = [];
  const seen = new Set([text]);
  const add = (signed: string | undefined, changed: string) => {
    if (signed === undefined || seen.has(signed)) return;
    seen.add(signed);
    variants.push({ body: utf8(signed), changed });
  };
  const bare = text.replace(/^\uFEFF/, '');
  add(bare, 'a byte order mark was put before it');
  add(bare.replace(/\r?\n$/, ''), 'a line break was added at its end');
  add(`${bare}\n`, 'the line break at its end was cut off');
  add(bare.replaceAll('\r\n', '\n'), 'its line ends became CRLF');
  add(bare.replaceAll(/\r?\n/g, '\r\n'), 'its line ends became LF');
  const value = jsonOf(bare);
  if (value === undefined) return variants;
  add(withoutSpace(bare), 'it was parsed and printed again: white space was added');
  add(JSON.stringify(value), 'it was parsed and printed again');
  add(spaced(value), 'it was parsed and printed again: the white space that Python prints is gone');
  for (const indent of [2, 4, '\t'] as const) {
    add(JSON.stringify(value, null, indent), 'it was parsed and printed again: its indent is gone');
  }
  add(escaped(JSON.stringify(value)), 'it was parsed and printed again: \\u escapes were decoded');
  return variants;
}

function jsonOf(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** JSON without the white space between its tokens; numbers and strings stay as they are written. */
function withoutSpace(text: string): string {
  return text.replaceAll(
    /("(?:[^"\\]|\\.)*")|\s+/gs,
    (_, string: string | undefined) => string ?? '',
  );
}

/** As Python’s json.dumps prints by default. */
function spaced(value: object): string {
  return escaped(
    JSON.stringify(value).replaceAll(
      /("(?:[^"\\]|\\.)*")|[,:]/g,
      (token, string: string | undefined) => string ?? `${token} `,
    ),
  );
}

function escaped(text: string): string {
  return text.replaceAll(
    /[^\0-\x7f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
