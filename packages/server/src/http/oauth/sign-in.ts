import { withoutSlash } from '../../core/public-url.ts';

/** The way to the host application's login page and back. */

/**
 * Names the browser that was sent to log in: the hash of what its cookie holds. A link for somebody
 * else's browser opens nothing, so nobody can be signed in as another without noticing.
 */
const LOGIN = 'posthorn_login';
const HASH = /^[A-Za-z0-9_-]{43}$/;

export function loginHashOf(url: URL): string | undefined {
  const values = url.searchParams.getAll(LOGIN);
  const [hash = ''] = values;
  return values.length === 1 && HASH.test(hash) ? hash : undefined;
}

export function withLoginHash(url: URL, hash: string): URL {
  const next = new URL(url);
  next.searchParams.set(LOGIN, hash);
  return next;
}

export function signInUrl(publicUrl: string, token: string): string {
  return `${withoutSlash(publicUrl)}/oauth2/sign-in?token=${token}`;
}
