import { endOfString } from './member-text.ts';

/**
 * JSON text laid out in lines without being parsed: every number, escape and repeated key is shown as
 * it was sent. Not recursive, and linear in the text.
 */
export type TokenKind = 'key' | 'text' | 'number' | 'word' | 'mark';
export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

export interface JsonLine {
  readonly depth: number;
  readonly tokens: readonly Token[];
  /** The line that closes what this one opens. */
  readonly closes?: number;
  /** Members or elements of what this line opens. */
  readonly count?: number;
}

interface Open {
  readonly line: number;
  readonly object: boolean;
  count: number;
}

const WORD = /[-+.\w]+/y;
const SPACE = /[ \t\r\n]*/y;

/** undefined = it is not JSON. */
export function layOut(text: string): JsonLine[] | undefined {
  try {
    return new Layout(text).run();
  } catch (error) {
    if (error instanceof NotJson) return undefined;
    throw error;
  }
}

class NotJson extends Error {}

type Building = { depth: number; tokens: Token[]; closes?: number; count?: number };

class Layout {
  readonly #text: string;
  readonly #lines: Building[] = [];
  readonly #open: Open[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  run(): JsonLine[] {
    this.#newLine();
    this.#value();
    while (this.#open.length > 0) this.#member();
    this.#space();
    if (this.#at < this.#text.length) throw new NotJson();
    return this.#lines;
  }

  /** What stands between two values: a comma or an end, then a key and the next value. */
  #member(): void {
    const open = this.#open.at(-1) as Open;
    this.#space();
    const next = this.#text[this.#at];
    if (next === (open.object ? '}' : ']')) {
      this.#close(open, next);
      return;
    }
    if (open.count > 0) {
      if (next !== ',') throw new NotJson();
      this.#at += 1;
      this.#add('mark', ',');
      this.#space();
    }
    open.count += 1;
    this.#newLine();
    if (open.object) this.#key();
    this.#value();
  }

  #key(): void {
    if (this.#text[this.#at] !== '"') throw new NotJson();
    this.#add('key', this.#string());
    this.#space();
    if (this.#text[this.#at] !== ':') throw new NotJson();
    this.#at += 1;
    this.#add('mark', ': ');
  }

  #value(): void {
    this.#space();
    const first = this.#text[this.#at];
    if (first === '{' || first === '[') {
      this.#at += 1;
      this.#add('mark', first);
      this.#open.push({ line: this.#lines.length - 1, object: first === '{', count: 0 });
    } else if (first === '"') {
      this.#add('text', this.#string());
    } else {
      WORD.lastIndex = this.#at;
      const word = WORD.exec(this.#text)?.[0];
      if (word === undefined) throw new NotJson();
      const isWord = word === 'true' || word === 'false' || word === 'null';
      if (!isWord && !/^-?\d/.test(word)) throw new NotJson();
      this.#at += word.length;
      this.#add(isWord ? 'word' : 'number', word);
    }
  }

  #close(open: Open, bracket: string): void {
    this.#open.pop();
    this.#at += 1;
    if (open.count > 0) {
      this.#newLine();
      const opener = this.#lines[open.line] as Building;
      opener.closes = this.#lines.length - 1;
      opener.count = open.count;
    }
    this.#add('mark', bracket);
  }

  /** With its quotes, as it stands. */
  #string(): string {
    const from = this.#at;
    const end = endOfString(this.#text, from);
    if (end === this.#text.length) throw new NotJson();
    this.#at = end + 1;
    return this.#text.slice(from, this.#at);
  }

  #space(): void {
    SPACE.lastIndex = this.#at;
    this.#at += SPACE.exec(this.#text)?.[0].length ?? 0;
  }

  #newLine(): void {
    this.#lines.push({ depth: this.#open.length, tokens: [] });
  }

  #add(kind: TokenKind, text: string): void {
    (this.#lines.at(-1) as Building).tokens.push({ kind, text });
  }
}
