import type { IncomingMessage } from 'node:http';
import { AppError } from '../core/errors.ts';
import { sha256Hex } from '../core/hash.ts';
import type {
  ApiKey,
  EndpointId,
  KeyOnly,
  KeyScope,
  Ms,
  Session,
  TenantId,
} from '../core/model.ts';
import type { Grant, GrantId } from '../core/oauth.ts';
import type { ConfigView } from './ports.ts';

/**
 * Who calls, and what they may. A key of one tenant sees nothing of another: what belongs to a foreign
 * tenant is answered exactly like what does not exist.
 */

const VERIFIED_MAX = 10_000;
const ADDRESSES_MAX = 10_000;
const FAILURES_MAX = 20;
const WINDOW_MS = 60_000;
const BEARER = /^Bearer +([\x21-\x7e]{1,256})$/i;

export interface Principal {
  /** Of the API key or the session. */
  readonly id: string;
  /** null = every tenant. */
  readonly tenant: TenantId | null;
  readonly scopes: readonly KeyScope[];
  readonly admin: boolean;
  /** What was sent is the bearer of a session, not a key. */
  readonly session: Session | undefined;
  /** It is good for one inbox and nothing else. */
  readonly only: KeyOnly | undefined;
  /** What was sent is an app's bot token: it shows what its grant is sent, and nothing else. */
  readonly bot: Bot | undefined;
}

export interface Bot {
  readonly grant: GrantId;
  /** null = it is sent nothing. */
  readonly endpoint: EndpointId | null;
}

/** What a request is about, as its path says. */
export interface Place {
  readonly tenant?: TenantId | undefined;
  readonly inbox?: string | undefined;
  readonly capture?: string | undefined;
  /** Bots may be here. */
  readonly bots?: boolean | undefined;
}

interface Verified {
  readonly principal: Principal;
  readonly hash: string;
  readonly expiresAt: Ms;
  /** Of the configuration that was asked. */
  readonly version: number;
}

export interface AuthOptions {
  readonly config: ConfigView;
  readonly now: () => Ms;
}

export class Authenticator {
  readonly #config: ConfigView;
  readonly #now: () => Ms;
  /** By the whole header, so that the usual request costs one look-up; oldest out at the bound. */
  readonly #verified = new Map<string, Verified>();
  readonly #failures: Failures;

  constructor(options: AuthOptions) {
    this.#config = options.config;
    this.#now = options.now;
    this.#failures = new Failures(options.now);
  }

  /**
   * Throws `unauthorized` (the same for a missing, wrong, deleted and expired key), or `overloaded`
   * when the address tried too many wrong ones; a key that was verified before passes even then.
   */
  authenticate(req: IncomingMessage): Principal {
    return this.admit(req.headers.authorization, req.socket.remoteAddress);
  }

  /** The same for a header that came another way. */
  admit(header: string | undefined, from: string | undefined): Principal {
    if (header === undefined) throw unauthorized();
    const known = this.#verified.get(header);
    if (known && known.version === this.#config.version && known.expiresAt > this.#now()) {
      return known.principal;
    }
    const address = addressGroup(from);
    if (known === undefined) this.#failures.check(address);
    const principal = this.#verify(header, known?.hash);
    if (principal) return principal;
    this.#verified.delete(header);
    this.#failures.add(address);
    throw unauthorized();
  }

  /** Before another secret than a key is looked at. Throws `overloaded`. */
  checkGuesses(from: string | undefined): void {
    this.#failures.check(addressGroup(from));
  }

  addGuess(from: string | undefined): void {
    this.#failures.add(addressGroup(from));
  }

  #verify(header: string, knownHash: string | undefined): Principal | undefined {
    const hash = knownHash ?? hashOf(header);
    // Looked up by hash: how long that takes says nothing about the key's text.
    if (hash === undefined) return undefined;
    const holder = this.#config.keyByHash(hash) ?? this.#config.sessionByHash(hash);
    const bot = holder ? undefined : this.#config.grants.byBot(hash);
    const expiresAt = (holder ?? bot?.line.bot)?.expiresAt ?? Number.POSITIVE_INFINITY;
    const principal = holder ? principalOf(holder) : bot && botOf(bot.grant);
    if (principal === undefined || expiresAt <= this.#now()) return undefined;
    if (this.#verified.size >= VERIFIED_MAX) dropOldest(this.#verified);
    const { version } = this.#config;
    this.#verified.set(header, { principal, hash, expiresAt, version });
    return principal;
  }
}

/**
 * Throws `not_found` for a foreign tenant (before anything else is said), `forbidden` for a missing
 * scope. What the place leaves out the operation is not about.
 */
export function authorize(principal: Principal, scope: KeyScope, place: Place): void {
  const { tenant } = place;
  if (tenant !== undefined && principal.tenant !== null && principal.tenant !== tenant) {
    throw noTenant();
  }
  if (!principal.admin && !principal.scopes.includes(scope)) {
    throw new AppError('forbidden', `This API key does not have the scope ${scope}.`);
  }
  if (principal.only) stayInside(principal.only, place);
  if (principal.bot && !place.bots) {
    throw new AppError('forbidden', "An app's bot token does not open this.");
  }
}

function stayInside(only: KeyOnly, { inbox, capture }: Place): void {
  if (inbox === undefined) {
    throw new AppError('forbidden', 'This key is for one inbox: it opens nothing else.');
  }
  if (inbox !== only.inbox) throw new AppError('not_found', 'There is no such inbox.');
  if (only.capture !== null && only.capture !== capture) {
    throw new AppError('not_found', 'There is no such capture.');
  }
}

export function noTenant(): AppError {
  return new AppError('not_found', 'There is no such tenant.');
}

function principalOf(holder: ApiKey | Session): Principal {
  const { id, tenant, scopes } = holder;
  const admin = tenant === null && scopes.includes('admin');
  const common = { id, tenant, scopes, admin, bot: undefined };
  if ('opened' in holder) return { ...common, session: holder, only: undefined };
  return { ...common, session: undefined, only: holder.only };
}

function botOf({ id, tenant, endpoint }: Grant): Principal {
  const bot = { grant: id, endpoint };
  const scopes = ['read', 'write'] as const;
  return { id, tenant, scopes, admin: false, session: undefined, only: undefined, bot };
}

/** The endpoint that a bot is bound to; undefined = who calls is no bot. */
export function ownEndpoint({ bot }: Pick<Principal, 'bot'>): EndpointId | undefined {
  if (!bot) return undefined;
  if (bot.endpoint) return bot.endpoint;
  throw new AppError('forbidden', 'This app was granted no events here.');
}

function hashOf(header: string): string | undefined {
  const text = BEARER.exec(header)?.[1];
  return text === undefined ? undefined : sha256Hex(text);
}

function unauthorized(): AppError {
  const message = 'Send "Authorization: Bearer <key>" with a key that exists and has not expired.';
  return new AppError('unauthorized', message);
}

/** Wrong keys per address and minute; bounded, oldest address out first. */
class Failures {
  readonly #now: () => Ms;
  readonly #windows = new Map<string, { count: number; readonly endsAt: Ms }>();

  constructor(now: () => Ms) {
    this.#now = now;
  }

  check(address: string): void {
    const window = this.#windows.get(address);
    const leftMs = (window?.endsAt ?? 0) - this.#now();
    if (window === undefined || leftMs <= 0 || window.count < FAILURES_MAX) return;
    throw new AppError('overloaded', 'Too many wrong keys or secrets from this address.', {
      retryAfterS: Math.ceil(leftMs / 1000),
    });
  }

  add(address: string): void {
    const now = this.#now();
    const window = this.#windows.get(address);
    if (window && window.endsAt > now) {
      window.count++;
      return;
    }
    // Deleted first, so that insertion order is the order of the windows.
    this.#windows.delete(address);
    if (this.#windows.size >= ADDRESSES_MAX) dropOldest(this.#windows);
    this.#windows.set(address, { count: 1, endsAt: now + WINDOW_MS });
  }
}

/** IPv6 by /64, because one subscriber has that many addresses; IPv4 in either spelling whole. */
function addressGroup(address: string | undefined): string {
  if (address === undefined) return '';
  if (address.startsWith('::ffff:')) return address.slice(7);
  return address.includes(':') ? expand(address).slice(0, 4).join(':') : address;
}

function expand(address: string): string[] {
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  if (tail === undefined) return before;
  const after = tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  return [...before, ...zeros, ...after];
}

function dropOldest(map: Map<string, unknown>): void {
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}
