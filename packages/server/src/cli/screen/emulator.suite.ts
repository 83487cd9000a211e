/** Begins what the terminal is to copy; a bell ends it. */
const COPY = '\x1b]52;c;';

/**
 * A terminal that knows what `Screen` may say to it and nothing else: anything that a stranger could have
 * put there makes it throw.
 */
export class Emulator {
  readonly modes = new Map<string, boolean>();
  /** As text, without the spaces behind it. */
  rows: string[] = [];
  /** Text that was written while the alternate screen was not shown. */
  outside = '';
  /** What it was given to copy. */
  readonly copied: string[] = [];
  #row = 0;
  #column = 0;
  #rest = '';

  feed(text: string): void {
    this.#rest += text;
    while (this.#rest !== '') {
      const taken = this.#rest.startsWith('\x1b') ? this.#sequence() : this.#text();
      if (taken === 0) return;
      this.#rest = this.#rest.slice(taken);
    }
  }

  get text(): string {
    return this.rows.map((row) => (row ?? '').trimEnd()).join('\n');
  }
  on(mode: string): boolean {
    return this.modes.get(mode) ?? false;
  }

  #sequence(): number {
    if (this.#rest.startsWith(COPY)) {
      const end = this.#rest.indexOf('\x07');
      const copied = this.#rest.slice(COPY.length, end < 0 ? undefined : end);
      if (end >= 0) this.copied.push(Buffer.from(copied, 'base64').toString());
      return end + 1;
    }
    if (COPY.startsWith(this.#rest) || /^.\[[?0-9;]*$/u.test(this.#rest)) return 0;
    const [whole = '', parameters = '', final = ''] =
      /^.\[([?0-9;]*)([A-Za-z])/u.exec(this.#rest) ?? [];
    const mode = /^\?(1049|25|7|2004|2026)$/.exec(parameters)?.[1];
    if (mode !== undefined && (final === 'h' || final === 'l')) {
      this.modes.set(mode, final === 'h');
    } else if (final === 'H' && /^\d+;\d+$/.test(parameters)) {
      const [row = 1, column = 1] = parameters.split(';').map(Number);
      [this.#row, this.#column] = [row - 1, column - 1];
    } else if (final === 'K' && parameters === '2') this.rows[this.#row] = '';
    else if (final === 'J' && parameters === '2') this.rows = [];
    else if (final !== 'm' || (this.on('1049') && !/^(?:0|1|2|3[1236])$/.test(parameters))) {
      throw new Error(`the terminal was told ${JSON.stringify(this.#rest.slice(0, 20))}`);
    }
    return whole.length;
  }

  #text(): number {
    const end = this.#rest.indexOf('\x1b');
    const text = end < 0 ? this.#rest : this.#rest.slice(0, end);
    if (!this.on('1049')) this.outside += text;
    else {
      const told = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.exec(text);
      if (told) throw new Error(`the terminal was told ${JSON.stringify(told[0])}`);
      // Screens write lines from their first column on.
      const before = this.#column === 0 ? '' : (this.rows[this.#row] ?? '');
      this.rows[this.#row] = before + text;
      this.#column += text.length;
    }
    return text.length;
  }
}

/** What strangers send who would like to have the terminal. */
export const HOSTILE: readonly string[] = [
  '\x1b[2J\x1b[H\x1b[31mowned',
  '\x1b]0;title\x07',
  '\x1b]52;c;b3duZWQ=\x07',
  '\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\',
  '\x1bP$q"p\x1b\\',
  '\x1b[?1049l\x1b[?25h',
  '\x1b[6n\x1b[c\x1b[21t',
  '\x9b31m\x90q\x9c\x85',
  '\r\nforged line\r\n',
  'a\x08\x08\x08b\x7f\x00\x0c\x0b',
  '\u202egnp.exe\u202c \u2066x\u2069',
  'a\u200b\u200d\u00ad\u2060\ufeffb',
  `Z${'\u0301'.repeat(40)}algo ${'\u20dd'.repeat(9)}`,
  '\ud800 alone \udfff',
  '\u{e0041}\u{e007f}\u{f0000}',
  '\u2028\u2029',
  '日本語のパス/ペイロード'.repeat(6),
  '👩‍👩‍👧‍👦❤️🇩🇪'.repeat(10),
  '\u115f\u3164\uffa0\u1160',
  '\t\ttabs\t',
  'x'.repeat(5000),
];
