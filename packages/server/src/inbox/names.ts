import { encodeId } from '../core/ids.ts';

/**
 * What stands in an inbox's URL. A name nobody chose is 128 random bits, so it cannot be guessed; a
 * chosen one is short and guessable, which its owner accepts.
 */

const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** The form of those that we make: chosen ones never look like them. */
const RANDOM = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/;

/** Host names and paths of our own, and what people would take for an official address. */
const RESERVED = new Set([
  'abuse',
  'account',
  'admin',
  'api',
  'app',
  'assets',
  'auth',
  'cdn',
  'dashboard',
  'dev',
  'docs',
  'ftp',
  'healthz',
  'help',
  'in',
  'inbox',
  'localhost',
  'login',
  'mail',
  'metrics',
  'mta-sts',
  'oauth',
  'openapi',
  'portal',
  'posthorn',
  'readyz',
  'root',
  'security',
  'share',
  'shared',
  'signin',
  'smtp',
  'sso',
  'static',
  'status',
  'support',
  'tunnel',
  'webmail',
  'www',
]);

export function randomName(random: (count: number) => Uint8Array): string {
  return encodeId(random(16));
}

/** What is wrong with a name that an owner chose, as a sentence; undefined = nothing. */
export function nameProblem(name: string): string | undefined {
  if (!NAME.test(name)) return 'must be 1 to 63 of a-z, 0-9 and -, not at its ends';
  if (RESERVED.has(name) || name.startsWith('xn--')) return 'is reserved: choose another';
  if (RANDOM.test(name)) return 'has the form of the names that we make: choose another';
  return undefined;
}
