import { harmless } from './text.ts';

/** A picture of lines on a terminal: only lines that changed are drawn, each in its place. */

const STYLES = {
  plain: '',
  dim: '2',
  strong: '1',
  good: '32',
  info: '36',
  warn: '33',
  bad: '31',
} as const;
export type Style = keyof typeof STYLES;

export interface Span {
  readonly text: string;
  readonly style: Style;
}
export type Line = readonly Span[];

export interface Picture {
  /** One for each row of the terminal, none wider than it. */
  readonly lines: readonly Line[];
  /** Where somebody types; undefined = nowhere. From 0. */
  readonly cursor: { readonly row: number; readonly column: number } | undefined;
}

/** Alternate screen, no cursor, no line wrap, pastes marked as such. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[?2004h\x1b[2J';
const LEAVE = '\x1b[?2004l\x1b[?7h\x1b[?25h\x1b[?1049l';
/** Terminals that know it show everything in between at once; others pass over it. */
const BEGIN = '\x1b[?2026h';
const END = '\x1b[?2026l';
/** Some terminals cut longer texts to copy; of them as they are written, in base64. */
const COPIED_CHARS_MAX = 74_994;

export class Screen {
  readonly #write: (text: string) => void;
  readonly #colors: boolean;
  #on = false;
  #drawn: string[] = [];
  #cursor = '';

  constructor(write: (text: string) => void, colors: boolean) {
    this.#write = write;
    this.#colors = colors;
  }

  get on(): boolean {
    return this.#on;
  }

  enter(): void {
    if (this.#on) return;
    this.#on = true;
    this.forget();
    this.#write(ENTER);
  }

  /** The terminal as it was. May be called at any time, as often as one likes. */
  leave(): void {
    if (!this.#on) return;
    this.#on = false;
    this.#write(LEAVE);
  }

  /** To the clipboard of whoever sees it, also over SSH, if the terminal allows that; false = too long. */
  copy(text: string): boolean {
    const copied = Buffer.from(text).toString('base64');
    if (copied.length > COPIED_CHARS_MAX) return false;
    this.#write(`\x1b]52;c;${copied}\x07`);
    return true;
  }

  /** What stands there is not known any more: the next picture is drawn whole. */
  forget(): void {
    this.#drawn = [];
    this.#cursor = '';
  }

  draw({ lines, cursor }: Picture): void {
    if (!this.#on) return;
    let out = '';
    const painted = lines.map((line) => this.#paint(line));
    for (const [row, text] of painted.entries()) {
      // Cleared first: behind a full line the cursor stands on its last cell.
      if (text !== this.#drawn[row]) out += `\x1b[${row + 1};1H\x1b[2K${text}`;
    }
    for (let row = painted.length; row < this.#drawn.length; row++) {
      out += `\x1b[${row + 1};1H\x1b[2K`;
    }
    this.#drawn = painted;
    const shown = cursor ? `\x1b[${cursor.row + 1};${cursor.column + 1}H\x1b[?25h` : '\x1b[?25l';
    if (out === '' && shown === this.#cursor) return;
    this.#cursor = shown;
    this.#write(`${BEGIN}\x1b[?25l${out}${shown}${END}`);
  }

  /** Whoever made the text, nothing in it is obeyed. */
  #paint(line: Line): string {
    let out = '';
    for (const { text, style } of line) {
      const safe = harmless(text);
      const code = this.#colors ? STYLES[style] : '';
      out += code === '' ? safe : `\x1b[${code}m${safe}\x1b[0m`;
    }
    return out;
  }
}
