import { createHash } from 'node:crypto';
import { generateSecret, headerProblem, importKey, SignatureError } from '@posthorn/wire';
import { AppError } from '../core/errors.ts';
import type {
  ApiKey,
  Endpoint,
  EndpointId,
  Header,
  KeyId,
  KeyScope,
  Ms,
  SecretKey,
  Tenant,
  TenantId,
} from '../core/model.ts';
import type { ConfigChange, ConfigItem, ConfigKind, ConfigStore } from '../store/store.ts';
import { StoreError } from '../store/store.ts';

/**
 * The verbs that write configuration. Each is one read-modify-write with the version it read; a
 * writer that lost the race reads again, three times at most. What is checked here holds for every
 * caller: HTTP, an embedding program, a command.
 */

export const DEFAULT_TENANT: TenantId = 'default';
/** The key that the environment sets; its text may change from start to start, its id does not. */
const ENVIRONMENT_KEY: KeyId = 'key_environment';

const TRIES = 3;
const URL_BYTES_MAX = 2048;
const ANCESTORS_MAX = 16;
const TENANT_KEYS_MAX = 1000;
const SECRETS_MAX = 8;

export interface RegistryOptions {
  readonly store: ConfigStore;
  readonly ids: { endpoint(now: Ms): EndpointId; key(now: Ms): KeyId };
  readonly now: () => Ms;
  readonly random: (count: number) => Uint8Array;
  /** Why an address may not be called; undefined = it may. The reason is not shown (A17). */
  readonly judgeUrl: (url: URL) => string | undefined;
  /** Awaited after each write, so that who wrote something meets it in the next request. */
  readonly refresh: () => Promise<void>;
}

/** A value with the version of the change that wrote it. */
export interface Versioned<T> {
  readonly value: T;
  readonly version: number;
}

export type TenantInput = Pick<Tenant, 'name' | 'parent' | 'defaults' | 'metadata'>;

/** What people may set on an endpoint. */
export type EndpointSettings = Pick<
  Endpoint,
  | 'name'
  | 'description'
  | 'url'
  | 'method'
  | 'headers'
  | 'eventTypes'
  | 'channels'
  | 'scope'
  | 'dialect'
  | 'enabled'
  | 'rateLimit'
  | 'maxConcurrency'
  | 'ordering'
  | 'timeoutMs'
  | 'retryPolicy'
  | 'metadata'
>;
export type EndpointPatch = Partial<EndpointSettings>;

export interface EndpointAddress {
  readonly tenant: TenantId;
  readonly id: EndpointId;
  /** The version the caller saw; undefined = whatever is there. */
  readonly version?: number | undefined;
}

export interface KeyInput {
  readonly name: string;
  /** null goes with the scope `admin`, and only with it. */
  readonly tenant: TenantId | null;
  readonly scopes: readonly KeyScope[];
  readonly expiresAt: Ms | null;
}

/** What a write finds and what it leaves. `next` null deletes; it is asked again after a lost race. */
interface Write<T> {
  readonly kind: ConfigKind;
  readonly id: string;
  readonly version: number | undefined;
  readonly next: (current: T | undefined) => { tenant: TenantId; value: T | null } | Promise<never>;
}

export class Registry {
  readonly #options: RegistryOptions;

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  /** The tenant `default` exists afterwards. */
  async ensureDefaults(): Promise<void> {
    const { store, now } = this.#options;
    if (await store.read('tenant', DEFAULT_TENANT)) return;
    const value = newTenant({ id: DEFAULT_TENANT, ...DEFAULT_TENANT_INPUT }, now());
    try {
      await this.#put([{ kind: 'tenant', id: value.id, tenant: value.id, value, expected: 0 }]);
    } catch (error) {
      // Another node made it at the same time: that is what was wanted.
      if (!isConflict(error)) throw error;
    }
  }

  /**
   * There is an admin key afterwards. `text` is the one the environment sets: it replaces what the
   * environment set before. Without it a key is made if there is none; then its text comes back.
   */
  async ensureAdminKey(text: string | undefined): Promise<string | undefined> {
    const { store, now } = this.#options;
    const id = ENVIRONMENT_KEY;
    if (text !== undefined) {
      const hash = hashKey(text);
      await this.#write<ApiKey>({
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
    if (stale?.value) await this.#putOnce([deletion(stale, stale.version)]);
    if (await this.#hasAdminKey()) return undefined;
    const input = { name: 'First admin key', tenant: null, scopes: ['admin' as const] };
    return (await this.createKey({ ...input, expiresAt: null })).text;
  }

  async #hasAdminKey(): Promise<boolean> {
    const { store, now } = this.#options;
    let after: string | undefined;
    do {
      const page = await store.list('key', { tenant: undefined, limit: 200, after });
      const keys = page.items.map((item) => item.value as ApiKey);
      if (keys.some((key) => key.tenant === null && (key.expiresAt ?? Infinity) > now()))
        return true;
      after = page.next;
    } while (after !== undefined);
    return false;
  }

  // ---- tenants -----------------------------------------------------------------------------------

  /** Creates or replaces. Rejects `invalid_request` for a parent that is missing or a descendant. */
  async putTenant(id: TenantId, input: TenantInput, version?: number): Promise<Versioned<Tenant>> {
    await this.#checkParent(id, input.parent);
    const { now } = this.#options;
    return this.#write<Tenant>({
      kind: 'tenant',
      id,
      version,
      next: (current) => ({ tenant: id, value: newTenant({ id, ...input }, now(), current) }),
    });
  }

  async #checkParent(id: TenantId, parent: TenantId | null): Promise<void> {
    let at = parent;
    for (let depth = 0; at !== null; depth++) {
      if (at === id) throw invalid('parent', 'a tenant cannot be its own ancestor');
      if (depth === ANCESTORS_MAX) throw invalid('parent', `more than ${ANCESTORS_MAX} ancestors`);
      const item = await this.#options.store.read('tenant', at);
      if (!item?.value) throw invalid('parent', `there is no tenant ${at}`);
      at = (item.value as Tenant).parent;
    }
  }

  /** Its keys go with it. Rejects `conflict` while it has endpoints or children. */
  async deleteTenant(id: TenantId): Promise<void> {
    const { store } = this.#options;
    const item = await this.#read<Tenant>('tenant', id);
    if (id === DEFAULT_TENANT) throw new AppError('conflict', 'The tenant default always exists.');
    const endpoints = await store.list('endpoint', { tenant: id, limit: 1, after: undefined });
    if (endpoints.items.length > 0) {
      throw new AppError('conflict', 'The tenant still has endpoints: delete them first.');
    }
    if (await this.#hasChildren(id)) {
      throw new AppError('conflict', 'The tenant still has children: delete or move them first.');
    }
    const keys = await store.list('key', { tenant: id, limit: TENANT_KEYS_MAX, after: undefined });
    if (keys.next !== undefined) {
      const message = `The tenant has more than ${TENANT_KEYS_MAX} keys: delete some first.`;
      throw new AppError('conflict', message);
    }
    const changes = keys.items.map((key) => deletion(key, undefined));
    await this.#putOnce([deletion(item, item.version), ...changes]);
  }

  async #hasChildren(id: TenantId): Promise<boolean> {
    let after: string | undefined;
    do {
      const query = { tenant: undefined, limit: 200, after };
      const page = await this.#options.store.list('tenant', query);
      if (page.items.some((item) => (item.value as Tenant).parent === id)) return true;
      after = page.next;
    } while (after !== undefined);
    return false;
  }

  // ---- endpoints ---------------------------------------------------------------------------------

  /** `secret` undefined = one is made. Rejects `not_found` when there is no such tenant. */
  async createEndpoint(
    tenant: TenantId,
    settings: EndpointSettings,
    secret?: string,
  ): Promise<Versioned<Endpoint>> {
    const { ids, now } = this.#options;
    await this.#read('tenant', tenant);
    const at = now();
    const value: Endpoint = {
      ...settings,
      ...this.#checked(settings),
      id: ids.endpoint(at),
      number: 0,
      tenant,
      secrets: [{ value: this.#secret(secret), expiresAt: null }],
      paused: false,
      disabled: null,
      createdAt: at,
      updatedAt: at,
    };
    const change = { kind: 'endpoint', id: value.id, tenant, value, expected: 0 } as const;
    return this.#putOnce([change]) as Promise<Versioned<Endpoint>>;
  }

  /** `patch` is asked for the fields to replace, again if another writer was faster. */
  updateEndpoint(
    address: EndpointAddress,
    patch: (current: Endpoint) => EndpointPatch,
  ): Promise<Versioned<Endpoint>> {
    return this.#changeEndpoint(address, (current) => {
      const changes = patch(current);
      const next = { ...current, ...changes };
      // An address that was allowed once is judged again only when it changes: pausing must work.
      const sameUrl = next.url === current.url;
      return { ...next, ...this.#checked(next, sameUrl) };
    });
  }

  pauseEndpoint(address: EndpointAddress): Promise<Versioned<Endpoint>> {
    return this.#changeEndpoint(address, (current) => ({ ...current, paused: true }));
  }

  /** Clears what a person and what we ourselves did: paused and disabled. */
  resumeEndpoint(address: EndpointAddress): Promise<Versioned<Endpoint>> {
    return this.#changeEndpoint(address, (current) => ({
      ...current,
      paused: false,
      disabled: null,
    }));
  }

  /** The secret so far signs on beside the new one for `overlapMs`. */
  rotateSecret(
    address: EndpointAddress,
    rotation: { readonly secret: string | undefined; readonly overlapMs: Ms },
  ): Promise<Versioned<Endpoint>> {
    const value = this.#secret(rotation.secret);
    return this.#changeEndpoint(address, (current) => {
      const at = this.#options.now();
      const old = current.secrets
        .filter((key) => key.value !== value)
        .map((key) => ({ ...key, expiresAt: key.expiresAt ?? at + rotation.overlapMs }))
        .filter((key) => key.expiresAt > at);
      const secrets: SecretKey[] = [{ value, expiresAt: null }, ...old].slice(0, SECRETS_MAX);
      return { ...current, secrets };
    });
  }

  async deleteEndpoint(address: EndpointAddress): Promise<void> {
    await this.#write<Endpoint>({
      kind: 'endpoint',
      id: address.id,
      version: address.version,
      next: (current) => {
        if (current?.tenant !== address.tenant) throw notFound('endpoint');
        return { tenant: address.tenant, value: null };
      },
    });
  }

  #changeEndpoint(
    { tenant, id, version }: EndpointAddress,
    change: (current: Endpoint) => Endpoint,
  ): Promise<Versioned<Endpoint>> {
    return this.#write<Endpoint>({
      kind: 'endpoint',
      id,
      version,
      next: (current) => {
        if (current?.tenant !== tenant) throw notFound('endpoint');
        return { tenant, value: { ...change(current), updatedAt: this.#options.now() } };
      },
    });
  }

  /** The fields that are kept in another form than given. Throws `invalid_request`, `url_refused`. */
  #checked(settings: EndpointSettings, sameUrl = false): Pick<Endpoint, 'url'> {
    settings.headers.forEach(checkHeader);
    if (settings.scope === 'all' && settings.ordering !== 'none') {
      throw invalid('ordering', 'an endpoint of all tenants cannot be ordered');
    }
    return { url: sameUrl ? settings.url : this.#checkUrl(settings.url) };
  }

  #checkUrl(text: string): string {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
      throw invalid('url', 'is not an http or https URL such as https://example.com/hooks');
    }
    if (url.username !== '' || url.password !== '') {
      throw invalid('url', 'holds a user name or password: send it in a header instead');
    }
    if (text.includes('#')) throw invalid('url', 'holds a fragment (#…), which is never sent');
    // What is stored is what was judged: the parsed form, names in ASCII.
    if (url.href.length > URL_BYTES_MAX) throw invalid('url', `exceeds ${URL_BYTES_MAX} bytes`);
    if (this.#options.judgeUrl(url) === undefined) return url.href;
    const message = 'This address may not be called. Ask the operator to allow it.';
    throw new AppError('url_refused', message, { details: { field: 'url' } });
  }

  #secret(given: string | undefined): string {
    if (given === undefined) return generateSecret('whsec', this.#options.random);
    try {
      importKey(given);
    } catch (error) {
      if (error instanceof SignatureError) throw invalid('secret', error.message);
      throw error;
    }
    return given;
  }

  // ---- keys --------------------------------------------------------------------------------------

  /** `text` is shown once; only its hash is kept. */
  async createKey(input: KeyInput): Promise<Versioned<ApiKey> & { readonly text: string }> {
    const { ids, now, random } = this.#options;
    if (input.tenant !== null) await this.#checkKeyTenant(input.tenant);
    const at = now();
    if (input.expiresAt !== null && input.expiresAt <= at) {
      throw invalid('expiresAt', 'lies in the past');
    }
    const text = newKeyText(random);
    const value: ApiKey = {
      id: ids.key(at),
      ...input,
      hash: hashKey(text),
      hint: text.slice(0, 8),
      createdAt: at,
    };
    const tenant = input.tenant ?? '';
    const written = await this.#putOnce([
      { kind: 'key', id: value.id, tenant, value, expected: 0 },
    ]);
    return { value, version: written.version, text };
  }

  async #checkKeyTenant(tenant: TenantId): Promise<void> {
    const item = await this.#options.store.read('tenant', tenant);
    if (!item?.value) throw invalid('tenant', `there is no tenant ${tenant}`);
  }

  async deleteKey(id: KeyId): Promise<void> {
    const item = await this.#read<ApiKey>('key', id);
    await this.#putOnce([deletion(item, undefined)]);
  }

  // ---- writing -----------------------------------------------------------------------------------

  async #read<T>(kind: ConfigKind, id: string): Promise<ConfigItem & { readonly value: T }> {
    const item = await this.#options.store.read(kind, id);
    if (!item?.value) throw notFound(kind);
    return item as ConfigItem & { readonly value: T };
  }

  async #write<T>(write: Write<T>): Promise<Versioned<T>> {
    const { kind, id } = write;
    for (let tries = 1; ; tries++) {
      const item = await this.#options.store.read(kind, id);
      const found = item?.value ? item.version : 0;
      if (write.version !== undefined && write.version !== found) throw conflict(kind);
      const current = (item?.value ?? undefined) as T | undefined;
      const { tenant, value } = await write.next(current);
      if (value === current) return { value: value as T, version: found };
      try {
        return (await this.#put([{ kind, id, tenant, value, expected: found }])) as Versioned<T>;
      } catch (error) {
        if (!isConflict(error)) throw error;
        if (tries === TRIES || write.version !== undefined) throw conflict(kind, error);
      }
    }
  }

  /** A write that reading again would not help. */
  async #putOnce(changes: readonly ConfigChange[]): Promise<Versioned<unknown>> {
    try {
      return await this.#put(changes);
    } catch (error) {
      if (isConflict(error)) throw conflict(changes[0]?.kind ?? 'tenant', error);
      throw error;
    }
  }

  async #put(changes: readonly ConfigChange[]): Promise<Versioned<unknown>> {
    const { store, now, refresh } = this.#options;
    const written = await store.put(changes, now());
    await refresh();
    const item = written.items[0];
    return { value: item?.value, version: item?.version ?? written.version };
  }
}

const DEFAULT_TENANT_INPUT: TenantInput = {
  name: 'Default',
  parent: null,
  defaults: { retryPolicy: null, timeoutMs: null, rateLimit: null, maxConcurrency: null },
  metadata: {},
};

type TenantFields = Omit<Tenant, 'createdAt' | 'updatedAt'>;

function newTenant(fields: TenantFields, now: Ms, before?: Tenant): Tenant {
  return { ...fields, createdAt: before?.createdAt ?? now, updatedAt: now };
}

function environmentKey(text: string, now: Ms): ApiKey {
  return {
    id: ENVIRONMENT_KEY,
    name: 'POSTHORN_ADMIN_KEY',
    tenant: null,
    scopes: ['admin'],
    hash: hashKey(text),
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

/** How a key is kept and looked up: lower-case hex SHA-256 of its text. */
export function hashKey(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function checkHeader(header: Header, index: number): void {
  const problem = headerProblem(header.name, header.value);
  if (problem !== undefined) throw invalid(`headers.${index}`, problem);
}

function deletion(item: ConfigItem, expected: number | undefined): ConfigChange {
  return { kind: item.kind, id: item.id, tenant: item.tenant, value: null, expected };
}

function isConflict(error: unknown): boolean {
  return error instanceof StoreError && error.kind === 'conflict';
}

function conflict(kind: ConfigKind, cause?: unknown): AppError {
  const message = `The ${kind} was changed meanwhile: read it again and repeat the change.`;
  return new AppError('conflict', message, { cause });
}

function notFound(kind: ConfigKind): AppError {
  return new AppError('not_found', `There is no such ${kind}.`);
}

function invalid(field: string, problem: string): AppError {
  return new AppError('invalid_request', `${field}: ${problem}.`, { details: { field } });
}
