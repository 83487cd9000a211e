import { isSensitiveHeader } from '../core/sensitive.ts';

/** Header lines as they are kept: Latin-1, each `Name: value` with its CRLF, in their order and case. */

/** From a flat list of names and values, as node:http gives it. */
export function encodeHead(flat: readonly string[]): Uint8Array {
  let text = '';
  for (let i = 0; i + 1 < flat.length; i += 2) text += `${flat[i]}: ${flat[i + 1]}\r\n`;
  return Buffer.from(text, 'latin1');
}

/** With the first line of a request that was not sent as it was captured. */
export function requestHead(request: {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly string[];
}): Uint8Array {
  const line = `${request.method} ${request.path || '/'} HTTP/1.1\r\n`;
  return Buffer.concat([Buffer.from(line, 'latin1'), encodeHead(request.headers)]);
}

/** The same list back. */
export function decodeHead(head: Uint8Array): string[] {
  const flat: string[] = [];
  const text = Buffer.from(head.buffer, head.byteOffset, head.length).toString('latin1');
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(': ');
    if (colon > 0) flat.push(line.slice(0, colon), line.slice(colon + 2));
  }
  return flat;
}

export function holdsSecret(flat: readonly string[]): boolean {
  for (let i = 0; i < flat.length; i += 2) if (isSensitiveHeader(flat[i] as string)) return true;
  return false;
}

/** The first value of a header; undefined = there is none. */
export function headerOf(flat: readonly string[], name: string): string | undefined {
  const wanted = name.toLowerCase();
  for (let i = 0; i + 1 < flat.length; i += 2) {
    if ((flat[i] as string).toLowerCase() === wanted) return flat[i + 1];
  }
  return undefined;
}
