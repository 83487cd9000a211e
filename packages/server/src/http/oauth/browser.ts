import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** What browsers bring: cookies, and where a form was sent from. */

export interface CookieJar {
  readonly secure: boolean;
}

/** `__Host-`: set over https, for this host alone and all of its paths (RFC 6265bis). */
function fullName(name: string, { secure }: CookieJar): string {
  return `${secure ? '__Host-' : ''}posthorn-${name}`;
}

export function readCookie(req: IncomingMessage, name: string, jar: CookieJar): string | undefined {
  const wanted = fullName(name, jar);
  const found = (req.headers.cookie ?? '').split(';').flatMap((pair) => {
    const [key, value] = pair.split('=', 2).map((part) => part.trim());
    return key === wanted && value !== undefined ? [value] : [];
  });
  // Two of a name: somebody put one there who could not replace ours.
  return found.length === 1 ? found[0] : undefined;
}

export function cookie(
  name: string,
  value: string,
  of: CookieJar & { readonly maxAgeS: number },
): string {
  const secure = of.secure ? '; Secure' : '';
  return `${fullName(name, of)}=${value}; Path=/; Max-Age=${of.maxAgeS}; HttpOnly; SameSite=Lax${secure}`;
}

/** A form of this very site. What says nothing of where it comes from is refused too. */
export function isOwnForm(req: IncomingMessage): boolean {
  const { origin, host } = req.headers;
  const site = req.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') return false;
  if (origin === undefined || !URL.canParse(origin) || host === undefined) return false;
  return new URL(origin).host === host.toLowerCase();
}

export function digest(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('base64url');
}
