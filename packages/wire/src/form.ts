import { membersOf } from './json-members.ts';
import { decodeValue } from './json-scan.ts';
import { DialectError } from './message.ts';

/** `application/x-www-form-urlencoded` (WHATWG URL, 5.2) of flat JSON objects, and back. */

const FORM = /^application\/x-www-form-urlencoded *(?:;|$)/i;
const QUOTE = 0x22;
const OPEN_ARRAY = 0x5b;
const OPEN_OBJECT = 0x7b;

export function isForm(contentType: string | null | undefined): boolean {
  return contentType !== null && contentType !== undefined && FORM.test(contentType);
}

/** Pairs of name and value. Repeated names keep their order. */
export type Pairs = [name: string, value: string][];

export function encodeForm(pairs: Pairs): Uint8Array {
  return new TextEncoder().encode(new URLSearchParams(pairs).toString());
}

/**
 * The members of a flat object as pairs: strings as their text, numbers as they are spelled, null as
 * nothing. Throws `DialectError` for what a form cannot hold.
 */
export function flatPairs(json: Uint8Array, what: string, nameOf = (name: string) => name): Pairs {
  const members = membersOf(json);
  if (!members) throw new DialectError('not_renderable', `a form needs ${what} to be an object`);
  return [...members].map(([name, value]) => [nameOf(name), scalarText(value, `${what}.${name}`)]);
}

function scalarText(value: Uint8Array, what: string): string {
  const first = value[0];
  if (first === OPEN_OBJECT || first === OPEN_ARRAY) {
    const message = `a form holds no nested values: make ${what} a string, or send JSON`;
    throw new DialectError('not_renderable', message);
  }
  if (first === QUOTE) return decodeValue(value) as string;
  const text = new TextDecoder().decode(value);
  return text === 'null' ? '' : text;
}

/** The pairs of a body; what is no valid percent-encoding stands for itself. */
export function decodeForm(body: Uint8Array): Pairs {
  return [...new URLSearchParams(new TextDecoder().decode(body))];
}
