const CHARS_MAX = 2000;
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);
/** RFC 8252, 7.1: schemes of programs hold a dot, as their owners' domains do. */
const PRIVATE_SCHEME = /^[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+:$/;

/**
 * What is wrong with an address that answers shall be sent to; undefined = nothing. Requests must name
 * one of the registered ones character for character, so what is odd is refused here.
 */
export function redirectUriProblem(text: string): string | undefined {
  if (text.length > CHARS_MAX) return `exceeds ${CHARS_MAX} characters`;
  if (!/^[\x21-\x7e]+$/.test(text) || !URL.canParse(text)) return 'is not a URL in ASCII';
  if (/[\\*]/.test(text)) return 'holds a backslash or a wildcard';
  const url = new URL(text);
  if (text.includes('#')) return 'holds a fragment (#…), which OAuth forbids';
  if (url.username !== '' || url.password !== '' || /^[^/]*\/\/[^/?]*@/.test(text)) {
    return 'holds a user name';
  }
  if (url.protocol === 'https:') return normal(text, url);
  if (url.protocol === 'http:') {
    return LOOPBACK.has(url.hostname) ? normal(text, url) : 'must be https, or http on a loopback';
  }
  if (PRIVATE_SCHEME.test(url.protocol)) return undefined;
  return 'must be https, http on a loopback, or a scheme with a dot such as com.example.app:';
}

/** Written as browsers will ask for it, so that it cannot look like another place. */
function normal(text: string, url: URL): string | undefined {
  const bare = url.pathname === '/' && url.search === '' && `${text}/` === url.href;
  return text === url.href || bare ? undefined : `is not in its normal form: write ${url.href}`;
}
