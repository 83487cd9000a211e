import { createHash } from 'node:crypto';
import { sameText, sha256Hex } from '../core/hash.ts';
import { encodeId } from '../core/ids.ts';
import type { Ms } from '../core/model.ts';
import type { GrantId, Hashed, Line, Person } from '../core/oauth.ts';

/**
 * Codes and tokens: a kind, the grant and the line they belong to, and 256 random bits. Only their
 * hashes are kept, in the grant.
 */

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
export const LIFE_MS = {
  code: MINUTE_MS,
  access: 60 * MINUTE_MS,
  refresh: 90 * DAY_MS,
  bot: 30 * DAY_MS,
} as const;

/** Of one grant; the oldest end when there would be more. */
export const LINES_MAX = 20;
export const SPENT_MAX = 20;

const PREFIX = { code: 'phc', access: 'pha', refresh: 'phr', bot: 'phb' } as const;
export type TokenKind = keyof typeof PREFIX;
const KINDS = new Map(Object.entries(PREFIX).map(([kind, prefix]) => [prefix, kind as TokenKind]));
const TOKEN = /^(ph[carb])_([0-7][0-9a-hjkmnp-tv-z]{25})([0-9a-hjkmnp-tv-z]{12})[\w-]{43}$/;
const LINE_CHARS = 12;

export type Random = (count: number) => Uint8Array;

export interface TokenPlace {
  readonly kind: TokenKind;
  readonly grant: GrantId;
  readonly line: string;
  readonly hash: string;
}

/** Whose a text would be; undefined = it is no token of ours. */
export function placeOf(text: string): TokenPlace | undefined {
  const [, prefix = '', grant, line = ''] = TOKEN.exec(text) ?? [];
  const kind = KINDS.get(prefix as (typeof PREFIX)[TokenKind]);
  if (kind === undefined) return undefined;
  return { kind, grant: `grt_${grant}`, line, hash: sha256Hex(text) };
}

export interface Made extends Hashed {
  /** Shown once. */
  readonly text: string;
}

export function makeToken(
  kind: TokenKind,
  of: { readonly grant: GrantId; readonly line: string; readonly now: Ms; readonly random: Random },
): Made {
  const secret = Buffer.from(of.random(32)).toString('base64url');
  const text = `${PREFIX[kind]}_${of.grant.slice(4)}${of.line}${secret}`;
  return { text, hash: sha256Hex(text), expiresAt: of.now + LIFE_MS[kind] };
}

export function kept({ hash, expiresAt }: Hashed): Hashed {
  return { hash, expiresAt };
}

/** A line that has a code and no tokens yet. */
export function newLine(of: {
  readonly grant: GrantId;
  readonly person: Person;
  readonly scopes: readonly string[];
  readonly redirectUri: string;
  readonly challenge: string;
  readonly now: Ms;
  readonly random: Random;
}): { line: Line; code: string } {
  const id = encodeId(of.random(16)).slice(-LINE_CHARS);
  const code = makeToken('code', { ...of, line: id });
  const { person, scopes, redirectUri, challenge } = of;
  const line: Line = {
    id,
    person,
    scopes,
    code: { ...kept(code), redirectUri, challenge, redeemed: false },
    access: null,
    refresh: null,
    spent: [],
    bot: null,
  };
  return { line, code: code.text };
}

/** Without those that nothing can be done with any more, and with room for one. */
export function keptLines(lines: readonly Line[], now: Ms): readonly Line[] {
  return lines.filter((line) => endOf(line) > now).slice(-(LINES_MAX - 1));
}

function endOf({ code, access, refresh, bot }: Line): Ms {
  return Math.max(code.expiresAt, ...[access, refresh, bot].map((one) => one?.expiresAt ?? 0));
}

export function isSame(kept: Hashed | null, hash: string): boolean {
  return kept !== null && sameText(kept.hash, hash);
}

const VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/;

/** RFC 7636, 4.6, with S256, which is the only method there is. */
export function provesChallenge(verifier: string, challenge: string): boolean {
  if (!VERIFIER.test(verifier)) return false;
  return sameText(createHash('sha256').update(verifier).digest('base64url'), challenge);
}
