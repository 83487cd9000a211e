import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { NameResolver, type ResolverOptions } from './resolver.ts';
import { type DnsServer, type Reply, startDns } from './test-dns.suite.ts';

interface Setup {
  readonly dns: DnsServer;
  readonly resolver: NameResolver;
}

async function setUp(
  answer: (name: string, type: 'A' | 'AAAA') => Reply,
  options: ResolverOptions = {},
): Promise<Setup> {
  const dns = await startDns(answer);
  const resolver = new NameResolver({
    servers: [dns.address],
    hostsPath: '/nonexistent',
    ...options,
  });
  onTestFinished(async () => {
    resolver.close();
    await dns[Symbol.asyncDispose]();
  });
  return { dns, resolver };
}

async function hostsFile(text: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'hosts-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const path = join(directory, 'hosts');
  await writeFile(path, text);
  return path;
}

const many = (count: number) =>
  Array.from({ length: count }, (_, i) => `8.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);

describe('answers', () => {
  test('gives every IPv4 and IPv6 address of a name', async () => {
    const { resolver } = await setUp(() => ({
      a: ['8.8.8.8', '8.8.4.4'],
      aaaa: ['2606:4700::1111'],
    }));
    expect(await resolver.resolve('two.example')).toEqual({
      kind: 'addresses',
      addresses: ['8.8.8.8', '8.8.4.4', '2606:4700::1111'],
    });
  });

  test('hands out private answers beside public ones: the guard must see them', async () => {
    const { resolver } = await setUp(() => ({ a: ['8.8.8.8', '127.0.0.1'] }));
    expect(await resolver.resolve('mixed.example')).toMatchObject({
      addresses: ['8.8.8.8', '127.0.0.1'],
    });
  });

  test('asks for a single-label name as it is', async () => {
    const { dns, resolver } = await setUp(() => ({ a: ['10.0.0.7'] }));
    expect(await resolver.resolve('app')).toMatchObject({ addresses: ['10.0.0.7'] });
    expect(dns.questions.sort()).toEqual(['app/A', 'app/AAAA']);
  });

  test('takes a large answer by TCP', async () => {
    const { resolver } = await setUp((_, type) => (type === 'A' ? { a: many(500) } : {}));
    const resolution = await resolver.resolve('large.example');
    expect(resolution).toMatchObject({ kind: 'addresses' });
    expect(resolution.kind === 'addresses' && resolution.addresses.length).toBe(500);
  });

  test('refuses a name with more than 1,000 addresses', async () => {
    const { resolver } = await setUp((_, type) => (type === 'A' ? { a: many(2_000) } : {}));
    expect(await resolver.resolve('huge.example')).toMatchObject({ fault: 'dns_failed' });
  });

  test('does not wait long for the second family once the first has answered', async () => {
    const { resolver } = await setUp((_, type) =>
      type === 'A' ? { a: ['8.8.8.8'] } : { drop: true },
    );
    const startedAt = performance.now();
    expect(await resolver.resolve('half.example')).toMatchObject({ addresses: ['8.8.8.8'] });
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});

describe('faults', () => {
  const cases: readonly [string, Reply, string][] = [
    ['NXDOMAIN', { rcode: 3 }, 'dns_not_found'],
    ['an empty answer', {}, 'dns_not_found'],
    ['a CNAME loop', { cname: 'loop.example' }, 'dns_not_found'],
    ['SERVFAIL', { rcode: 2 }, 'dns_failed'],
    ['REFUSED', { rcode: 5 }, 'dns_failed'],
    ['silence', { drop: true }, 'dns_timeout'],
    ['10,000 addresses, cut', { a: many(10_000), aaaa: [] }, 'dns_failed'],
  ];
  test.each(cases)('classifies %s', async (_, reply, fault) => {
    const { resolver } = await setUp(() => reply, { budgetMs: 500 });
    expect(await resolver.resolve('loop.example')).toMatchObject({ kind: 'fault', fault });
  });

  test('gives up on a name server that does not answer within the budget', async () => {
    const { resolver } = await setUp(() => ({ drop: true }));
    const startedAt = performance.now();
    expect(await resolver.resolve('hole.example')).toMatchObject({ fault: 'dns_timeout' });
    expect(performance.now() - startedAt).toBeLessThan(3_300);
  });

  test('200 names without answers do not delay a healthy one', async () => {
    const { dns, resolver } = await setUp(
      (name) => (name.startsWith('hole') ? { drop: true } : { a: ['8.8.8.8'] }),
      { budgetMs: 1_000 },
    );
    // The second time they are known, and take slots of their own: 64 wait for the servers, 136 for those.
    for (const asked of [400, 128]) {
      dns.questions.length = 0;
      const holes = Array.from({ length: 200 }, (_, i) => resolver.resolve(`hole${i}.example`));
      await vi.waitFor(() => expect(dns.questions.length).toBeGreaterThanOrEqual(asked));
      const startedAt = performance.now();
      expect(await resolver.resolve('healthy.example')).toMatchObject({ kind: 'addresses' });
      expect(performance.now() - startedAt).toBeLessThan(300);
      for (const hole of holes) expect(await hole).toMatchObject({ fault: 'dns_timeout' });
    }
  });

  test('ends what is under way when it is closed', async () => {
    const { resolver } = await setUp(() => ({ drop: true }));
    const pending = resolver.resolve('hole.example');
    await resolver.resolve('localhost');
    resolver.close();
    expect(await pending).toMatchObject({ kind: 'fault' });
    expect(await resolver.resolve('late.example')).toMatchObject({ fault: 'dns_failed' });
  });
});

describe('sharing and keeping', () => {
  test('asks once for all who ask for a name at the same time', async () => {
    const { dns, resolver } = await setUp(() => ({ a: ['8.8.8.8'] }));
    await Promise.all(Array.from({ length: 50 }, () => resolver.resolve('Same.example.')));
    expect(dns.questions.length).toBe(2);
  });

  test('keeps an answer for its TTL, at most five seconds', async () => {
    let time = 0;
    const { dns, resolver } = await setUp(() => ({ a: ['8.8.8.8'], ttl: 3_600 }), {
      now: () => time,
    });
    await resolver.resolve('kept.example');
    time = 4_999;
    await resolver.resolve('kept.example');
    expect(dns.questions.length).toBe(2);
    time = 5_001;
    await resolver.resolve('kept.example');
    expect(dns.questions.length).toBe(4);
  });

  test('keeps nothing with a TTL of zero: a rebinding name is judged anew each time', async () => {
    let round = 0;
    const { resolver } = await setUp((_, type) => {
      if (type === 'AAAA') return {};
      return { a: [round++ % 2 === 0 ? '8.8.8.8' : '127.0.0.1'], ttl: 0 };
    });
    const seen: unknown[] = [];
    for (let i = 0; i < 4; i++) seen.push(await resolver.resolve('rebind.example'));
    expect(seen.map((resolution) => (resolution as { addresses: string[] }).addresses[0])).toEqual([
      '8.8.8.8',
      '127.0.0.1',
      '8.8.8.8',
      '127.0.0.1',
    ]);
  });
});

describe('names that need no DNS', () => {
  test.each(['localhost', 'LOCALHOST.', 'app.localhost'])('%s is this machine', async (name) => {
    const { dns, resolver } = await setUp(() => ({ a: ['8.8.8.8'] }));
    expect(await resolver.resolve(name)).toMatchObject({ addresses: ['127.0.0.1', '::1'] });
    expect(dns.questions).toEqual([]);
  });

  test('the hosts file comes first', async () => {
    const hostsPath = await hostsFile(
      '# c\n10.0.0.5\tApp app.internal # x\nfd00::5 app\nnonsense app\n',
    );
    const { dns, resolver } = await setUp(() => ({ a: ['8.8.8.8'] }), { hostsPath });
    expect(await resolver.resolve('app')).toMatchObject({ addresses: ['10.0.0.5', 'fd00::5'] });
    expect(await resolver.resolve('APP.internal')).toMatchObject({ addresses: ['10.0.0.5'] });
    expect(dns.questions).toEqual([]);
    expect(await resolver.resolve('other')).toMatchObject({ addresses: ['8.8.8.8'] });
  });

  test('the hosts file is read again when it changed', async () => {
    let time = 0;
    const hostsPath = await hostsFile('10.0.0.5 app\n');
    const { resolver } = await setUp(() => ({ a: ['8.8.8.8'] }), { hostsPath, now: () => time });
    expect(await resolver.resolve('app')).toMatchObject({ addresses: ['10.0.0.5'] });
    await writeFile(hostsPath, '10.0.0.6 app\n');
    await utimes(hostsPath, 1, 1);
    time = 4_999;
    expect(await resolver.resolve('app')).toMatchObject({ addresses: ['10.0.0.5'] });
    time = 5_000;
    expect(await resolver.resolve('app')).toMatchObject({ addresses: ['10.0.0.6'] });
  });
});
