import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { sha256Hex } from '../../core/hash.ts';
import { createIdFactory } from '../../core/ids.ts';
import type { Endpoint } from '../../core/model.ts';
import { ENDPOINT_DEFAULTS, INHERITED } from '../../core/stored.ts';
import { createMemoryStore } from '../../store/memory.ts';
import type { ConfigItem, ConfigStore } from '../../store/store.ts';
import { telling } from '../offering.ts';
import type { EndpointSettings } from './endpoints.ts';
import { Registry } from './registry.ts';

const SETTINGS: EndpointSettings = {
  ...ENDPOINT_DEFAULTS,
  name: '',
  description: '',
  url: 'https://example.com',
  method: 'POST',
  headers: [],
  eventTypes: [],
  channels: [],
  scope: 'tenant',
  dialect: 'standard',
  enabled: true,
  rateLimit: null,
  maxConcurrency: null,
  ordering: 'none',
  timeoutMs: null,
  retryPolicy: null,
  metadata: {},
};

async function setUp(judge: (url: URL) => string | undefined = () => undefined) {
  const ids = createIdFactory(randomBytes);
  const { config } = createMemoryStore();
  /** Runs between a verb's read and its write. */
  const between = { do: async (_item: ConfigItem): Promise<void> => {} };
  const store: ConfigStore = {
    ...telling(config, () => {}),
    read: async (kind, id) => {
      const item = await config.read(kind, id);
      if (item) await between.do(item);
      return item;
    },
  };
  let refreshed = 0;
  const registry = new Registry({
    store,
    ids,
    now: () => 1000,
    random: randomBytes,
    judgeUrl: judge,
    schemaRefusal: async () => undefined,
    tell: () => [],
    isPurged: async () => false,
    refresh: async () => void refreshed++,
  });
  await registry.tenants.ensureDefault();
  return { config, registry, between, refreshed: () => refreshed };
}

/** Another writer, who touches the endpoint. */
async function touch(config: ConfigStore, item: ConfigItem): Promise<void> {
  const { kind, id, tenant, value } = item;
  await config.put([{ kind, id, tenant, value, expected: undefined }], 1);
}

test('a lost race is read again, and both changes stay', async () => {
  const { config, registry, between } = await setUp();
  const { value } = await registry.endpoints.create('default', SETTINGS);
  let races = 0;
  between.do = async (item) => {
    if (item.kind !== 'endpoint' || races++ > 0) return;
    const changed = { ...item, value: { ...(item.value as Endpoint), name: 'theirs' } };
    await touch(config, changed);
  };
  const address = { tenant: 'default', id: value.id };
  const updated = await registry.endpoints.update(address, () => ({ description: 'mine' }));
  expect(updated.value).toMatchObject({ name: 'theirs', description: 'mine' });
});

test('three lost races are a conflict', async () => {
  const { config, registry, between } = await setUp();
  const { value } = await registry.endpoints.create('default', SETTINGS);
  let reads = 0;
  between.do = async (item) => {
    reads++;
    await touch(config, item);
  };
  const address = { tenant: 'default', id: value.id };
  await expect(registry.endpoints.pause(address)).rejects.toMatchObject({ code: 'conflict' });
  expect(reads).toBe(3);
});

test('a given version is not tried twice', async () => {
  const { config, registry, between } = await setUp();
  const { value, version } = await registry.endpoints.create('default', SETTINGS);
  between.do = (item) => touch(config, item);
  const address = { tenant: 'default', id: value.id, version };
  await expect(registry.endpoints.pause(address)).rejects.toMatchObject({ code: 'conflict' });
});

test('every write is visible before the verb resolves', async () => {
  const { registry, refreshed } = await setUp();
  const before = refreshed();
  await registry.endpoints.create('default', SETTINGS);
  expect(refreshed()).toBe(before + 1);
});

test('the default tenant is made once', async () => {
  const { config, registry } = await setUp();
  const first = await config.read('tenant', 'default');
  await registry.tenants.ensureDefault();
  expect(await config.read('tenant', 'default')).toEqual(first);
});

test('an endpoint that was allowed can be paused after the rules changed, but not moved', async () => {
  const rules = { refuse: false };
  const { registry } = await setUp(() => (rules.refuse ? 'private' : undefined));
  const { value } = await registry.endpoints.create('default', SETTINGS);
  rules.refuse = true;
  const address = { tenant: 'default', id: value.id };
  expect((await registry.endpoints.pause(address)).value.paused).toBe(true);
  const moved = registry.endpoints.update(address, () => ({ url: 'https://example.org' }));
  await expect(moved).rejects.toMatchObject({ code: 'url_refused' });
});

test('a refused address says no more than that', async () => {
  const { registry } = await setUp((url) => `${url.hostname} is 10.0.0.1`);
  const created = registry.endpoints.create('default', SETTINGS);
  await expect(created).rejects.toMatchObject({
    message: 'This address may not be called. Ask the operator to allow it.',
  });
});

test('addresses are kept in the parsed form that was judged', async () => {
  const { registry } = await setUp();
  const { value } = await registry.endpoints.create('default', {
    ...SETTINGS,
    url: 'HTTPS://bücher.example:443/a b',
  });
  expect(value.url).toBe('https://xn--bcher-kva.example/a%20b');
});

test('rotating keeps at most eight secrets, and the same secret once', async () => {
  const { registry } = await setUp();
  const { value } = await registry.endpoints.create('default', SETTINGS);
  const address = { tenant: 'default', id: value.id };
  const first = value.secrets[0]?.value;
  for (let i = 0; i < 10; i++) {
    await registry.endpoints.rotateSecret(address, { secret: undefined, overlapMs: 1000 });
  }
  const back = await registry.endpoints.rotateSecret(address, { secret: first, overlapMs: 1000 });
  expect(back.value.secrets).toHaveLength(8);
  expect(back.value.secrets[0]).toEqual({ value: first, expiresAt: null });
  const gone = await registry.endpoints.rotateSecret(address, { secret: undefined, overlapMs: 0 });
  expect(gone.value.secrets.some((key) => key.value === first)).toBe(false);
});

test('the first admin key is made once', async () => {
  const { registry } = await setUp();
  expect(await registry.keys.ensureAdmin(undefined)).toMatch(/^phk_/);
  expect(await registry.keys.ensureAdmin(undefined)).toBeUndefined();
});

test('the key of the environment follows the environment', async () => {
  const { config, registry } = await setUp();
  const hash = async () =>
    ((await config.read('key', 'key_environment'))?.value as { hash: string } | undefined)?.hash;
  await registry.keys.ensureAdmin('a'.repeat(32));
  expect(await hash()).toBe(sha256Hex('a'.repeat(32)));
  const { version } = await config.changes(0, 100);
  await registry.keys.ensureAdmin('a'.repeat(32));
  expect((await config.changes(0, 100)).version).toBe(version);
  await registry.keys.ensureAdmin('b'.repeat(32));
  expect(await hash()).toBe(sha256Hex('b'.repeat(32)));
  expect(await registry.keys.ensureAdmin(undefined)).toMatch(/^phk_/);
  expect(await hash()).toBeUndefined();
});

test("a deleted tenant's keys go with it", async () => {
  const { config, registry } = await setUp();
  const input = {
    alias: null,
    name: '',
    parent: null,
    defaults: INHERITED,
    portal: null,
    metadata: {},
  };
  await registry.tenants.put('a', input);
  const key = { name: '', tenant: 'a', scopes: ['read' as const], expiresAt: null };
  const { value } = await registry.keys.create(key);
  await registry.tenants.delete('a');
  expect(await config.read('key', value.id)).toBeUndefined();
});

test('an expiry in the past is refused', async () => {
  const { registry } = await setUp();
  const key = { name: '', tenant: 'default', scopes: ['read' as const], expiresAt: 1000 };
  await expect(registry.keys.create(key)).rejects.toMatchObject({ code: 'invalid_request' });
});
