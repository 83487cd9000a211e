import type { Header } from '../../core/model.ts';
import { maskHeaders } from '../mask.ts';

/** A raw head in parts. `start` is the request or status line; Latin-1, as HTTP has it. */
export interface Head {
  readonly start: readonly [string, string, string];
  readonly headers: readonly Header[];
}

/** `reveal` false = sensitive values are masked. */
export function parseHead(bytes: Uint8Array, reveal: boolean): Head {
  const [line = '', ...rest] = Buffer.from(bytes).toString('latin1').split('\r\n');
  const [first = '', second = '', ...others] = line.split(' ');
  const headers = rest.flatMap((text): Header[] => {
    const colon = text.indexOf(':');
    return colon > 0 ? [{ name: text.slice(0, colon), value: text.slice(colon + 1).trim() }] : [];
  });
  return {
    start: [first, second, others.join(' ')],
    headers: reveal ? headers : maskHeaders(headers),
  };
}

export function headerOf(head: Head, name: string): string | undefined {
  return head.headers.find((header) => header.name.toLowerCase() === name)?.value;
}
