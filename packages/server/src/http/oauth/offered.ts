import type * as api from '@posthorn/api';
import type { EventType, TenantId } from '../../core/model.ts';
import { scopeOfType } from '../../core/scopes.ts';
import { eventTypeId } from '../../store/catalogue-index.ts';
import type { HttpDeps } from '../ports.ts';

type Catalogue = Pick<HttpDeps, 'config' | 'configStore'>;

/** What can be asked of a tenant: one scope for each resource of its catalogue. */
export async function webhookScopes(
  { config, configStore }: Catalogue,
  tenant: TenantId,
): Promise<api.WebhookScope[]> {
  const heads = config.catalogue.all(config.lineage(tenant)).filter(({ archived }) => !archived);
  const ids = heads.map((head) => eventTypeId(head.tenant, head.name));
  const items = await configStore.readMany('event-type', ids);
  const types = new Map(items.map(({ value }) => [(value as EventType).name, value as EventType]));
  const scopes = new Map<string, api.WebhookScope>();
  for (const { name } of heads) {
    const { label = '', description = '' } = types.get(name) ?? {};
    const scope = scopeOfType(name);
    const offered = scopes.get(scope) ?? { scope, events: [] };
    offered.events.push({
      type: name,
      label: label || name,
      description,
      scope: `webhook:${name}`,
    });
    scopes.set(scope, offered);
  }
  return [...scopes.values()];
}
