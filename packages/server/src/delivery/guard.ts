import { networkInterfaces } from 'node:os';

/**
 * Decides where this process may connect to. Addresses are judged as 16 bytes, never as text: text has
 * too many spellings (`127.1`, `::ffff:7f00:1`, `①②⑦.⓪.⓪.①`), bytes have one. IPv4 is `::ffff:a.b.c.d`.
 *
 * Order of the rules: this process's own listeners are always refused; what the operator allowed is
 * allowed; then loopback if development allows it; then only global unicast addresses on usual ports.
 */

/** One entry of `POSTHORN_EGRESS_ALLOW`. */
export interface EgressRule {
  /** `10.0.0.0/8`, `10.1.2.3`, `fd00::/8`: an address, or a network without bits behind its prefix. */
  readonly cidr: string;
  /** Only this port, whatever it is; without it, every port that is allowed in general. */
  readonly port?: number;
}

export interface GuardOptions {
  readonly allow: readonly EgressRule[];
  /** Development: receivers on this machine. */
  readonly allowLoopback: boolean;
  /** Plain http to anybody; without it only to literal addresses of `allow`. */
  readonly allowHttp: boolean;
  /** Ports this process listens on. Asked at each new connection, because listeners come and go. */
  readonly ownPorts: () => readonly number[];
  /** This machine's addresses; the operating system's interfaces unless a test says otherwise. */
  readonly ownAddresses?: () => readonly string[];
}

interface Network {
  readonly bytes: Uint8Array;
  /** Bits of the 128 that count. */
  readonly prefix: number;
}

interface Rule extends Network {
  readonly port: number | undefined;
}

// IANA IPv4 special-purpose registry (RFC 6890 and later), plus multicast and the reserved 240/4.
const SPECIAL_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
].map(network);

// IPv6 is the other way round: only 2000::/3 is given out, and these parts of it are special. So ::1,
// NAT64, fc00::/7, fe80::/10, multicast and whatever is invented next are refused without being named.
const GLOBAL_IPV6 = network('2000::/3');
const SPECIAL_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'].map(network);

const LOOPBACK = ['127.0.0.0/8', '::1/128'].map(network);
// The kernel connects an unspecified address to this machine.
const THIS_HOST = [...LOOPBACK, ...['0.0.0.0/8', '::/128'].map(network)];
const IPV4 = network('::ffff:0:0/96');

// Services that speak before they authenticate, or obey whoever reaches them: databases, caches,
// container and cluster control. A webhook receiver lives on none of these ports.
const DENIED_PORTS: ReadonlySet<number> = new Set([
  1433, 1521, 2049, 2375, 2376, 2379, 2380, 3306, 3389, 5432, 6379, 6443, 9042, 9200, 9300, 10250,
  11211, 27017,
]);

const REFUSED_ADDRESS = 'the address is not a public one; the operator can allow it';

/** Text of an IPv4 or IPv6 address (no zone, no brackets) as 16 bytes; undefined if it is neither. */
export function parseAddress(text: string): Uint8Array | undefined {
  if (text.length > 45) return undefined;
  const groups = text.includes(':') ? ipv6Groups(text) : ipv4Groups(text, [0, 0, 0, 0, 0, 0xffff]);
  if (groups === undefined) return undefined;
  const bytes = new Uint8Array(16);
  for (const [i, group] of groups.entries()) {
    bytes[i * 2] = group >>> 8;
    bytes[i * 2 + 1] = group & 0xff;
  }
  return bytes;
}

/** `CIDR[:port]`, comma-separated; IPv6 with a port as `[fd00::1]:8080` or `fd00::/8:8080`. */
export function parseEgressAllow(text: string): EgressRule[] {
  const rules: EgressRule[] = [];
  for (const entry of text.split(',').map((part) => part.trim())) {
    if (entry !== '') rules.push(parseEntry(entry));
  }
  return rules;
}

/** True for `localhost` and every name below it: RFC 6761 keeps them on this machine, without DNS. */
export function isLocalhost(hostname: string): boolean {
  return /^(?:.*\.)?localhost\.?$/i.test(hostname);
}

/** Hostname of a URL without the brackets of an IPv6 literal. */
export function bareHost(url: URL): string {
  return url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
}

/** Port of an http(s) URL, written or not. */
export function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'http:' ? 80 : 443;
}

export class Guard {
  readonly #rules: readonly Rule[];
  readonly #options: GuardOptions;
  readonly #ownAddresses: () => readonly string[];

  /** Throws if a rule of `allow` is not a CIDR with a sensible port. */
  constructor(options: GuardOptions) {
    this.#options = options;
    this.#rules = options.allow.map(({ cidr, port }) => ({
      ...network(cidr),
      port: checkPort(port),
    }));
    this.#ownAddresses = options.ownAddresses ?? interfaceAddresses;
  }

  /**
   * Why this URL may never be requested, as a sentence for who saves it; undefined = nothing against it
   * so far. A name's addresses are not known here: `judgeAddress` has the last word at each connection.
   */
  judgeUrl(url: URL): string | undefined {
    if (url.protocol !== 'https:' && url.protocol !== 'http:')
      return 'only http and https are allowed';
    if (url.username !== '' || url.password !== '')
      return 'a URL must not carry a user or password';
    const host = bareHost(url);
    if (host === '') return 'the URL has no host';
    const port = portOf(url);
    const known = knownAddresses(host);
    if (url.protocol === 'http:' && !this.#mayBePlain(known, port)) return 'only https is allowed';
    if (!portAllowed(port) && !this.#rules.some((rule) => rule.port === port)) {
      return `port ${port} is not allowed`;
    }
    return known.every((bytes) => this.#judge(bytes, port)) ? undefined : REFUSED_ADDRESS;
  }

  /** True if a connection to this address and port is allowed. Anything that is not an address is not. */
  judgeAddress(ip: string, port: number): boolean {
    const bytes = parseAddress(ip);
    return bytes !== undefined && this.#judge(bytes, port);
  }

  #judge(bytes: Uint8Array, port: number): boolean {
    if (!(Number.isInteger(port) && port > 0 && port <= 65_535)) return false;
    if (this.#options.ownPorts().includes(port) && this.#isOwn(bytes)) return false;
    if (this.#operatorAllows(bytes, port)) return true;
    if (!portAllowed(port)) return false;
    if (this.#options.allowLoopback && within(bytes, LOOPBACK)) return true;
    return isGlobal(bytes);
  }

  #operatorAllows(bytes: Uint8Array, port: number): boolean {
    return this.#rules.some(
      (rule) =>
        (rule.port === undefined ? portAllowed(port) : rule.port === port) && contains(rule, bytes),
    );
  }

  #mayBePlain(known: readonly Uint8Array[], port: number): boolean {
    if (this.#options.allowHttp) return true;
    return known.length > 0 && known.every((bytes) => this.#operatorAllows(bytes, port));
  }

  #isOwn(bytes: Uint8Array): boolean {
    if (within(bytes, THIS_HOST)) return true;
    return this.#ownAddresses().some((text) => {
      const own = parseAddress(text);
      return own !== undefined && contains({ bytes: own, prefix: 128 }, bytes);
    });
  }
}

/** True for addresses that anybody on the internet may be reached at. `bytes`: 16, as `parseAddress` gives. */
export function isGlobal(bytes: Uint8Array): boolean {
  if (contains(IPV4, bytes)) return !within(bytes, SPECIAL_IPV4);
  return contains(GLOBAL_IPV6, bytes) && !within(bytes, SPECIAL_IPV6);
}

function portAllowed(port: number): boolean {
  return port === 80 || port === 443 || (port >= 1024 && !DENIED_PORTS.has(port));
}

/** Addresses that a host is known to stand for without asking anybody; none for ordinary names. */
function knownAddresses(host: string): readonly Uint8Array[] {
  const texts = isLocalhost(host) ? ['127.0.0.1', '::1'] : [host];
  return texts.map(parseAddress).filter((bytes) => bytes !== undefined);
}

function within(bytes: Uint8Array, networks: readonly Network[]): boolean {
  return networks.some((candidate) => contains(candidate, bytes));
}

function contains(candidate: Network, bytes: Uint8Array): boolean {
  const whole = candidate.prefix >>> 3;
  for (let i = 0; i < whole; i++) if (bytes[i] !== candidate.bytes[i]) return false;
  const rest = candidate.prefix & 7;
  if (rest === 0) return true;
  const mask = (0xff << (8 - rest)) & 0xff;
  return ((bytes[whole] ?? 0) & mask) === ((candidate.bytes[whole] ?? 0) & mask);
}

function parseEntry(entry: string): EgressRule {
  const match =
    /^\[(?<inner>[^\]]+)\](?::(?<portA>\d+))?$/.exec(entry) ??
    /^(?<inner>[^/]+\/\d+)(?::(?<portA>\d+))?$/.exec(entry) ??
    /^(?<inner>[^:]+):(?<portA>\d+)$/.exec(entry);
  const cidr = match?.groups?.['inner'] ?? entry;
  const portText = match?.groups?.['portA'];
  try {
    network(cidr);
    if (portText === undefined) return { cidr };
    return { cidr, port: checkPort(Number(portText)) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `egress allow list: "${entry}" is not CIDR[:port]: ${reason}; write for example 10.0.0.0/8, 192.168.1.5:8080 or [fd00::/8]:8080`,
      { cause: error },
    );
  }
}

function checkPort<T extends number | undefined>(port: T): T {
  if (port === undefined || (Number.isInteger(port) && port > 0 && port <= 65_535)) return port;
  throw new Error(`port ${port} is not between 1 and 65535`);
}

function network(cidr: string): Network {
  const slash = cidr.indexOf('/');
  const address = slash < 0 ? cidr : cidr.slice(0, slash);
  const bytes = parseAddress(address);
  if (bytes === undefined) throw new Error(`"${address}" is not an IP address`);
  const width = address.includes(':') ? 128 : 32;
  const length = slash < 0 ? String(width) : cidr.slice(slash + 1);
  if (!/^\d{1,3}$/.test(length) || Number(length) > width) {
    throw new Error(`the prefix length "${length}" is not between 0 and ${width}`);
  }
  const prefix = Number(length) + 128 - width;
  const masked = bytes.map(
    (byte, i) => byte & (0xff << (8 - Math.min(8, Math.max(0, prefix - i * 8)))),
  );
  if (masked.some((byte, i) => byte !== bytes[i])) {
    throw new Error(`"${address}" has bits behind its prefix of ${length}`);
  }
  return { bytes, prefix };
}

function ipv4Groups(text: string, before: readonly number[]): number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const octets: number[] = [];
  for (const part of parts) {
    // A leading zero means octal to some programs and decimal to others: it means nothing here.
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    octets.push(Number(part));
  }
  const [a = 0, b = 0, c = 0, d = 0] = octets;
  return [...before, a * 256 + b, c * 256 + d];
}

function ipv6Groups(text: string): number[] | undefined {
  const halves = text.split('::');
  const [left = '', right] = halves;
  if (halves.length > 2 || (right !== undefined && left.includes('.'))) return undefined;
  const head = hexGroups(left);
  const tail = right === undefined ? [] : hexGroups(right);
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (right === undefined ? missing !== 0 : missing < 1) return undefined;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

function hexGroups(text: string): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  let groups: number[] = [];
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const dotted = i === parts.length - 1 ? ipv4Groups(part, groups) : undefined;
    if (dotted === undefined) return undefined;
    groups = dotted;
  }
  return groups;
}

function interfaceAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).map(({ address }) => address),
  );
}
