import type { Header } from '../core/model.ts';

/**
 * HTTP/1.1 on the wire (RFC 9112): one request rendered to exact bytes, one response parsed from chunks
 * cut anywhere. The parser is strict, because a response is a stranger's text and leniency is how two
 * readers come to disagree about where it ends; and bounded, because the stranger decides its length.
 */

const HEAD_BYTES_MAX = 64 * 1024;
const HEAD_LINES_MAX = 256;
const INTERIM_RESPONSES_MAX = 8;
/** A body is read this far, so that the connection can be used again; a longer one is cut. */
const BODY_BYTES_MAX = 64 * 1024;
/** Nobody debugs a success: of its body this much is kept. */
const SUCCESS_BODY_BYTES_MAX = 4 * 1024;
const CHUNK_SIZE_MAX = 2 ** 31;
const CHUNK_EXTENSION_BYTES_MAX = 256;
const TRAILER_BYTES_MAX = 8 * 1024;
// The head is gathered in steps, so that a head kept for the log does not keep a large body with it.
const HEAD_STEP_BYTES = 4 * 1024;

const EMPTY: Buffer<ArrayBuffer> = Buffer.alloc(0);
const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const COLON = 58;
const SEMICOLON = 59;

// RFC 9110, 5.6.2 and 5.5: characters of a token and of a field value.
const TOKEN_TEXT = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VALUE_TEXT = /^[\t\x20-\x7e\x80-\xff]*$/;
const TOKEN_BYTE = Uint8Array.from({ length: 256 }, (_, byte) =>
  TOKEN_TEXT.test(String.fromCharCode(byte)) ? 1 : 0,
);
const VALUE_BYTE = Uint8Array.from({ length: 256 }, (_, byte) =>
  VALUE_TEXT.test(String.fromCharCode(byte)) ? 1 : 0,
);
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: .*)?$/;
const STATUS_START = 'HTTP/1.';

/** Headers that decide where a message ends or what the connection becomes: the sender's alone. */
const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const BODILESS_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE']);

export interface RequestParts {
  readonly method: string;
  /** Path and query, percent-encoded. */
  readonly target: string;
  readonly host: string;
  readonly headers: readonly Header[];
  /** Writes the two names that are added here in lower case, as some HTTP clients do. */
  readonly lowerCase?: boolean | undefined;
  readonly body: Uint8Array;
}

export interface RequestBytes {
  /** The whole request. */
  readonly bytes: Buffer;
  /** Bytes of request line and headers, without the empty line. */
  readonly headLength: number;
}

const USUAL_CASE = { host: 'Host', length: 'Content-Length' };
const LOWER_CASE = { host: 'host', length: 'content-length' };

/** The request as one buffer: `Host`, the headers as given, `Content-Length`; or why there is none. */
export function renderRequest(parts: RequestParts): RequestBytes | string {
  const { method, body } = parts;
  if (!TOKEN_TEXT.test(method) || method === 'CONNECT') return 'the method is not allowed';
  const names = parts.lowerCase ? LOWER_CASE : USUAL_CASE;
  let head = `${method} ${parts.target} HTTP/1.1\r\n${names.host}: ${parts.host}\r\n`;
  for (const { name, value } of parts.headers) {
    if (!TOKEN_TEXT.test(name)) return 'a header name has characters that HTTP does not allow';
    if (RESERVED_HEADERS.has(name.toLowerCase())) return `the header ${name} is set by the sender`;
    if (!VALUE_TEXT.test(value)) {
      return `the value of the header ${name} has characters that HTTP does not allow`;
    }
    head += `${name}: ${value}\r\n`;
  }
  if (body.length > 0 || !BODILESS_METHODS.has(method))
    head += `${names.length}: ${body.length}\r\n`;
  const headLength = head.length;
  if (headLength > HEAD_BYTES_MAX) return 'the headers are longer than 64 KiB';
  const bytes = Buffer.allocUnsafe(headLength + 2 + body.length);
  bytes.write(head, 0, 'latin1');
  bytes[headLength] = CR;
  bytes[headLength + 1] = LF;
  bytes.set(body, headLength + 2);
  return { bytes, headLength };
}

/** Bytes gathered from chunks that are not ours to keep. Grows by doubling. */
class Gathered {
  length = 0;
  #bytes = EMPTY;

  append(chunk: Buffer, from: number, to: number): void {
    const length = this.length + to - from;
    if (length > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(this.length === 0 ? length : length * 2);
      this.#bytes.copy(grown, 0, 0, this.length);
      this.#bytes = grown;
    }
    chunk.copy(this.#bytes, this.length, from, to);
    this.length = length;
  }

  at(index: number): number {
    return this.#bytes[index] ?? 0;
  }

  view(from: number, to: number): Buffer {
    return this.#bytes.subarray(from, to);
  }

  text(from: number, to: number): string {
    return this.#bytes.toString('latin1', from, to);
  }

  /** Lets go of the bytes: views of them stay valid. */
  clear(): void {
    this.length = 0;
    this.#bytes = EMPTY;
  }
}

export type Progress =
  | 'more' // feed it the next chunk
  | 'done' // a response is there, whole or cut
  | 'invalid' // `problem` says why
  | 'too_large'; // the head is

type Phase = 'head' | 'sized' | 'chunked' | 'until_close' | 'over';

// Where the chunked coding stands (RFC 9112, 7.1): the next byte is …
const SIZE = 0; // a digit of a chunk's size
const EXTENSION = 1; // of a chunk extension
const SIZE_LF = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const TRAILER = 6; // the first of a trailer line or of the last empty line
const TRAILER_LINE = 7;
const TRAILER_LF = 8;
const LAST_LF = 9;

/**
 * Parses one response at a time: `reset`, then `feed` until it does not say `more`, or `end` when the peer
 * closed. Chunks are copied, never kept: the caller may read into one buffer for ever.
 */
export class ResponseParser {
  /** 0 until a head is complete. */
  status = 0;
  /** Any byte came. */
  started = false;
  /** More body came, or was announced, than is kept. */
  truncated = false;
  /** The connection stands right behind a complete response and the peer keeps it open. */
  reusable = false;
  /** How long the peer says it keeps an idle connection (`Keep-Alive: timeout`). */
  keepAliveMs: number | undefined = undefined;
  problem = '';

  #phase: Phase = 'head';
  #bodiless = false;
  readonly #head = new Gathered();
  #headFrom = 0;
  #headTo = 0;
  #lineFrom = 0;
  #scanned = 0;
  #lines = 0;
  #interims = 0;
  #contentLength: number | undefined = undefined;
  #chunked = false;
  #persistent = false;
  readonly #body = new Gathered();
  #bodyKeptMax = 0;
  #bodySeen = 0;
  #bodySeenMax = 0;
  #left = 0;
  #chunkState = SIZE;
  #digits = 0;
  #extra = 0;

  /** `bodiless`: the request was HEAD, so the response has no body whatever it says. */
  reset(bodiless: boolean): void {
    this.#bodiless = bodiless;
    this.started = false;
    this.#interims = 0;
    this.#head.clear();
    this.#body.clear();
    this.#bodySeen = 0;
    this.truncated = false;
    this.#beginHead(0);
  }

  /** Status line and fields as they came, without the empty line; as far as they came. */
  get head(): Uint8Array {
    return this.#head.view(this.#headFrom, this.status === 0 ? this.#head.length : this.#headTo);
  }

  /** The kept part of the body, without any transfer coding. */
  get body(): Uint8Array {
    return this.#body.view(0, this.#body.length);
  }

  feed(chunk: Buffer, end: number = chunk.length): Progress {
    if (this.#phase === 'over') return this.#invalid('bytes came after the response');
    this.started ||= end > 0;
    let at = 0;
    while (this.#phase === 'head') {
      if (at === end) return 'more';
      if (this.#head.length >= HEAD_BYTES_MAX) return this.#fail('too_large');
      const before = this.#head.length;
      const to = Math.min(end, at + HEAD_STEP_BYTES, at + HEAD_BYTES_MAX - before);
      this.#head.append(chunk, at, to);
      const progress = this.#parseLines();
      if (progress !== 'more') return this.#settleExtra(progress, at + this.#scanned - before, end);
      at = this.#phase === 'head' ? to : at + this.#scanned - before;
    }
    if (this.#phase === 'sized') return this.#feedSized(chunk, at, end);
    if (this.#phase === 'chunked') return this.#feedChunked(chunk, at, end);
    return this.#keep(chunk, at, end) ? 'more' : this.#cut();
  }

  /** The peer closed: true if that is how this response ends. */
  end(): boolean {
    const complete = this.#phase === 'until_close';
    this.#phase = 'over';
    this.reusable = false;
    return complete;
  }

  #beginHead(from: number): void {
    this.#phase = 'head';
    this.status = 0;
    this.reusable = false;
    this.keepAliveMs = undefined;
    this.#headFrom = from;
    this.#lineFrom = from;
    this.#scanned = from;
    this.#lines = 0;
    this.#contentLength = undefined;
    this.#chunked = false;
    this.#persistent = false;
  }

  /** Takes the complete lines gathered so far. Leaves `#scanned` behind the head once it is complete. */
  #parseLines(): Progress {
    const head = this.#head;
    while (this.#phase === 'head') {
      let at = this.#scanned;
      while (at < head.length && head.at(at) !== LF) at++;
      this.#scanned = at;
      if (this.#lines === 0 && !this.#startsLikeHttp(at))
        return this.#invalid('it is not HTTP/1.x');
      if (at === head.length) return 'more';
      if (at === this.#lineFrom || head.at(at - 1) !== CR) {
        return this.#invalid('a line does not end with CR LF');
      }
      const from = this.#lineFrom;
      this.#scanned = this.#lineFrom = at + 1;
      const progress = this.#line(from, at - 1);
      if (progress !== 'more') return progress;
    }
    return 'more';
  }

  #startsLikeHttp(to: number): boolean {
    const start = this.#head.text(this.#lineFrom, Math.min(to, this.#lineFrom + 7));
    return STATUS_START.startsWith(start);
  }

  #line(from: number, to: number): Progress {
    if (from === to && this.#lines > 0) return this.#headComplete(from);
    if (this.#lines === 0) return this.#statusLine(from, to);
    if (this.#lines++ > HEAD_LINES_MAX) return this.#fail('too_large');
    return this.#field(from, to);
  }

  #statusLine(from: number, to: number): Progress {
    this.#lines = 1;
    for (let at = from; at < to; at++) {
      if (VALUE_BYTE[this.#head.at(at)] === 0) return this.#invalid('the status line is malformed');
    }
    const match = STATUS_LINE.exec(this.#head.text(from, to));
    if (match === null) return this.#invalid('the status line is malformed');
    this.#persistent = match[1] === '1';
    this.#left = Number(match[2]);
    return 'more';
  }

  #field(from: number, to: number): Progress {
    const head = this.#head;
    let at = from;
    while (at < to && TOKEN_BYTE[head.at(at)] === 1) at++;
    const colon = at;
    if (colon === from || colon === to || head.at(colon) !== COLON) {
      return this.#invalid('a header line is malformed');
    }
    for (at++; at < to; at++) {
      if (VALUE_BYTE[head.at(at)] === 0)
        return this.#invalid('a header value has a control character');
    }
    const length = colon - from;
    // Only the lengths of the names below: reading the others as text would be for nothing.
    if (length !== 10 && length !== 14 && length !== 17) return 'more';
    return this.#namedField(
      head.text(from, colon).toLowerCase(),
      head.text(colon + 1, to).replace(/^[ \t]+|[ \t]+$/g, ''),
    );
  }

  #namedField(name: string, value: string): Progress {
    if (name === 'content-length') {
      if (this.#contentLength !== undefined)
        return this.#invalid('it has two Content-Length headers');
      if (!/^\d{1,15}$/.test(value)) return this.#invalid('its Content-Length is not a number');
      this.#contentLength = Number(value);
    } else if (name === 'transfer-encoding') {
      if (this.#chunked || value.toLowerCase() !== 'chunked') {
        return this.#invalid('its Transfer-Encoding is not chunked');
      }
      this.#chunked = true;
    } else if (name === 'connection') {
      if (/(?:^|[ \t,])close(?:$|[ \t,])/i.test(value)) this.#persistent = false;
    } else if (name === 'keep-alive') {
      const seconds = /(?:^|[ \t,;])timeout=(\d{1,6})(?:$|[ \t,;])/i.exec(value)?.[1];
      if (seconds !== undefined) this.keepAliveMs = Number(seconds) * 1_000;
    }
    return 'more';
  }

  /** The empty line at `to` ended a head: decides how the body ends (RFC 9112, 6.3). */
  #headComplete(to: number): Progress {
    // The number waited in #left: `status` promises a complete head.
    const status = this.#left;
    if (this.#chunked && this.#contentLength !== undefined) {
      return this.#invalid('it has both Content-Length and Transfer-Encoding');
    }
    if (status < 200) {
      if (status === 101) return this.#invalid('it switches protocols');
      if (++this.#interims > INTERIM_RESPONSES_MAX)
        return this.#invalid('it has too many 1xx heads');
      this.#beginHead(this.#scanned);
      return 'more';
    }
    this.status = status;
    this.#headTo = to;
    const success = status < 300;
    this.#bodyKeptMax = success ? SUCCESS_BODY_BYTES_MAX : BODY_BYTES_MAX;
    this.#bodySeenMax = BODY_BYTES_MAX;
    if (this.#bodiless || status === 204 || status === 304) return this.#complete();
    if (this.#chunked) {
      this.#phase = 'chunked';
      this.#chunkState = this.#beginChunk();
      return 'more';
    }
    if (this.#contentLength === undefined) {
      this.#phase = 'until_close';
      return 'more';
    }
    this.#left = this.#contentLength;
    // It will be cut anyway: nothing is gained by reading further than is kept.
    if (this.#left > BODY_BYTES_MAX) this.#bodySeenMax = this.#bodyKeptMax;
    this.#phase = 'sized';
    return this.#left === 0 ? this.#complete() : 'more';
  }

  #feedSized(chunk: Buffer, at: number, end: number): Progress {
    const to = Math.min(end, at + this.#left);
    this.#left -= to - at;
    if (!this.#keep(chunk, at, to)) return this.#cut();
    return this.#left > 0 ? 'more' : this.#settleExtra(this.#complete(), to, end);
  }

  #feedChunked(chunk: Buffer, from: number, end: number): Progress {
    let at = from;
    while (at < end) {
      if (this.#chunkState === DATA) {
        const to = Math.min(end, at + this.#left);
        if (!this.#keep(chunk, at, to)) return this.#cut();
        this.#left -= to - at;
        at = to;
        if (this.#left === 0) this.#chunkState = DATA_CR;
        continue;
      }
      const byte = chunk[at++] ?? 0;
      if (this.#chunkState === LAST_LF && byte === LF) {
        return this.#settleExtra(this.#complete(), at, end);
      }
      const next = this.#chunkState >= TRAILER ? this.#trailerByte(byte) : this.#chunkByte(byte);
      if (next < 0) return this.#invalid('its chunked coding is malformed');
      this.#chunkState = next;
    }
    return 'more';
  }

  #beginChunk(): number {
    this.#left = 0;
    this.#digits = 0;
    return SIZE;
  }

  /** The state after this byte of a chunk's frame; -1 = not allowed here. */
  #chunkByte(byte: number): number {
    switch (this.#chunkState) {
      case SIZE: {
        const digit = hexDigit(byte);
        if (digit >= 0) {
          this.#left = this.#left * 16 + digit;
          return ++this.#digits > 16 || this.#left > CHUNK_SIZE_MAX ? -1 : SIZE;
        }
        if (this.#digits === 0) return -1;
        this.#extra = 0;
        if (byte === CR) return SIZE_LF;
        return byte === SEMICOLON || byte === SPACE || byte === TAB ? EXTENSION : -1;
      }
      case EXTENSION:
        if (byte === CR) return SIZE_LF;
        return VALUE_BYTE[byte] === 0 || ++this.#extra > CHUNK_EXTENSION_BYTES_MAX ? -1 : EXTENSION;
      case SIZE_LF:
        this.#extra = 0;
        if (byte !== LF) return -1;
        return this.#left === 0 ? TRAILER : DATA;
      case DATA_CR:
        return byte === CR ? DATA_LF : -1;
      default:
        return byte === LF ? this.#beginChunk() : -1;
    }
  }

  /** The state after this byte of the trailer section; -1 = not allowed here. */
  #trailerByte(byte: number): number {
    if (++this.#extra > TRAILER_BYTES_MAX) return -1;
    switch (this.#chunkState) {
      case TRAILER:
        if (byte === CR) return LAST_LF;
        return TOKEN_BYTE[byte] === 1 ? TRAILER_LINE : -1;
      case TRAILER_LINE:
        if (byte === CR) return TRAILER_LF;
        return VALUE_BYTE[byte] === 1 ? TRAILER_LINE : -1;
      case TRAILER_LF:
        return byte === LF ? TRAILER : -1;
      default:
        return -1;
    }
  }

  /** Keeps what there is room for; false = the body is longer than is worth reading. */
  #keep(chunk: Buffer, from: number, to: number): boolean {
    if (from === to) return true;
    this.#bodySeen += to - from;
    const kept = Math.min(to, from + this.#bodyKeptMax - this.#body.length);
    if (kept < to) this.truncated = true;
    if (kept > from) this.#body.append(chunk, from, kept);
    return this.#bodySeen <= this.#bodySeenMax;
  }

  #complete(): Progress {
    this.#phase = 'over';
    this.reusable = this.#persistent;
    return 'done';
  }

  #cut(): Progress {
    this.#phase = 'over';
    this.truncated = true;
    return 'done';
  }

  /** Bytes behind a complete response belong to nothing that was asked for: never again this connection. */
  #settleExtra(progress: Progress, at: number, end: number): Progress {
    if (at < end) this.reusable = false;
    return progress;
  }

  #invalid(problem: string): Progress {
    this.problem = problem;
    return this.#fail('invalid');
  }

  #fail(progress: 'invalid' | 'too_large'): Progress {
    this.#phase = 'over';
    this.reusable = false;
    return progress;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 0x20;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
