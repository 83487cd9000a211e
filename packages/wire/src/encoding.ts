/** Bytes as text and back, without Buffer: the same on Node, Deno, Bun, Workers and in a browser. */

export type Encoding = 'hex' | 'base64' | 'base64url';

const ENCODER = new TextEncoder();

export function utf8(text: string): Uint8Array {
  return ENCODER.encode(text);
}

/** A list, not arguments: a body may come in a million chunks. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** `text` is base64 with padding, or hex in lower case. */
export function encode(bytes: Uint8Array, encoding: Encoding): string {
  if (encoding === 'hex') {
    let text = '';
    for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
    return text;
  }
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  const base64 = btoa(binary);
  if (encoding === 'base64') return base64;
  return base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/**
 * The bytes of a text in exactly the form that `encode` writes (hex in either case); undefined =
 * it is not. Decoders that skip what they do not know would let one key have many spellings.
 */
export function decode(text: string, encoding: Encoding): Uint8Array | undefined {
  const bytes = encoding === 'hex' ? decodeHex(text) : decodeBase64(text, encoding);
  if (bytes === undefined) return undefined;
  const canonical = encoding === 'hex' ? text.toLowerCase() : text;
  return encode(bytes, encoding) === canonical ? bytes : undefined;
}

function decodeHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i += 1) {
    bytes[i] = Number.parseInt(text.slice(i * 2, i * 2 + 2), 16);
  }
  return bytes;
}

function decodeBase64(text: string, encoding: 'base64' | 'base64url'): Uint8Array | undefined {
  const base64 = encoding === 'base64' ? text : text.replaceAll('-', '+').replaceAll('_', '/');
  try {
    return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/**
 * Compares two texts in a time that depends on their lengths alone. Without node:crypto there is no
 * primitive for it; with it, `equalText` of `#crypto` uses that.
 */
export function equalInConstantTime(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i += 1) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
