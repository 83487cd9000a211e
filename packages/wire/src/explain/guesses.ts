import type { Hash } from '../crypto/port.ts';
import type { Encoding } from '../encoding.ts';
import { type HmacOptions, hmac } from '../schemes/hmac.ts';
import type { Scheme, SignedRequest } from '../schemes/scheme.ts';
import { header, secretUrl } from '../schemes/shared-value.ts';

/** A scheme that a request may be of although no well-known sender's headers are there. */
export interface Guess {
  readonly scheme: Scheme;
  /** What it would be, in words. */
  readonly what: string;
}

/** Hexadecimal and Base64 digits of each hash. */
const DIGITS: readonly (readonly [Hash, Encoding, number])[] = [
  ['sha256', 'hex', 64],
  ['sha256', 'base64', 44],
  ['sha256', 'base64url', 43],
  ['sha1', 'hex', 40],
  ['sha1', 'base64', 28],
  ['sha512', 'hex', 128],
  ['sha512', 'base64', 88],
];
const HEADERS_MAX = 64;
const TIMES_MAX = 3;
const GUESSES_MAX = 24;

/** HMACs of the body, alone or behind a timestamp, in any header that looks like one. */
export function hmacGuesses({ headers }: SignedRequest): Guess[] {
  const fields = [...headers.entries()].slice(0, HEADERS_MAX);
  const times = fields
    .filter(([, value]) => /^1[0-9]{9}$/.test(value))
    .slice(0, TIMES_MAX)
    .map(([name]) => name);
  const guesses: Guess[] = [];
  for (const [name, value] of fields) {
    const [, prefix = '', digits = ''] =
      /^([A-Za-z0-9-]{1,12}[=: ])?([A-Za-z0-9+/_=-]+)$/.exec(value) ?? [];
    for (const [algo, encoding, length] of DIGITS) {
      if (digits.length !== length || !fits(digits, encoding)) continue;
      for (const timestampHeader of [undefined, ...times]) {
        guesses.push(hmacGuess({ header: name, prefix, algo, encoding, timestampHeader }));
        if (guesses.length === GUESSES_MAX) return guesses;
      }
    }
  }
  return guesses;
}

function fits(digits: string, encoding: Encoding): boolean {
  if (encoding === 'hex') return /^[0-9a-f]+$/.test(digits);
  return encoding === 'base64' ? /^[A-Za-z0-9+/]+=*$/.test(digits) : /^[\w-]+$/.test(digits);
}

function hmacGuess(options: HmacOptions): Guess {
  const { header: name, algo = 'sha256', encoding, timestampHeader } = options;
  const of =
    timestampHeader === undefined
      ? 'the body'
      : `the value of ${timestampHeader}, a dot and the body`;
  const what = `HMAC-${algo.toUpperCase().replace('SHA', 'SHA-')} of ${of}, as ${encoding}, in the header ${name}`;
  return { scheme: hmac(options), what };
}

/** The secret itself, in a header or in the URL. */
export function sharedGuesses({ headers }: SignedRequest): Guess[] {
  const fields = [...headers.entries()].slice(0, HEADERS_MAX);
  const inHeader = fields.map(([name, value]): Guess => {
    const [prefix = ''] = /^(?:Bearer|Basic|Token) /i.exec(value) ?? [];
    return { scheme: header({ name, prefix }), what: `the secret itself, in the header ${name}` };
  });
  const inUrl = { scheme: URL_SECRET, what: 'the secret itself, in the URL' };
  return [...inHeader, inUrl];
}

const URL_SECRET = secretUrl({
  scheme: 'url',
  describe: () => {
    throw new TypeError('only its signature is looked at');
  },
});
