/** What a terminal sends for keys, read into keys. */

const SEQUENCES = {
  A: 'up',
  B: 'down',
  C: 'right',
  D: 'left',
  H: 'home',
  F: 'end',
  '1~': 'home',
  '3~': 'delete',
  '4~': 'end',
  '5~': 'pageup',
  '6~': 'pagedown',
  '7~': 'home',
  '8~': 'end',
} as const;

const CONTROLS = {
  '\r': 'enter',
  '\n': 'enter',
  '\t': 'tab',
  '\b': 'backspace',
  '\x7f': 'backspace',
  '\x03': 'ctrl-c',
  '\x04': 'ctrl-d',
  '\x0c': 'ctrl-l',
  '\x15': 'ctrl-u',
  '\x17': 'ctrl-w',
  '\x1a': 'ctrl-z',
} as const;

export type KeyName =
  | (typeof SEQUENCES)[keyof typeof SEQUENCES]
  | (typeof CONTROLS)[keyof typeof CONTROLS]
  | 'escape';

/** A key by its name, or what it types; a paste is one text. */
export type Key =
  | { readonly name: KeyName }
  | { readonly name: 'text'; readonly text: string; readonly pasted: boolean };

const ESCAPE = '\x1b';
const PASTE_BEGIN = `${ESCAPE}[200~`;
const PASTE_END = `${ESCAPE}[201~`;
const PASTE_MAX = 10_000;

/** Keys may come in pieces: what is not whole waits for the rest. */
export class KeyReader {
  #rest = '';

  /** Something has begun: an escape sequence, or the escape key alone, which is what `flush` says. */
  get waits(): boolean {
    return this.#rest !== '';
  }

  read(text: string): Key[] {
    this.#rest += text;
    const keys: Key[] = [];
    while (this.#rest !== '') {
      const taken = this.#take();
      if (taken === undefined) break;
      if (taken) keys.push(taken);
    }
    return keys;
  }

  /** Nothing more came. */
  flush(): Key[] {
    const rest = this.#rest;
    // A long paste comes in pieces, some of them late.
    if (rest.startsWith(PASTE_BEGIN)) return [];
    this.#rest = '';
    return rest === ESCAPE ? [{ name: 'escape' }] : [];
  }

  /** undefined = it needs more; null = it is no key that we know. */
  #take(): Key | null | undefined {
    const rest = this.#rest;
    if (rest.startsWith(PASTE_BEGIN)) return this.#paste();
    if (rest[0] === ESCAPE) return this.#sequence();
    const [char] = rest as unknown as Iterable<string>;
    const text = char as string;
    this.#rest = rest.slice(text.length);
    const name = Object.hasOwn(CONTROLS, text)
      ? CONTROLS[text as keyof typeof CONTROLS]
      : undefined;
    if (name) return { name };
    return /\p{Cc}/u.test(text) ? null : { name: 'text', text, pasted: false };
  }

  #sequence(): Key | null | undefined {
    const rest = this.#rest;
    const behind = rest.slice(ESCAPE.length);
    const whole = /^(?:\[([0-9;]*)([A-Za-z~])|O([A-Z]))/.exec(behind);
    if (!whole) {
      if (/^(?:\[[0-9;]*|O)?$/.test(behind)) return undefined;
      // Alt with another key, or two escapes: the first stands for itself.
      this.#rest = behind.startsWith(ESCAPE) ? behind : behind.slice(1);
      return behind.startsWith(ESCAPE) ? { name: 'escape' } : null;
    }
    this.#rest = behind.slice(whole[0].length);
    const [, parameters = '', final = '', short] = whole;
    const code = short ?? (final === '~' ? `${parameters.split(';')[0]}~` : final);
    if (!Object.hasOwn(SEQUENCES, code)) return null;
    return { name: SEQUENCES[code as keyof typeof SEQUENCES] };
  }

  #paste(): Key | null | undefined {
    const end = this.#rest.indexOf(PASTE_END);
    if (end < 0 && this.#rest.length < PASTE_MAX) return undefined;
    const text = this.#rest.slice(PASTE_BEGIN.length, end < 0 ? PASTE_MAX : end);
    this.#rest = end < 0 ? '' : this.#rest.slice(end + PASTE_END.length);
    const clean = text.replaceAll(/\p{Cc}+/gu, ' ').trim();
    return clean === '' ? null : { name: 'text', text: clean, pasted: true };
  }
}
