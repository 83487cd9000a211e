import { createHash } from 'node:crypto';
import { sha256Hex } from '../../core/hash.ts';
import type { ApiKey, KeyId, KeyOnly, KeyScope, Ms, TenantId } from '../../core/model.ts';
import {
  type ConfigWriter,
  deletion,
  everyItem,
  invalid,
  type Versioned,
} from '../../store/config-writer.ts';
import type { ConfigStore } from '../../store/store.ts';

/** The key that the environment sets; its text may change from start to start, its id does not. */
const ENVIRONMENT_KEY: KeyId = 'key_environment';

export interface KeyInput {
  readonly name: string;
  /** null goes with the scope `admin`, and only with it. */
  readonly tenant: TenantId | null;
  readonly scopes: readonly KeyScope[];
  readonly expiresAt: Ms | null;
  /** Set = it is good for one inbox and nothing else. */
  readonly only?: KeyOnly | undefined;
}

export interface KeysOptions {
  readonly store: ConfigStore;
  readonly ids: { key(now: Ms): KeyId };
  readonly now: () => Ms;
  readonly random: (count: number) => Uint8Array;
}

export class Keys {
  readonly #options: KeysOptions;
  readonly #writer: ConfigWriter;

  constructor(options: KeysOptions, writer: ConfigWriter) {
    this.#options = options;
    this.#writer = writer;
  }

  /**
   * There is an admin key afterwards. `text` is the one the environment sets: it replaces what the
   * environment set before. Without it a key is made if there is none; then its text comes back.
   */
  async ensureAdmin(text: string | undefined): Promise<string | undefined> {
    const { store, now } = this.#options;
    const id = ENVIRONMENT_KEY;
    if (text !== undefined) {
      const hash = sha256Hex(text);
      await this.#writer.write<ApiKey>({
        kind: 'key',
        id,
        version: undefined,
        next: (key) => ({
          tenant: '',
          value: key?.hash === hash ? key : environmentKey(text, now()),
        }),
      });
      return undefined;
    }
    const stale = await store.read('key', id);
    if (stale?.value) await this.#writer.putOnce([deletion(stale, stale.version)]);
    if (await this.#hasAdmin()) return undefined;
    const input = { name: 'First admin key', tenant: null, scopes: ['admin' as const] };
    return (await this.create({ ...input, expiresAt: null })).text;
  }

  async #hasAdmin(): Promise<boolean> {
    const { store, now } = this.#options;
    for await (const item of everyItem(store, 'key', undefined)) {
      const { tenant, expiresAt } = item.value as ApiKey;
      if (tenant === null && (expiresAt ?? Infinity) > now()) return true;
    }
    return false;
  }

  /** `text` is shown once; only its hash is kept. */
  async create(input: KeyInput): Promise<Versioned<ApiKey> & { readonly text: string }> {
    const { ids, now, random } = this.#options;
    if (input.tenant !== null) await this.#checkTenant(input.tenant);
    const at = now();
    if (input.expiresAt !== null && input.expiresAt <= at) {
      throw invalid('expiresAt', 'lies in the past');
    }
    const text = newKeyText(random);
    const value: ApiKey = {
      id: ids.key(at),
      ...input,
      hash: sha256Hex(text),
      hint: text.slice(0, 8),
      createdAt: at,
    };
    const tenant = input.tenant ?? '';
    const written = await this.#writer.putOnce([
      { kind: 'key', id: value.id, tenant, value, expected: 0 },
    ]);
    return { value, version: written.version, text };
  }

  async #checkTenant(tenant: TenantId): Promise<void> {
    const item = await this.#options.store.read('tenant', tenant);
    if (!item?.value) throw invalid('tenant', `there is no tenant ${tenant}`);
  }

  async delete(id: KeyId): Promise<void> {
    const item = await this.#writer.read<ApiKey>('key', id);
    await this.#writer.putOnce([deletion(item, undefined)]);
  }
}

function environmentKey(text: string, now: Ms): ApiKey {
  return {
    id: ENVIRONMENT_KEY,
    name: 'POSTHORN_ADMIN_KEY',
    tenant: null,
    scopes: ['admin'],
    hash: sha256Hex(text),
    // Nothing of it is shown: unlike ours, its first characters may be most of its entropy.
    hint: '',
    createdAt: now,
    expiresAt: null,
  };
}

/** `phk_`, 256 random bits, and six characters that let a scanner tell a key from a look-alike. */
function newKeyText(random: (count: number) => Uint8Array): string {
  const body = `phk_${Buffer.from(random(32)).toString('base64url')}`;
  return body + createHash('sha256').update(body).digest('base64url').slice(0, 6);
}
