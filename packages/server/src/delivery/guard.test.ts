import { isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Guard, type GuardOptions, isGlobal, parseAddress, parseEgressAllow } from './guard.ts';

const SPECIAL_IPV4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['255.255.255.255', 32],
] as const;

// Outside 2000::/3, then the special parts inside it.
const SPECIAL_IPV6 = [
  ['::', 8],
  ['64:ff9b::', 32],
  ['100::', 64],
  ['5f00::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const;

function guard(options: Partial<GuardOptions> = {}): Guard {
  return new Guard({
    allow: [],
    allowLoopback: false,
    allowHttp: false,
    ownPorts: () => [],
    ownAddresses: () => [],
    ...options,
  });
}

function ipv4Number(text: string): number {
  return text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function ipv4Text(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

/** First, last and 100 random addresses of an IPv4 block. */
function samples(base: string, prefix: number): number[] {
  const first = ipv4Number(base);
  const size = 2 ** (32 - prefix);
  const random = fc.sample(fc.integer({ min: first, max: first + size - 1 }), 100);
  return [first, first + size - 1, ...random];
}

function inSpecialBlock(value: number): boolean {
  return SPECIAL_IPV4.some(([base, prefix]) => {
    const first = ipv4Number(base);
    return value >= first && value < first + 2 ** (32 - prefix);
  });
}

function ipv6Text(bytes: Uint8Array): string {
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) {
    groups.push((((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0)).toString(16));
  }
  return groups.join(':');
}

/** The given bits, then random ones. */
function randomIn(base: string, prefix: number): fc.Arbitrary<Uint8Array> {
  const fixed = parseAddress(base) ?? new Uint8Array();
  return fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) =>
    bytes.map((byte, i) => {
      const bits = Math.min(8, Math.max(0, prefix - i * 8));
      const mask = (0xff << (8 - bits)) & 0xff;
      return ((fixed[i] ?? 0) & mask) | (byte & ~mask & 0xff);
    }),
  );
}

describe('addresses', () => {
  test.each(SPECIAL_IPV4)('refuses all of %s/%i', (base, prefix) => {
    for (const value of samples(base, prefix)) {
      expect(guard().judgeAddress(ipv4Text(value), 443), ipv4Text(value)).toBe(false);
    }
  });

  test.each(SPECIAL_IPV4)('allows the neighbours outside %s/%i', (base, prefix) => {
    const first = ipv4Number(base);
    for (const value of [first - 1, first + 2 ** (32 - prefix)]) {
      if (value < 0 || value >= 2 ** 32 || inSpecialBlock(value)) continue;
      expect(guard().judgeAddress(ipv4Text(value), 443), ipv4Text(value)).toBe(true);
    }
  });

  test.each(SPECIAL_IPV6)('refuses random addresses of %s/%i', (base, prefix) => {
    const judge = guard();
    fc.assert(
      fc.property(randomIn(base, prefix), (bytes) => {
        // ::/8 holds the mapped IPv4 addresses, which are judged as IPv4.
        fc.pre(!(base === '::' && bytes.subarray(0, 10).every((byte) => byte === 0)));
        return !judge.judgeAddress(ipv6Text(bytes), 443);
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    '2606:4700::1111',
    '2a00:1450:4001:80b::200e',
    '2001:200::1',
    '2003::1',
    '3ffe::1',
    '2000::',
  ])('allows %s', (address) => {
    expect(guard().judgeAddress(address, 443)).toBe(true);
  });

  test.each([
    '::',
    '::1',
    '::127.0.0.1',
    '::7f00:1',
    'fe80::1',
    'fd00::1',
    '4000::1',
    '1fff::1',
    'ff02::1',
  ])('refuses %s', (address) => {
    expect(guard().judgeAddress(address, 443)).toBe(false);
  });

  test('refuses six spellings in IPv6 of every special IPv4 address', () => {
    const judge = guard();
    for (const [base, prefix] of SPECIAL_IPV4) {
      for (const value of samples(base, prefix)) {
        const dotted = ipv4Text(value);
        const hex = `${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}`;
        const spellings = [
          `::ffff:${dotted}`,
          `0:0:0:0:0:ffff:${hex}`,
          `64:ff9b::${dotted}`,
          `64:ff9b:1::${hex}`,
          `2002:${hex}::1`,
          `::${dotted}`,
        ];
        for (const text of spellings) {
          expect(parseAddress(text), text).toBeDefined();
          expect(judge.judgeAddress(text, 443), text).toBe(false);
          expect(judge.judgeUrl(new URL(`https://[${text}]/`)), text).toBeDefined();
        }
      }
    }
  });

  test('judges a mapped IPv4 address as its IPv4 address', () => {
    expect(guard().judgeAddress('::ffff:8.8.8.8', 443)).toBe(true);
    expect(guard().judgeAddress('::ffff:808:808', 443)).toBe(true);
  });

  test('gives the same verdict for an address however it is written', () => {
    const judge = guard();
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const text = ipv6Text(bytes);
        const canonical = new URL(`http://[${text}]`).hostname.slice(1, -1);
        const verdict = isGlobal(bytes);
        for (const spelling of [text, text.toUpperCase(), canonical]) {
          expect(judge.judgeAddress(spelling, 443)).toBe(verdict);
        }
      }),
      { numRuns: 2_000 },
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (value) => {
        const verdict = !inSpecialBlock(value);
        expect(judge.judgeAddress(ipv4Text(value), 443)).toBe(verdict);
        expect(judge.judgeAddress(`::ffff:${ipv4Text(value)}`, 443)).toBe(verdict);
      }),
      { numRuns: 2_000 },
    );
  });

  test('accepts exactly the texts that Node takes for addresses', () => {
    const piece = fc.oneof(
      fc.constantFrom(':', '::', '.', 'ffff', '0', '1.2.3.4', '256', '01', 'g', '%0', ''),
      fc.nat({ max: 70_000 }).map((value) => value.toString(16)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('');
        const expected = isIPv4(text) || (isIPv6(text) && !text.includes('%'));
        expect(parseAddress(text) !== undefined, text).toBe(expected);
      }),
      { numRuns: 5_000 },
    );
  });

  test('refuses what is not an address', () => {
    for (const text of [
      '',
      'localhost',
      '127.1',
      '0x7f.0.0.1',
      '1.2.3.4.5',
      'fe80::1%lo',
      '[::1]',
    ]) {
      expect(guard().judgeAddress(text, 443), text).toBe(false);
    }
  });
});

describe('URLs', () => {
  test.each([
    'https://2130706433/',
    'https://0x7f.1/',
    'https://0177.0.0.1/',
    'https://127.1/',
    'https://①②⑦.⓪.⓪.①/',
    'https://127。0。0。1/',
    'https://127.0.0.1./',
    'https://0/',
    'https://[::1]/',
    'https://[::]/',
    'https://localhost/',
    'https://LOCALHOST./',
    'https://a.b.localhost/',
    'https:127.0.0.1',
    'https:\\\\127.0.0.1\\',
    'https://exa\u00admple.com@127.0.0.1/',
  ])('refuses %s', (text) => {
    expect(guard({ allowHttp: true }).judgeUrl(new URL(text))).toBeDefined();
  });

  test.each([
    'file:///etc/passwd',
    'gopher://h/',
    'ftp://h/',
    'data:,x',
    'unix:/run/x',
    'ws://example.com/',
  ])('refuses the scheme of %s', (text) => {
    expect(guard({ allowHttp: true }).judgeUrl(new URL(text))).toBe(
      'only http and https are allowed',
    );
  });

  test.each(['https://user@example.com/', 'https://:pass@example.com/', 'https://a@127.0.0.1/'])(
    'refuses user information in %s',
    (text) => {
      expect(guard().judgeUrl(new URL(text))).toContain('user or password');
    },
  );

  test.each([0, 1, 22, 25, 81, 444, 1023, 3306, 5432, 6379, 9200, 10250, 11211, 27017])(
    'refuses port %i',
    (port) => {
      expect(guard().judgeUrl(new URL(`https://example.com:${port}/`))).toContain(`port ${port}`);
      expect(guard().judgeAddress('8.8.8.8', port)).toBe(false);
    },
  );

  test.each([80, 443, 1024, 3000, 8080, 8443, 65_535])('allows port %i', (port) => {
    expect(guard().judgeUrl(new URL(`https://example.com:${port}/`))).toBeUndefined();
    expect(guard().judgeAddress('8.8.8.8', port)).toBe(true);
  });

  test('refuses plain http, unless it is allowed', () => {
    const url = new URL('http://example.com/');
    expect(guard().judgeUrl(url)).toBe('only https is allowed');
    expect(guard({ allowHttp: true }).judgeUrl(url)).toBeUndefined();
  });

  test('allows plain http to a literal address that the operator allowed', () => {
    const judge = guard({ allow: parseEgressAllow('10.0.0.0/8') });
    expect(judge.judgeUrl(new URL('http://10.1.2.3:8080/'))).toBeUndefined();
    expect(judge.judgeUrl(new URL('http://8.8.8.8:8080/'))).toBe('only https is allowed');
  });

  test('says the same of every forbidden address', () => {
    const reasons = [
      'https://127.0.0.1/',
      'https://10.0.0.1/',
      'https://[fd00::1]/',
      'https://localhost/',
    ].map((text) => guard().judgeUrl(new URL(text)));
    expect(new Set(reasons).size).toBe(1);
  });
});

describe('what the operator allows', () => {
  test('is only that network', () => {
    const judge = guard({ allow: parseEgressAllow('10.1.0.0/16, fd12::/16') });
    expect(judge.judgeAddress('10.1.2.3', 8080)).toBe(true);
    expect(judge.judgeAddress('::ffff:10.1.2.3', 8080)).toBe(true);
    expect(judge.judgeAddress('fd12::1', 8080)).toBe(true);
    expect(judge.judgeAddress('10.2.0.0', 8080)).toBe(false);
    expect(judge.judgeAddress('fd13::1', 8080)).toBe(false);
    expect(judge.judgeAddress('10.1.2.3', 22)).toBe(false);
  });

  test('is only that port, and that port even if it is denied in general', () => {
    const judge = guard({ allow: parseEgressAllow('10.1.2.3:6379') });
    expect(judge.judgeAddress('10.1.2.3', 6379)).toBe(true);
    expect(judge.judgeAddress('10.1.2.3', 8080)).toBe(false);
    expect(judge.judgeAddress('8.8.8.8', 6379)).toBe(false);
    expect(judge.judgeUrl(new URL('https://redis.internal:6379/'))).toBeUndefined();
  });

  test('of IPv6 does not include the mapped IPv4 addresses', () => {
    expect(guard({ allow: [{ cidr: 'fd00::/8' }] }).judgeAddress('::ffff:127.0.0.1', 443)).toBe(
      false,
    );
  });

  test('reads networks, addresses, ports and brackets', () => {
    expect(
      parseEgressAllow('10.0.0.0/8,192.168.1.5:8080, [fd00::/8]:81,fd00::/8:82 ,::1,[::1],'),
    ).toEqual([
      { cidr: '10.0.0.0/8' },
      { cidr: '192.168.1.5', port: 8080 },
      { cidr: 'fd00::/8', port: 81 },
      { cidr: 'fd00::/8', port: 82 },
      { cidr: '::1' },
      { cidr: '::1' },
    ]);
    expect(parseEgressAllow('  ')).toEqual([]);
  });

  test.each([
    ['example.com', 'not an IP address'],
    ['10.0.0.0/33', 'prefix length'],
    ['10.0.0.0/x', 'prefix length'],
    ['10.0.0.1/8', 'bits behind its prefix'],
    ['10.0.0.1:0', 'port 0'],
    ['10.0.0.1:65536', 'port 65536'],
    ['fd00::/129', 'prefix length'],
    ['[fd00::1', 'not an IP address'],
    ['10.0.0.1:http', 'not an IP address'],
  ])('says what is wrong with %s', (text, reason) => {
    expect(() => parseEgressAllow(text)).toThrow(reason);
    expect(() => parseEgressAllow(text)).toThrow('write for example');
  });
});

describe('this machine', () => {
  test('is allowed in development, on usual ports', () => {
    const judge = guard({ allowLoopback: true, allowHttp: true });
    expect(judge.judgeUrl(new URL('http://localhost:3000/hook'))).toBeUndefined();
    expect(judge.judgeAddress('127.9.9.9', 3000)).toBe(true);
    expect(judge.judgeAddress('::1', 3000)).toBe(true);
    expect(judge.judgeAddress('127.0.0.1', 6379)).toBe(false);
    expect(judge.judgeAddress('10.0.0.1', 3000)).toBe(false);
    expect(judge.judgeAddress('0.0.0.0', 3000)).toBe(false);
  });

  test('is refused on the ports this process listens on, whatever is allowed', () => {
    const judge = guard({
      allow: parseEgressAllow('0.0.0.0/0,::/0,127.0.0.1:8071'),
      allowLoopback: true,
      ownPorts: () => [8071],
      ownAddresses: () => ['198.51.100.7', 'fd00::7', '8.8.4.4'],
    });
    for (const own of [
      '127.0.0.1',
      '127.3.4.5',
      '::1',
      '0.0.0.0',
      '::',
      '198.51.100.7',
      'fd00::7',
      '8.8.4.4',
    ]) {
      expect(judge.judgeAddress(own, 8071), own).toBe(false);
      expect(judge.judgeAddress(own, 8072), own).toBe(true);
    }
    expect(judge.judgeAddress('8.8.8.8', 8071)).toBe(true);
  });

  test('knows its own interfaces', () => {
    const judge = new Guard({
      allow: parseEgressAllow('0.0.0.0/0'),
      allowLoopback: true,
      allowHttp: true,
      ownPorts: () => [8071],
    });
    expect(judge.judgeUrl(new URL('http://127.0.0.1:8071/'))).toBeDefined();
  });
});
