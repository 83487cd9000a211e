import { isUtf8 } from 'node:buffer';
import type { WholeAttempt } from '../../store/store.ts';
import { type Head, headerOf, parseHead } from './head.ts';

/** Made by curl itself from the URL and the body. */
const FROM_CURL = new Set(['content-length']);
/** What curl adds unless told not to: a request that had none gets none. */
const CURLS_OWN = ['User-Agent', 'Accept'];
/** Above it a body goes through a pipe: Linux takes no argument above 128 KiB. */
const ARGUMENT_BYTES_MAX = 100_000;
/** From this size on curl asks the receiver first whether it wants the body. */
const EXPECT_BYTES = 1_000_000;

type Request = Pick<WholeAttempt, 'url' | 'requestHead' | 'requestBody'>;

/**
 * A request as a command for a POSIX shell with curl and base64: pasted, it sends the
 * same method, target, headers and body bytes. `reveal` false = secrets are masked.
 */
export function toCurl(attempt: Request, reveal: boolean): string {
  const head = parseHead(attempt.requestHead, reveal);
  const body = Buffer.from(attempt.requestBody);
  const [method] = head.start;
  const words = [
    // The URL as it stands: no ranges in [] and {}, no resolving of /../.
    'curl --globoff --path-as-is',
    method === 'HEAD' ? '--head' : `-X ${quote(method)}`,
    quote(attempt.url),
    ...headerWords(head, { url: new URL(attempt.url), body }),
  ];
  if (body.length === 0) return joined(words);
  if (isPlain(body) && body.length <= ARGUMENT_BYTES_MAX) {
    return joined([...words, `--data-raw ${quote(body.toString())}`]);
  }
  const source = `printf '%s' ${quote(body.toString('base64'))} | base64 -d |`;
  return joined([`${source} ${words[0]}`, ...words.slice(1), '--data-binary @-']);
}

function headerWords(head: Head, about: { readonly url: URL; readonly body: Buffer }): string[] {
  const sent = head.headers.filter(({ name, value }) => {
    const lower = name.toLowerCase();
    return !FROM_CURL.has(lower) && !(lower === 'host' && value === about.url.host);
  });
  const { length } = about.body;
  const unwanted = [
    ...CURLS_OWN,
    ...(length > 0 ? ['Content-Type'] : []),
    ...(length > EXPECT_BYTES ? ['Expect'] : []),
  ].filter((name) => headerOf(head, name.toLowerCase()) === undefined);
  return [
    // A header without a value needs a semicolon: with a colon alone curl leaves it out.
    ...sent.map(({ name, value }) => (value === '' ? `${name};` : `${name}: ${value}`)),
    ...unwanted.map((name) => `${name}:`),
  ].map((text) => `-H ${quoteHeader(text)}`);
}

function joined(words: readonly string[]): string {
  return `${words.join(' \\\n  ')}\n`;
}

/** Text that survives a terminal and its clipboard: no control characters but tab and newline. */
function isPlain(bytes: Uint8Array): boolean {
  return isUtf8(bytes) && !/[^\P{Cc}\t\n]/u.test(Buffer.from(bytes).toString());
}

/** One word for the shell. Nothing is special between single quotes but the quote itself. */
function quote(text: string): string {
  if (/^[A-Za-z0-9_./:=@%+,-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * A header in one word. It stands here as Latin-1, one character a byte, but for masks: bytes that are
 * no UTF-8 text need $'' (POSIX 2024).
 */
function quoteHeader(text: string): string {
  if (/[^\0-\xff]/.test(text)) return quote(text);
  const bytes = Buffer.from(text, 'latin1');
  if (isUtf8(bytes)) return quote(bytes.toString());
  const escaped = [...bytes].map((byte) =>
    byte < 0x20 || byte > 0x7e || byte === 0x27 || byte === 0x5c
      ? `\\${byte.toString(8).padStart(3, '0')}`
      : String.fromCharCode(byte),
  );
  return `$'${escaped.join('')}'`;
}
