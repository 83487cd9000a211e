import { sha256Hex } from '../core/hash.ts';
import type { TenantId } from '../core/model.ts';
import type { App, AppId, Grant } from '../core/oauth.ts';
import { patternsOf } from '../core/scopes.ts';
import { deletion } from '../store/config-writer.ts';
import type { ConfigChange, ConfigItem } from '../store/store.ts';
import type { GrantedSettings } from './ports.ts';

/** Under which a grant is found again: one of a tenant for each app, one of a member for themselves. */
export function grantName(of: Pick<Grant, 'app' | 'tenant' | 'role' | 'person'>): string {
  return nameOf(of.app, of.tenant, of.role === 'admin' ? undefined : of.person.id);
}

function nameOf(app: AppId, tenant: TenantId, member: string | undefined): string {
  return `${app}/${tenant}/${member === undefined ? '' : sha256Hex(member)}`;
}

export function grantDeletions(item: ConfigItem): ConfigChange[] {
  const grant = item.value as Grant;
  const name = { kind: 'grant-name', id: grantName(grant), tenant: grant.tenant } as const;
  return [deletion(item, item.version), { ...name, value: null, expected: undefined }];
}

export function endpointDeletion(item: ConfigItem): ConfigChange {
  return deletion(item, undefined);
}

/** What the endpoint of a grant is made of; asked only of an app with a webhook URL. */
export function settingsFor(app: App, { scopes }: Pick<Grant, 'scopes'>): GrantedSettings {
  return {
    name: app.name,
    url: app.webhookUrl ?? '',
    dialect: app.dialect,
    eventTypes: scopes.flatMap(patternsOf),
    secret: app.signingSecret,
  };
}
