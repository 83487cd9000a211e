import type { IncomingMessage, ServerResponse } from 'node:http';
import { gunzipSync } from 'node:zlib';

/** Files that a build wrote, from memory and compressed once. */

export interface SiteFile {
  readonly type: string;
  readonly gzip: Buffer;
  readonly br: Buffer;
}

/** On every answer; nothing here is for another origin. */
export const COMMON = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const;

/** Kept for ever: another content has another name. `file` undefined = there is none. */
export function sendAsset(
  file: SiteFile | undefined,
  req: IncomingMessage,
  res: ServerResponse,
): void {
  if (!file) {
    res.writeHead(404, { ...COMMON, 'Cache-Control': 'no-store' }).end();
    return;
  }
  const { encoding, body } = encoded(file, req.headers['accept-encoding'] ?? '');
  res.writeHead(200, {
    ...COMMON,
    'Content-Type': file.type,
    'Content-Length': body.length,
    'Cache-Control': 'public, max-age=31536000, immutable',
    Vary: 'Accept-Encoding',
    ...(encoding === undefined ? {} : { 'Content-Encoding': encoding }),
  });
  res.end(req.method === 'HEAD' ? undefined : body);
}

/** Every browser takes one of the two; for anything else it is unpacked. */
function encoded(file: SiteFile, accept: string): { encoding: string | undefined; body: Buffer } {
  if (takes(accept, 'br')) return { encoding: 'br', body: file.br };
  if (takes(accept, 'gzip')) return { encoding: 'gzip', body: file.gzip };
  return { encoding: undefined, body: gunzipSync(file.gzip) };
}

function takes(accept: string, coding: string): boolean {
  return accept.split(',').some((part) => {
    const [name, ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    return name === coding && !parameters.some((text) => /^q=0(?:\.0*)?$/.test(text));
  });
}
