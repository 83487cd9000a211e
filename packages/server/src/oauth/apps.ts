import { dialects, makeSecret } from '@posthorn/wire';
import { AppError } from '../core/errors.ts';
import { sha256Hex } from '../core/hash.ts';
import type { Endpoint, Ms, TenantId } from '../core/model.ts';
import type { Actor, App, AppId, AuditAction, Grant } from '../core/oauth.ts';
import { redirectUriProblem } from '../core/redirect-uri.ts';
import { type ConfigWriter, invalid, notFound, type Versioned } from '../store/config-writer.ts';
import type { GrantIndex } from '../store/grant-index.ts';
import type { ConfigChange, ConfigItem, ConfigStore, NewEvent } from '../store/store.ts';
import type { Audit } from './audit.ts';
import { endpointDeletion, grantDeletions, settingsFor } from './grant-parts.ts';
import type { EndpointRules } from './ports.ts';

/** Of one app that is changed or deleted with its grants in one transaction. */
const GRANTS_MAX = 4000;
const APPS_MAX = 200;

export type AppSettings = Pick<
  App,
  'name' | 'website' | 'logo' | 'redirectUris' | 'webhookUrl' | 'dialect' | 'scope' | 'public'
>;

export interface AppAddress {
  readonly tenant: TenantId;
  readonly id: AppId;
  readonly version?: number | undefined;
}

export interface AppsOptions {
  readonly store: ConfigStore;
  readonly ids: { app(now: Ms): AppId };
  readonly now: () => Ms;
  readonly random: (count: number) => Uint8Array;
  readonly grants: Pick<GrantIndex, 'grantsOf'>;
  readonly rules: EndpointRules;
  readonly audit: Audit;
}

/** The verbs that make and change apps. What an app is, its grants' endpoints are in the same moment. */
export class Apps {
  readonly #options: AppsOptions;
  readonly #writer: ConfigWriter;

  constructor(options: AppsOptions, writer: ConfigWriter) {
    this.#options = options;
    this.#writer = writer;
  }

  async create(tenant: TenantId, settings: AppSettings, by: Actor): Promise<Versioned<App>> {
    const { ids, now, store } = this.#options;
    await this.#writer.read('tenant', tenant);
    const { next } = await store.list('app', { tenant, limit: APPS_MAX, after: undefined });
    if (next !== undefined) {
      throw new AppError('conflict', `The tenant has ${APPS_MAX} apps, which is its bound.`);
    }
    const at = now();
    const value: App = {
      ...settings,
      ...this.#checked(settings),
      id: ids.app(at),
      tenant,
      clientSecret: null,
      signingSecret: this.#signingSecret(settings.dialect),
      createdAt: at,
      updatedAt: at,
    };
    const changes = [appChange(value, 0), this.#told('app.created', value, by)];
    return (await this.#writer.putOnce(changes)) as Versioned<App>;
  }

  /** Rejects `conflict` while its grants are more than one transaction changes. */
  async update(
    address: AppAddress,
    patch: Partial<AppSettings>,
    by: Actor,
  ): Promise<Versioned<App>> {
    const { now, rules } = this.#options;
    const value = await this.#writer.writeAll(async () => {
      const { value: before, version } = await this.#read(address);
      const wanted: App = { ...before, ...patch };
      const app: App = {
        ...wanted,
        ...this.#checked(wanted, before),
        clientSecret: wanted.public ? null : before.clientSecret,
        signingSecret:
          wanted.dialect === before.dialect
            ? before.signingSecret
            : this.#signingSecret(wanted.dialect),
        updatedAt: now(),
      };
      const changes: ConfigChange[] = [appChange(app, version), this.#told('app.updated', app, by)];
      const events: NewEvent[] = [];
      for (const { grant, endpoint } of await this.#grantsOf(before)) {
        if (!endpoint || !grant) continue;
        const current = endpoint.value as Endpoint;
        if (app.webhookUrl === null) {
          throw invalid('webhookUrl', 'is needed while tenants have granted events to the app');
        }
        const after = await rules.changed(current, settingsFor(app, grant.value as Grant));
        changes.push({ ...endpoint, value: after, expected: endpoint.version });
        events.push(...rules.tell(current, after, now()));
      }
      return { changes, events, result: app };
    });
    return this.#read({ tenant: value.tenant, id: value.id });
  }

  /** Its text is shown once; the one before stops working at once. */
  async createSecret(
    address: AppAddress,
    by: Actor,
  ): Promise<Versioned<App> & { readonly secret: string }> {
    const { now, random } = this.#options;
    const secret = `phcs_${Buffer.from(random(32)).toString('base64url')}`;
    const { value: before, version } = await this.#read(address);
    if (before.public) {
      throw new AppError('conflict', 'A public app can keep no secret: it proves itself by PKCE.');
    }
    const at = now();
    const clientSecret = { hash: sha256Hex(secret), hint: secret.slice(0, 9), createdAt: at };
    const app: App = { ...before, clientSecret, updatedAt: at };
    const told = this.#told('app.secret_created', app, by);
    const written = await this.#writer.putOnce([appChange(app, version), told]);
    return { value: app, version: written.version, secret };
  }

  /** With everything it was granted. */
  async delete(address: AppAddress, by: Actor): Promise<void> {
    const { now, rules, audit } = this.#options;
    await this.#writer.writeAll(async () => {
      const { value: app, version } = await this.#read(address);
      const { id, tenant } = app;
      const changes: ConfigChange[] = [
        { kind: 'app', id, tenant, value: null, expected: version },
        this.#told('app.deleted', app, by),
      ];
      const events: NewEvent[] = [];
      for (const { grant, endpoint } of await this.#grantsOf(app)) {
        const value = grant.value as Grant;
        changes.push(...grantDeletions(grant));
        changes.push(
          audit.entry({
            tenant: grant.tenant,
            action: 'grant.revoked',
            actor: by,
            app: { id, name: app.name },
            grant: value.id,
            scopes: value.scopes,
          }),
        );
        if (!endpoint) continue;
        changes.push(endpointDeletion(endpoint));
        events.push(...rules.tell(endpoint.value as Endpoint, undefined, now()));
      }
      return { changes, events, result: undefined };
    });
  }

  async #read({ tenant, id, version }: AppAddress): Promise<Versioned<App>> {
    const item = await this.#writer.read<App>('app', id);
    if (item.tenant !== tenant) throw notFound('app');
    if (version !== undefined && version !== item.version) {
      const message = 'The app was changed meanwhile: read it again and repeat the change.';
      throw new AppError('conflict', message);
    }
    return { value: item.value, version: item.version };
  }

  async #grantsOf(app: App) {
    const { grants, store } = this.#options;
    const ids = grants.grantsOf(app.id);
    if (ids.length > GRANTS_MAX) {
      const message = `The app has more than ${GRANTS_MAX} grants: revoke some first.`;
      throw new AppError('conflict', message);
    }
    const found = await store.readMany('grant', ids);
    const wanted = found.flatMap(({ value }) => (value as Grant).endpoint ?? []);
    const endpoints = await store.readMany('endpoint', wanted);
    const byId = new Map<string, ConfigItem>(endpoints.map((item) => [item.id, item]));
    return found.map((grant) => ({
      grant,
      endpoint: byId.get((grant.value as Grant).endpoint ?? ''),
    }));
  }

  #checked(settings: AppSettings, before?: App): Pick<App, 'webhookUrl' | 'redirectUris'> {
    for (const [index, uri] of settings.redirectUris.entries()) {
      const problem = redirectUriProblem(uri);
      if (problem !== undefined) throw invalid(`redirectUris.${index}`, problem);
    }
    const { webhookUrl } = settings;
    const same = webhookUrl === null || webhookUrl === before?.webhookUrl;
    return {
      redirectUris: settings.redirectUris,
      webhookUrl: same ? webhookUrl : this.#options.rules.checkUrl(webhookUrl),
    };
  }

  #signingSecret(dialect: App['dialect']): string {
    return makeSecret(dialects[dialect].traits.secret(null), this.#options.random);
  }

  #told(action: AuditAction, { id, name, tenant }: App, actor: Actor): ConfigChange {
    return this.#options.audit.entry({
      tenant,
      action,
      actor,
      app: { id, name },
      grant: null,
      scopes: [],
    });
  }
}

function appChange(value: App, expected: number): ConfigChange {
  return { kind: 'app', id: value.id, tenant: value.tenant, value, expected };
}
