import { type Filter, FilterError, parseFilter } from '@posthorn/wire';
import { AppError } from '../../core/errors.ts';
import type { Endpoint, EndpointId, Ms, SecretKey, Tenant, TenantId } from '../../core/model.ts';
import { spansTenants } from '../../core/routing.ts';
import { type ConfigWriter, invalid, notFound, type Versioned } from '../../store/config-writer.ts';
import type { NewEvent } from '../../store/store.ts';
import { checkFormat, overlaps, readLine, secretFor } from './format.ts';

const URL_BYTES_MAX = 2048;
const SECRETS_MAX = 8;

/** What people may set on an endpoint. */
export type EndpointSettings = Pick<
  Endpoint,
  | 'alias'
  | 'name'
  | 'description'
  | 'url'
  | 'method'
  | 'contentType'
  | 'headers'
  | 'eventTypes'
  | 'channels'
  | 'filter'
  | 'scope'
  | 'dialect'
  | 'fields'
  | 'actorFields'
  | 'custom'
  | 'standardHeaders'
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

export interface EndpointsOptions {
  readonly ids: { endpoint(now: Ms): EndpointId };
  readonly now: () => Ms;
  readonly random: (count: number) => Uint8Array;
  /** Why an address may not be called; undefined = it may. The reason is not shown (A17). */
  readonly judgeUrl: (url: URL) => string | undefined;
  /** The events that tell of a change; undefined = it did not exist, or does not any more. */
  readonly tell: (
    before: Endpoint | undefined,
    after: Endpoint | undefined,
    now: Ms,
  ) => readonly NewEvent[];
}

export class Endpoints {
  readonly #options: EndpointsOptions;
  readonly #writer: ConfigWriter;

  constructor(options: EndpointsOptions, writer: ConfigWriter) {
    this.#options = options;
    this.#writer = writer;
  }

  /** `secret` undefined = one is made. Rejects `not_found` when there is no such tenant. */
  async create(
    tenant: TenantId,
    settings: EndpointSettings,
    secret?: string,
  ): Promise<Versioned<Endpoint>> {
    return this.#add(await this.draft(tenant, settings, secret));
  }

  /** An endpoint as `create` would make it, checked like one and not stored. */
  async draft(tenant: TenantId, settings: EndpointSettings, secret?: string): Promise<Endpoint> {
    const line = await readLine(this.#writer, tenant);
    return this.made({ tenant, settings, secret, line });
  }

  /** `line`: the tenant and its parents. Throws what `create` rejects with. */
  made(of: {
    readonly tenant: TenantId;
    readonly settings: EndpointSettings;
    readonly secret: string | undefined;
    readonly line: readonly Tenant[];
  }): Endpoint {
    const { ids, now, random } = this.#options;
    const { tenant, settings, secret, line } = of;
    const at = now();
    const secrets = [{ value: secret ?? secretFor(settings, line, random), expiresAt: null }];
    return {
      ...settings,
      ...this.#checked({ ...settings, secrets }, line),
      id: ids.endpoint(at),
      grant: null,
      number: 0,
      tenant,
      secrets,
      paused: false,
      disabled: null,
      createdAt: at,
      updatedAt: at,
    };
  }

  /** The same settings with a secret of its own; not enabled unless `changes` says so. */
  async duplicate(
    { tenant, id }: EndpointAddress,
    changes: (original: Endpoint) => EndpointPatch,
    secret?: string,
  ): Promise<Versioned<Endpoint>> {
    const { value } = await this.#writer.read<Endpoint>('endpoint', id);
    if (value.tenant !== tenant) throw notFound('endpoint');
    const name = value.name === '' ? '' : copyName(value.name);
    // The alias is an id, and an id is one endpoint's.
    const own = { alias: null, name, enabled: false };
    const settings = { ...settingsOf(value), ...own, ...changes(value) };
    return this.#add(await this.draft(tenant, settings, secret));
  }

  #add(value: Endpoint): Promise<Versioned<Endpoint>> {
    const { id, tenant, createdAt } = value;
    const change = { kind: 'endpoint', id, tenant, value, expected: 0 } as const;
    const events = this.#options.tell(undefined, value, createdAt);
    return this.#writer.putOnce([change], events) as Promise<Versioned<Endpoint>>;
  }

  /** `patch` is asked for the fields to replace, again if another writer was faster. */
  async update(
    address: EndpointAddress,
    patch: (current: Endpoint) => EndpointPatch,
  ): Promise<Versioned<Endpoint>> {
    const line = await readLine(this.#writer, address.tenant);
    return this.#change(address, (current) => {
      refuseGranted(current);
      return this.changed(current, patch(current), line);
    });
  }

  /** An endpoint with other settings, checked and not stored. `line`: its tenant and its parents. */
  changed(current: Endpoint, patch: EndpointPatch, line: readonly Tenant[]): Endpoint {
    const next = { ...current, ...patch };
    // An address that was allowed once is judged again only when it changes: pausing must work.
    const sameUrl = next.url === current.url;
    return { ...next, ...this.#checked(next, line, sameUrl) };
  }

  pause(address: EndpointAddress): Promise<Versioned<Endpoint>> {
    return this.#change(address, (current) => ({ ...current, paused: true }));
  }

  /** Clears what a person and what we ourselves did: paused and disabled. */
  resume(address: EndpointAddress): Promise<Versioned<Endpoint>> {
    return this.#change(address, (current) => ({
      ...current,
      paused: false,
      disabled: null,
    }));
  }

  /**
   * The secret so far signs on beside the new one for `overlapMs`, if the format has room for two.
   */
  async rotateSecret(
    address: EndpointAddress,
    rotation: { readonly secret: string | undefined; readonly overlapMs: Ms },
  ): Promise<Versioned<Endpoint>> {
    const line = await readLine(this.#writer, address.tenant);
    return this.#change(address, (current) => {
      refuseGranted(current);
      return this.rotated(current, rotation, line);
    });
  }

  /** An endpoint with another secret, checked and not stored. */
  rotated(
    current: Endpoint,
    rotation: { readonly secret: string | undefined; readonly overlapMs: Ms },
    line: readonly Tenant[],
  ): Endpoint {
    const { now, random } = this.#options;
    const at = now();
    const value = rotation.secret ?? secretFor(current, line, random);
    const overlapMs = overlaps(current, line) ? rotation.overlapMs : 0;
    const old = current.secrets
      .filter((key) => key.value !== value)
      .map((key) => ({ ...key, expiresAt: key.expiresAt ?? at + overlapMs }))
      .filter((key) => key.expiresAt > at);
    const secrets: SecretKey[] = [{ value, expiresAt: null }, ...old].slice(0, SECRETS_MAX);
    checkFormat({ ...current, secrets }, line);
    return { ...current, secrets };
  }

  async delete(address: EndpointAddress): Promise<void> {
    await this.#writer.write<Endpoint>({
      kind: 'endpoint',
      id: address.id,
      version: address.version,
      next: (current) => {
        if (current?.tenant !== address.tenant) throw notFound('endpoint');
        refuseGranted(current);
        return { tenant: address.tenant, value: null };
      },
      tell: (before, after) => this.#tell(before, after),
    });
  }

  #change(
    { tenant, id, version }: EndpointAddress,
    change: (current: Endpoint) => Endpoint,
  ): Promise<Versioned<Endpoint>> {
    return this.#writer.write<Endpoint>({
      kind: 'endpoint',
      id,
      version,
      next: (current) => {
        if (current?.tenant !== tenant) throw notFound('endpoint');
        return { tenant, value: { ...change(current), updatedAt: this.#options.now() } };
      },
      tell: (before, after) => this.#tell(before, after),
    });
  }

  #tell(before: Endpoint | undefined, after: Endpoint | null): readonly NewEvent[] {
    const { tell, now } = this.#options;
    return tell(before, after ?? undefined, now());
  }

  /** The fields that are kept in another form than given. Throws `invalid_request`, `url_refused`. */
  #checked(
    settings: EndpointSettings & Pick<Endpoint, 'secrets'>,
    line: readonly Tenant[],
    sameUrl = false,
  ): Pick<Endpoint, 'url' | 'filter'> {
    checkFormat(settings, line);
    if (spansTenants(settings) && settings.ordering !== 'none') {
      throw invalid('ordering', 'an endpoint of more than one tenant cannot be ordered');
    }
    return {
      url: sameUrl ? settings.url : this.checkUrl(settings.url),
      filter: settings.filter && checkedFilter(settings.filter),
    };
  }

  /** The address as it is kept. Throws `invalid_request`, `url_refused`. */
  checkUrl(text: string, field = 'url'): string {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
      throw invalid(field, 'is not an http or https URL such as https://example.com/hooks');
    }
    if (url.username !== '' || url.password !== '') {
      throw invalid(field, 'holds a user name or password: send it in a header instead');
    }
    if (text.includes('#')) throw invalid(field, 'holds a fragment (#…), which is never sent');
    // What is stored is what was judged: the parsed form, names in ASCII.
    if (url.href.length > URL_BYTES_MAX) throw invalid(field, `exceeds ${URL_BYTES_MAX} bytes`);
    if (this.#options.judgeUrl(url) === undefined) return url.href;
    const message = 'This address may not be called. Ask the operator to allow it.';
    throw new AppError('url_refused', message, { details: { field } });
  }
}

/** Throws `conflict`: whoever consented to it must find it as it was consented to. */
export function refuseGranted({ grant }: Endpoint): void {
  if (grant === null) return;
  const message = `This endpoint is what an app was granted (${grant}): change the app, or revoke the grant.`;
  throw new AppError('conflict', message);
}

function checkedFilter(filter: Filter): Filter {
  try {
    return parseFilter(filter);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    throw invalid(error.path === '' ? 'filter' : `filter.${error.path}`, error.message);
  }
}

const NAME_CHARS_MAX = 200;

function copyName(name: string): string {
  const ending = ' (copy)';
  return name.slice(0, NAME_CHARS_MAX - ending.length) + ending;
}

/** What people set on it, without what it is and what became of it. */
export function settingsOf(endpoint: Endpoint): EndpointSettings {
  const {
    id: _id,
    number: _number,
    tenant: _tenant,
    secrets: _secrets,
    grant: _grant,
    paused: _paused,
    disabled: _disabled,
    createdAt: _createdAt,
    updatedAt: _updatedAt,
    ...settings
  } = endpoint;
  return settings;
}

/** The secret that signs from now on. */
export function currentSecret(endpoint: Pick<Endpoint, 'secrets'>): string {
  return endpoint.secrets.find((key) => key.expiresAt === null)?.value ?? '';
}
