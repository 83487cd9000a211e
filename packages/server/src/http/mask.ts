import { MASK } from '@posthorn/api';
import { AppError } from '../core/errors.ts';
import type { Header } from '../core/model.ts';
import { isSensitiveHeader } from '../core/sensitive.ts';

/**
 * Header values that may be passwords are not read with what they belong to: who may change them asks
 * for them, as for the secret.
 */
export function maskHeaders(headers: readonly Header[]): Header[] {
  return headers.map(({ name, value }) => ({
    name,
    value: isSensitiveHeader(name) ? MASK : value,
  }));
}

/**
 * Headers as sent back by somebody who read them masked: a mask stands for the stored value of the same
 * name (the second mask of a name for its second value). Throws `invalid_request` if there is none.
 */
export function unmaskHeaders(sent: readonly Header[], stored: readonly Header[]): Header[] {
  const seen = new Map<string, number>();
  return sent.map((header, index) => {
    const name = header.name.toLowerCase();
    const nth = seen.get(name) ?? 0;
    seen.set(name, nth + 1);
    if (header.value !== MASK) return header;
    const kept = stored.filter((other) => other.name.toLowerCase() === name)[nth];
    if (kept) return { name: header.name, value: kept.value };
    const field = `headers.${index}`;
    const message = `${field}: ${MASK} stands for a stored value, and there is none: send the value.`;
    throw new AppError('invalid_request', message, { details: { field } });
  });
}

/** A raw head (Latin-1, CRLF lines) as text, sensitive values masked. */
export function maskHead(head: Uint8Array): string {
  const lines = Buffer.from(head.buffer, head.byteOffset, head.length).toString('latin1');
  return lines
    .split('\r\n')
    .map((line, index) => {
      const colon = line.indexOf(':');
      const sensitive = index > 0 && colon > 0 && isSensitiveHeader(line.slice(0, colon));
      return sensitive ? `${line.slice(0, colon)}: ${MASK}` : line;
    })
    .join('\r\n');
}
