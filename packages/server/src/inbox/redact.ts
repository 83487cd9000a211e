import { isSensitiveHeader } from '../core/sensitive.ts';
import type { StoredCapture } from '../store/inbox.ts';
import { decodeHead, encodeHead, headerOf } from './head.ts';

export const REDACTED = '••••';

/** Beside passwords: a signature lets whoever has the body send it again. */
export function isPrivateName(name: string): boolean {
  return (
    isSensitiveHeader(name) || /signature|session|credential|card|iban|ssn|otp|pin$/i.test(name)
  );
}

/**
 * A capture as strangers may see it: values under names that tell of a secret are masked, in headers,
 * query and bodies of JSON and forms; a body that is neither is left out, and so is who sent it.
 */
export function redact(capture: StoredCapture): StoredCapture {
  const headers = decodeHead(capture.head);
  return {
    ...capture,
    target: redactQuery(capture.target),
    head: encodeHead(
      headers.map((value, i) =>
        i % 2 === 1 && isPrivateName(headers[i - 1] as string) ? MASK : value,
      ),
    ),
    remoteAddress: '',
    note: '',
    error: undefined,
    body: capture.body && redactBody(headerOf(headers, 'content-type') ?? '', capture.body),
  };
}

/** Header values are Latin-1. */
const MASK = '****';

function redactQuery(target: string): string {
  const mark = target.indexOf('?');
  if (mark < 0) return target;
  const pairs = target.slice(mark + 1).split('&');
  const masked = pairs.map((pair) => {
    const [name = ''] = pair.split('=', 1);
    return isPrivateName(name) ? `${name}=${MASK}` : pair;
  });
  return `${target.slice(0, mark)}?${masked.join('&')}`;
}

function redactBody(contentType: string, body: Uint8Array): Uint8Array | undefined {
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString();
  if (text.trim() === '') return body;
  if (/^application\/x-www-form-urlencoded\b/i.test(contentType)) {
    return Buffer.from(redactQuery(`?${text}`).slice(1));
  }
  try {
    const value: unknown = JSON.parse(text, (name, member: unknown) =>
      isPrivateName(name) && member !== null ? REDACTED : member,
    );
    return typeof value === 'object' ? Buffer.from(JSON.stringify(value, undefined, 2)) : undefined;
  } catch {
    return undefined;
  }
}
