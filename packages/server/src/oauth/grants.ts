import { AppError } from '../core/errors.ts';
import type { Endpoint, Ms, TenantId } from '../core/model.ts';
import type { Actor, App, AuditAction, Grant, GrantId, Person, Role } from '../core/oauth.ts';
import { isAdminScope, isWebhookScope, SCOPES_MAX } from '../core/scopes.ts';
import { type ConfigWriter, notFound } from '../store/config-writer.ts';
import type { ConfigChange, ConfigItem, ConfigStore, NewEvent } from '../store/store.ts';
import type { Audit } from './audit.ts';
import { endpointDeletion, grantDeletions, grantName, settingsFor } from './grant-parts.ts';
import type { EndpointRules } from './ports.ts';
import { keptLines, newLine } from './token-parts.ts';

export interface GrantsOptions {
  readonly store: ConfigStore;
  readonly ids: { grant(now: Ms): GrantId };
  readonly now: () => Ms;
  readonly random: (count: number) => Uint8Array;
  readonly rules: EndpointRules;
  readonly audit: Audit;
}

/** What somebody agrees to at the consent page. */
export interface Consent {
  readonly app: App;
  readonly tenant: TenantId;
  readonly person: Person;
  readonly role: Role;
  readonly scopes: readonly string[];
  readonly redirectUri: string;
  readonly challenge: string;
}

/**
 * Grants begin and grow by consent alone, and end by revocation. The endpoint is written in the same
 * transaction, so events come as long as the grant lives and not a moment longer.
 */
export class Grants {
  readonly #options: GrantsOptions;
  readonly #writer: ConfigWriter;

  constructor(options: GrantsOptions, writer: ConfigWriter) {
    this.#options = options;
    this.#writer = writer;
  }

  /** Resolves with the code, which is shown once. Rejects `forbidden` for scopes of admins. */
  async consent(consent: Consent): Promise<{ readonly grant: Grant; readonly code: string }> {
    if (consent.role !== 'admin' && consent.scopes.some(isAdminScope)) {
      throw new AppError('forbidden', 'Only an admin of the tenant can agree to these scopes.');
    }
    const agreed = await this.#writer.writeAll(async () => {
      const app = await this.#writer.read<App>('app', consent.app.id);
      const found = await this.#found(consent);
      return this.#planned({ ...consent, app: app.value }, found, app);
    });
    await this.#options.audit.sweep(consent.tenant);
    return agreed;
  }

  async #planned(consent: Consent, found: ConfigItem | undefined, app: ConfigItem) {
    const { ids, now, random } = this.#options;
    const at = now();
    const before = found?.value as Grant | undefined;
    const scopes = [...new Set([...(before?.scopes ?? []), ...consent.scopes])];
    if (scopes.length > SCOPES_MAX) {
      throw new AppError('conflict', `The app has ${SCOPES_MAX} scopes here, which is the bound.`);
    }
    const id = before?.id ?? ids.grant(at);
    const { line, code } = newLine({ ...consent, grant: id, now: at, random });
    const { role, person, tenant } = consent;
    const base = { id, app: consent.app.id, tenant, role, person, scopes, updatedAt: at };
    const lines = [...keptLines(before?.lines ?? [], at), line];
    const endpoint = await this.#endpoint(consent.app, base, before);
    const grant: Grant = {
      ...base,
      endpoint: endpoint.after?.id ?? null,
      lines,
      createdAt: before?.createdAt ?? at,
    };
    const added = scopes.filter((scope) => !before?.scopes.includes(scope));
    const changes: ConfigChange[] = [
      { kind: 'grant', id, tenant, value: grant, expected: found?.version ?? 0 },
      ...this.#told(before, { grant, app: consent.app, scopes: added }),
      ...(endpoint.change ? [endpoint.change] : []),
    ];
    if (!before) {
      const name = { kind: 'grant-name', id: grantName(grant), tenant } as const;
      // The app written as it was read: whoever deletes or changes it meanwhile comes after or before.
      const { kind, id: appId, value, version } = app;
      changes.push({ ...name, value: { grant: id }, expected: 0 });
      changes.push({ kind, id: appId, tenant: app.tenant, value, expected: version });
    }
    return { changes, events: endpoint.events, result: { grant, code } };
  }

  /** The endpoint of what is granted now; nothing to write if it stays as it is. */
  async #endpoint(
    app: App,
    grant: Pick<Grant, 'id' | 'tenant' | 'scopes'>,
    before: Grant | undefined,
  ): Promise<{ after?: Endpoint; change?: ConfigChange; events: readonly NewEvent[] }> {
    const { rules, store, now } = this.#options;
    if (app.webhookUrl === null || !grant.scopes.some(isWebhookScope)) return { events: [] };
    const settings = settingsFor(app, grant);
    const { tenant } = grant;
    const item = before?.endpoint ? await store.read('endpoint', before.endpoint) : undefined;
    const current = item?.value as Endpoint | undefined;
    const made = current
      ? await rules.changed(current, settings)
      : await rules.made(tenant, settings);
    const after: Endpoint = { ...made, grant: grant.id, updatedAt: now() };
    const expected = item?.version ?? 0;
    const change = { kind: 'endpoint', id: after.id, tenant, value: after, expected } as const;
    return { after, change, events: rules.tell(current, after, now()) };
  }

  /** Ends it: its endpoint is gone, what is pending is cancelled, its tokens are nothing any more. */
  async revoke(address: { tenant: TenantId; id: GrantId }, by: Actor): Promise<void> {
    const { store, rules, now, audit } = this.#options;
    await this.#writer.writeAll(async () => {
      const item = await this.#writer.read<Grant>('grant', address.id);
      const grant = item.value;
      if (grant.tenant !== address.tenant) throw notFound('grant');
      const app = (await store.read('app', grant.app))?.value as App | undefined;
      const changes: ConfigChange[] = [
        ...grantDeletions(item),
        audit.entry({
          tenant: grant.tenant,
          action: 'grant.revoked',
          actor: by,
          app: { id: grant.app, name: app?.name ?? '' },
          grant: grant.id,
          scopes: grant.scopes,
        }),
      ];
      const endpoint = grant.endpoint && (await store.read('endpoint', grant.endpoint));
      if (!endpoint) return { changes, result: undefined };
      changes.push(endpointDeletion(endpoint));
      const events = rules.tell(endpoint.value as Endpoint, undefined, now());
      return { changes, events, result: undefined };
    });
    await audit.sweep(address.tenant);
  }

  /** What was agreed to before. */
  async find(of: Pick<Consent, 'app' | 'tenant' | 'role' | 'person'>): Promise<Grant | undefined> {
    return (await this.#found(of))?.value as Grant | undefined;
  }

  async #found({
    app,
    tenant,
    role,
    person,
  }: Parameters<Grants['find']>[0]): Promise<ConfigItem | undefined> {
    const { store } = this.#options;
    const name = await store.read('grant-name', grantName({ app: app.id, tenant, role, person }));
    const id = (name?.value as { grant: GrantId } | undefined)?.grant;
    return id === undefined ? undefined : store.read('grant', id);
  }

  /** A member who comes again is no news: they could push everything else out of the audit. */
  #told(
    before: Grant | undefined,
    { grant, app, scopes }: { grant: Grant; app: App; scopes: readonly string[] },
  ): ConfigChange[] {
    const action = actionOf(before, scopes);
    if (action === 'grant.renewed' && grant.role === 'member') return [];
    const entry = this.#options.audit.entry({
      tenant: grant.tenant,
      action,
      actor: { kind: 'person', ...grant.person },
      app: { id: app.id, name: app.name },
      grant: grant.id,
      scopes,
    });
    return [entry];
  }
}

function actionOf(before: Grant | undefined, added: readonly string[]): AuditAction {
  if (!before) return 'grant.created';
  return added.length > 0 ? 'grant.extended' : 'grant.renewed';
}
