import { headerOf } from './head.ts';

/** The parts of a multipart body, as a list: where each begins and how long it is. Nothing is copied. */
export interface FormPart {
  readonly name: string;
  readonly filename: string | null;
  readonly contentType: string | null;
  /** Of its content, in the body. */
  readonly offset: number;
  readonly bytes: number;
}

const PARTS_MAX = 1000;
const HEAD_BYTES_MAX = 8192;
const TEXT_CHARS_MAX = 1000;

/** Empty for anything that is not multipart; what is broken ends the list where it breaks. */
export function listParts(headers: readonly string[], body: Uint8Array): FormPart[] {
  const boundary = boundaryOf(headerOf(headers, 'content-type') ?? '');
  if (boundary === undefined) return [];
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
  const parts: FormPart[] = [];
  // The first delimiter may stand at the very beginning, without the line break before it.
  let at = bytes.indexOf(delimiter.subarray(2));
  if (at < 0) return [];
  at += delimiter.length - 2;
  while (parts.length < PARTS_MAX) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0 || bytes.toString('latin1', at, at + 2) === '--') break;
    const headEnd = bytes.indexOf('\r\n\r\n', lineEnd);
    const end = bytes.indexOf(delimiter, lineEnd);
    if (headEnd < 0 || end < headEnd || headEnd - lineEnd > HEAD_BYTES_MAX) break;
    const head = bytes.toString('utf8', lineEnd + 2, headEnd);
    const offset = Math.min(headEnd + 4, end);
    parts.push({ ...described(head), offset, bytes: end - offset });
    at = end + delimiter.length;
  }
  return parts;
}

function boundaryOf(contentType: string): string | undefined {
  if (!/^\s*multipart\//i.test(contentType)) return undefined;
  const match = /;\s*boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))/i.exec(contentType);
  return match?.[1] ?? match?.[2];
}

function described(head: string): Pick<FormPart, 'name' | 'filename' | 'contentType'> {
  let [disposition, contentType]: [string, string | null] = ['', null];
  for (const line of head.split('\r\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim().toLowerCase();
    if (name === 'content-disposition') disposition = line.slice(colon + 1);
    if (name === 'content-type') contentType = line.slice(colon + 1).trim();
  }
  return {
    name: parameter(disposition, 'name') ?? '',
    filename: parameter(disposition, 'filename') ?? null,
    contentType: contentType?.slice(0, TEXT_CHARS_MAX) ?? null,
  };
}

function parameter(disposition: string, wanted: string): string | undefined {
  for (const piece of disposition.split(';')) {
    const equals = piece.indexOf('=');
    if (piece.slice(0, equals).trim().toLowerCase() !== wanted) continue;
    const value = piece.slice(equals + 1).trim();
    const bare = value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
    return bare.slice(0, TEXT_CHARS_MAX);
  }
  return undefined;
}
