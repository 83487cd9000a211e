/**
 * Text as search knows it: words in lower case. A word is a run of letters, digits and marks; Chinese
 * and Japanese characters, which no space separates, are a word each. Linear in the text, and bounded.
 */

/** Longer words are cut, in texts and in searches alike. */
const WORD_CHARS_MAX = 40;
/** Of one document. */
const WORDS_MAX = 400;

/** Adds the words of a plain text, as far as there is room. */
export function addWords(words: Set<string>, text: string): void {
  const plain = isAscii(text) ? text : text.normalize('NFKC');
  const lower = plain.toLowerCase();
  let start = -1;
  for (let i = 0; i <= lower.length; i++) {
    const code = i < lower.length ? lower.charCodeAt(i) : 0;
    if (isWordUnit(code)) {
      if (start < 0) start = i;
      if (!isAlone(code)) continue;
    }
    if (start < 0) continue;
    const alone = isAlone(code);
    if (i > start) add(words, lower.slice(start, i));
    if (alone) add(words, lower.slice(i, i + 1));
    start = -1;
  }
}

/** Adds the words of all values of a JSON text, not those of its keys. What is no JSON is read as it is. */
export function addJsonWords(words: Set<string>, json: string): void {
  let plain = 0;
  for (let i = 0; i < json.length; i++) {
    if (json.charCodeAt(i) !== QUOTE) continue;
    addLiterals(words, json.slice(plain, i));
    const end = endOfString(json, i + 1);
    const next = nextUnit(json, end + 1);
    if (next !== COLON) addWords(words, unescaped(json.slice(i + 1, end)));
    i = end;
    plain = end + 1;
    if (words.size >= WORDS_MAX) return;
  }
  addLiterals(words, json.slice(plain));
}

export interface SearchText {
  /** All of them occur. */
  readonly words: readonly string[];
  /** Words that begin so occur. */
  readonly prefixes: readonly string[];
}

const PREFIX_CHARS_MIN = 3;
const SEARCH_WORDS_MAX = 8;

/** `alice exam*` = the word `alice`, and one that begins with `exam`. A reason if it cannot be searched for. */
export function parseSearch(text: string): SearchText | string {
  const words = new Set<string>();
  const prefixes = new Set<string>();
  for (const part of text.split(/\s+/)) {
    const found = new Set<string>();
    addWords(found, part);
    const all = [...found];
    const last = part.endsWith('*') ? all.pop() : undefined;
    for (const word of all) words.add(word);
    if (last === undefined) continue;
    if (last.length < PREFIX_CHARS_MIN) {
      return `${last}*: write at least ${PREFIX_CHARS_MIN} characters before the asterisk`;
    }
    prefixes.add(last);
  }
  const count = words.size + prefixes.size;
  if (count === 0) return 'has no word to look for';
  if (count > SEARCH_WORDS_MAX) return `has more than ${SEARCH_WORDS_MAX} words`;
  return { words: [...words], prefixes: [...prefixes] };
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

function add(words: Set<string>, word: string): void {
  if (words.size < WORDS_MAX) words.add(word.slice(0, WORD_CHARS_MAX));
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}

const ASCII_WORD = Array.from({ length: 128 }, (_, code) =>
  /[0-9a-z]/.test(String.fromCharCode(code)),
);
const OTHER_WORD = /[\p{L}\p{N}\p{M}\p{Cs}]/u;

function isWordUnit(code: number): boolean {
  if (code < 128) return ASCII_WORD[code] as boolean;
  // A surrogate is half of a character beyond the first 65,536; most of those are letters.
  return OTHER_WORD.test(String.fromCharCode(code));
}

/** Kana, Han and their compatibility forms. */
function isAlone(code: number): boolean {
  return (code >= 0x3041 && code <= 0x30ff) || (code >= 0x3400 && code <= 0x9fff);
}

/** Numbers; `true`, `false` and `null` say too little. */
function addLiterals(words: Set<string>, text: string): void {
  if (text.length < 2 && !/\d/.test(text)) return;
  for (const number of text.match(/\d+/g) ?? []) add(words, number);
}

/** Where the string that began before `from` ends. */
function endOfString(json: string, from: number): number {
  for (let i = from; i < json.length; i++) {
    const code = json.charCodeAt(i);
    if (code === BACKSLASH) i += 1;
    else if (code === QUOTE) return i;
  }
  return json.length;
}

function nextUnit(json: string, from: number): number {
  let i = from;
  while (i < json.length && json.charCodeAt(i) <= 0x20) i += 1;
  return json.charCodeAt(i);
}

function unescaped(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replaceAll(/\\(?:u([0-9a-fA-F]{4})|.)/gs, (_, hex: string | undefined) =>
    hex === undefined ? ' ' : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
