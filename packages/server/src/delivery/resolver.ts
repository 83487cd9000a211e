import { Resolver } from 'node:dns/promises';
import { readFile, stat } from 'node:fs/promises';
import { isLocalhost, parseAddress } from './guard.ts';

/**
 * Names to addresses, without the operating system's resolver: `dns.lookup` runs on libuv's four threads,
 * where a handful of names whose servers do not answer delays every other name by many seconds.
 * Here a lookup is two UDP questions with one budget. Every answer is handed out, because the guard must
 * see them all; whoever connects takes the first few.
 */

const LOOKUP_BUDGET_MS = 3_000;
/** Once one family has answered, the other gets this long (compare RFC 8305, "Resolution Delay"). */
const SECOND_FAMILY_MS = 300;
const LOOKUPS_MAX = 256;
/** Names that timed out lately have these slots of their own, so they cannot take the others'. */
const SUSPECT_LOOKUPS_MAX = 64;
const SUSPECTS_MAX = 10_000;
const SUSPECT_MS = 60_000;
const WAITING_MAX = 10_000;
const ANSWERS_MAX = 1_000;
const CACHE_MS = 5_000;
const CACHE_ENTRIES_MAX = 4_096;
const HOSTS_CHECK_MS = 5_000;
const HOSTS_BYTES_MAX = 1024 * 1024;
const LOCALHOST = ['127.0.0.1', '::1'];

export type DnsFault = 'dns_not_found' | 'dns_timeout' | 'dns_failed';

export type Resolution =
  | { readonly kind: 'addresses'; readonly addresses: readonly string[] }
  | { readonly kind: 'fault'; readonly fault: DnsFault; readonly detail: string };

export interface ResolverOptions {
  /** `ip` or `ip:port` of DNS servers; the system's (resolv.conf) unless given. */
  readonly servers?: readonly string[];
  /** Default `/etc/hosts`. */
  readonly hostsPath?: string;
  /** From waiting for a slot to the last answer. */
  readonly budgetMs?: number;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

interface Answer {
  readonly addresses: readonly string[];
  /** Seconds; 0 = not to be kept. */
  readonly ttl: number;
  /** Error code of c-ares; undefined = answered. */
  readonly code: string | undefined;
}

interface Cached {
  readonly resolution: Resolution;
  readonly expiresAt: number;
}

export class NameResolver {
  readonly #options: ResolverOptions;
  readonly #now: () => number;
  readonly #budgetMs: number;
  readonly #hosts: HostsFile;
  readonly #cache = new Map<string, Cached>();
  /** One lookup per name, shared by all who ask meanwhile. */
  readonly #inFlight = new Map<string, Promise<Resolution>>();
  readonly #slots = new Slots(LOOKUPS_MAX);
  readonly #suspectSlots = new Slots(SUSPECT_LOOKUPS_MAX);
  /** Name -> until when it counts as one that times out. */
  readonly #suspects = new Map<string, number>();
  readonly #resolvers = new Set<Resolver>();
  #closed = false;

  constructor(options: ResolverOptions = {}) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#budgetMs = options.budgetMs ?? LOOKUP_BUDGET_MS;
    this.#hosts = new HostsFile(options.hostsPath ?? '/etc/hosts', this.#now);
  }

  /**
   * All addresses of a name, IPv4 first: a host with broken IPv6 is commoner than one without IPv4.
   * Never rejects. Single-label names are asked as they are; search domains are not tried.
   */
  async resolve(hostname: string): Promise<Resolution> {
    const name = hostname.toLowerCase().replace(/\.$/, '');
    if (isLocalhost(name)) return { kind: 'addresses', addresses: LOCALHOST };
    const listed = await this.#hosts.find(name);
    if (listed !== undefined) return { kind: 'addresses', addresses: listed };
    if (this.#closed) return fault('dns_failed', 'the resolver is closed');
    const cached = this.#cache.get(name);
    if (cached !== undefined && cached.expiresAt > this.#now()) return cached.resolution;
    const running = this.#inFlight.get(name);
    if (running !== undefined) return running;
    if (this.#inFlight.size >= WAITING_MAX)
      return fault('dns_failed', 'too many names are being resolved');
    const lookup = this.#lookUp(name).finally(() => this.#inFlight.delete(name));
    this.#inFlight.set(name, lookup);
    return lookup;
  }

  /** Ends the lookups under way; they resolve as faults. */
  close(): void {
    this.#closed = true;
    this.#slots.close();
    this.#suspectSlots.close();
    for (const resolver of this.#resolvers) resolver.cancel();
  }

  async #lookUp(name: string): Promise<Resolution> {
    const deadline = this.#now() + this.#budgetMs;
    const slots = this.#isSuspect(name) ? this.#suspectSlots : this.#slots;
    if (!(await slots.take(this.#budgetMs))) {
      return fault('dns_timeout', 'too many other names were being resolved');
    }
    try {
      const answers = await this.#ask(name, deadline);
      const resolution = judge(answers);
      this.#remember(name, resolution, Math.min(...answers.map(({ ttl }) => ttl)));
      return resolution;
    } finally {
      slots.release();
    }
  }

  /**
   * A resolver of c-ares per lookup costs about 30 µs and buys: a real cancel, a fresh source port, and the
   * servers that resolv.conf names now.
   */
  async #ask(name: string, deadline: number): Promise<Answer[]> {
    const resolver = new Resolver({ timeout: 500, tries: 3 });
    if (this.#options.servers !== undefined) resolver.setServers(this.#options.servers);
    const cancelIn = (ms: number) => setTimeout(() => resolver.cancel(), Math.max(0, ms)).unref();
    let timer = cancelIn(deadline - this.#now());
    const hurry = (answer: Answer): Answer => {
      if (answer.addresses.length === 0) return answer;
      clearTimeout(timer);
      timer = cancelIn(Math.min(SECOND_FAMILY_MS, deadline - this.#now()));
      return answer;
    };
    this.#resolvers.add(resolver);
    try {
      return await Promise.all([
        answerOf(resolver.resolve4(name, { ttl: true })).then(hurry),
        answerOf(resolver.resolve6(name, { ttl: true })).then(hurry),
      ]);
    } finally {
      clearTimeout(timer);
      this.#resolvers.delete(resolver);
    }
  }

  #isSuspect(name: string): boolean {
    const until = this.#suspects.get(name);
    if (until === undefined) return false;
    if (until > this.#now()) return true;
    this.#suspects.delete(name);
    return false;
  }

  #remember(name: string, resolution: Resolution, ttl: number): void {
    this.#suspects.delete(name);
    this.#cache.delete(name);
    if (resolution.kind === 'fault') {
      if (resolution.fault !== 'dns_timeout') return;
      this.#suspects.set(name, this.#now() + SUSPECT_MS);
      dropOldest(this.#suspects, SUSPECTS_MAX);
    } else if (ttl > 0) {
      this.#cache.set(name, {
        resolution,
        expiresAt: this.#now() + Math.min(ttl * 1_000, CACHE_MS),
      });
      dropOldest(this.#cache, CACHE_ENTRIES_MAX);
    }
  }
}

/** A bounded number of lookups at a time. Who waits longer than its budget goes away without a slot. */
class Slots {
  #free: number;
  readonly #waiting = new Set<(granted: boolean) => void>();

  constructor(count: number) {
    this.#free = count;
  }

  take(budgetMs: number): Promise<boolean> {
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const settle = (granted: boolean): void => {
        clearTimeout(timer);
        this.#waiting.delete(settle);
        resolve(granted);
      };
      const timer = setTimeout(settle, budgetMs, false).unref();
      this.#waiting.add(settle);
    });
  }

  release(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#free++;
    else next(true);
  }

  close(): void {
    for (const settle of this.#waiting) settle(false);
  }
}

/** The hosts file, read when first needed and again when it changed. Unreadable = empty: DNS is left. */
class HostsFile {
  readonly #path: string;
  readonly #now: () => number;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #version = '';
  #names: ReadonlyMap<string, readonly string[]> = new Map();
  #refreshing: Promise<void> | undefined;

  constructor(path: string, now: () => number) {
    this.#path = path;
    this.#now = now;
  }

  async find(name: string): Promise<readonly string[] | undefined> {
    if (this.#now() - this.#checkedAt >= HOSTS_CHECK_MS) {
      this.#refreshing ??= this.#refresh().finally(() => {
        this.#refreshing = undefined;
      });
      await this.#refreshing;
    }
    return this.#names.get(name);
  }

  async #refresh(): Promise<void> {
    try {
      const { mtimeMs, size } = await stat(this.#path);
      const version = `${mtimeMs}/${size}`;
      if (version !== this.#version) {
        this.#names =
          size > HOSTS_BYTES_MAX ? new Map() : parseHosts(await readFile(this.#path, 'latin1'));
        this.#version = version;
      }
    } catch {
      this.#names = new Map();
      this.#version = '';
    }
    this.#checkedAt = this.#now();
  }
}

function parseHosts(text: string): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (parseAddress(address) === undefined) continue;
    for (const alias of aliases) {
      const name = alias.toLowerCase();
      names.set(name, [...(names.get(name) ?? []), address]);
    }
  }
  return names;
}

async function answerOf(records: Promise<{ address: string; ttl: number }[]>): Promise<Answer> {
  try {
    const answers = await records;
    const ttl = Math.min(...answers.slice(0, ANSWERS_MAX).map((answer) => answer.ttl || 0));
    return { addresses: answers.map(({ address }) => address), ttl, code: undefined };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN';
    return { addresses: [], ttl: Number.POSITIVE_INFINITY, code };
  }
}

function judge(answers: readonly Answer[]): Resolution {
  const addresses = answers.flatMap((answer) => answer.addresses);
  if (addresses.length > ANSWERS_MAX) {
    return fault('dns_failed', `the name has more than ${ANSWERS_MAX} addresses`);
  }
  if (addresses.length > 0) return { kind: 'addresses', addresses };
  const codes = answers.map(({ code }) => code);
  if (codes.every((code) => code === 'ENOTFOUND' || code === 'ENODATA' || code === undefined)) {
    return fault('dns_not_found', 'the name has no address');
  }
  if (codes.some((code) => code === 'ETIMEOUT' || code === 'ECANCELLED')) {
    return fault('dns_timeout', 'the name servers did not answer in time');
  }
  return fault(
    'dns_failed',
    `the name could not be resolved (${codes.find(isFailure) ?? 'UNKNOWN'})`,
  );
}

function isFailure(code: string | undefined): boolean {
  return code !== undefined && code !== 'ENOTFOUND' && code !== 'ENODATA';
}

function fault(code: DnsFault, detail: string): Resolution {
  return { kind: 'fault', fault: code, detail };
}

/** Maps keep insertion order: the first key is the oldest. */
function dropOldest<K, V>(map: Map<K, V>, max: number): void {
  if (map.size <= max) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
