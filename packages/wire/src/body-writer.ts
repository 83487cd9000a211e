import { concat, utf8 } from './encoding.ts';
import { printValue, type Quote } from './json-print.ts';

/** Writes a JSON object member by member, mixing what is printed here with bytes as they came. */
export class BodyWriter {
  readonly #quote: Quote;
  readonly #parts: (string | Uint8Array)[] = [];
  #text = '{';
  #empty = true;

  constructor(quote: Quote) {
    this.#quote = quote;
  }

  /** A value to be printed; undefined leaves the member out. */
  value(name: string, value: unknown): this {
    return value === undefined ? this : this.printed(name, printValue(value, this.#quote));
  }

  /** JSON that is printed already. */
  printed(name: string, json: string): this {
    this.#name(name);
    this.#text += json;
    return this;
  }

  /** JSON that goes out with exactly these bytes. */
  bytes(name: string, json: Uint8Array): this {
    this.#name(name);
    this.#parts.push(this.#text, json);
    this.#text = '';
    return this;
  }

  /** An object as a member; `write` fills it. */
  object(name: string, write: () => void): this {
    this.#name(name);
    this.#text += '{';
    this.#empty = true;
    write();
    this.#text += '}';
    this.#empty = false;
    return this;
  }

  finish(): Uint8Array {
    return joinBytes([...this.#parts, `${this.#text}}`]);
  }

  #name(name: string): void {
    this.#text += `${this.#empty ? '' : ','}${this.#quote(name)}:`;
    this.#empty = false;
  }
}

/** One block of its own memory: what is kept or handed to a thread must not drag a pool along. */
export function joinBytes(parts: readonly (string | Uint8Array)[]): Uint8Array {
  return concat(parts.map((part) => (typeof part === 'string' ? utf8(part) : part)));
}
