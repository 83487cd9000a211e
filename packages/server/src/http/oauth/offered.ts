import type * as api from '@posthorn/api';
import type { EventType, TenantId } from '../../core/model.ts';
import { scopeOfType } from '../../core/scopes.ts';
import { eventTypeId } from '../../store/catalogue-index.ts';
import type { HttpDeps } from '../ports.ts';

type Catalogue = Pick<HttpDeps, 'config' | 'configStore'>;

export interface EventInWords {
  readonly type: string;
  readonly label: string;
  readonly description: string;
}

/** What a tenant can be told of, by name; archived types are offered to nobody. */
export async function eventsInWords(
  { config, configStore }: Catalogue,
  tenant: TenantId,
): Promise<EventInWords[]> {
  const heads = config.catalogue.all(config.lineage(tenant)).filter(({ archived }) => !archived);
  const ids = heads.map((head) => eventTypeId(head.tenant, head.name));
  const items = await configStore.readMany('event-type', ids);
  const types = new Map(items.map(({ id, value }) => [id, value as EventType]));
  return heads.map((head) => {
    const { label = '', description = '' } = types.get(eventTypeId(head.tenant, head.name)) ?? {};
    return { type: head.name, label: label || head.name, description };
  });
}

/** One scope for each resource of the catalogue, and one for each type. */
export async function webhookScopes(
  catalogue: Catalogue,
  tenant: TenantId,
): Promise<api.WebhookScope[]> {
  const scopes = new Map<string, api.WebhookScope>();
  for (const event of await eventsInWords(catalogue, tenant)) {
    const scope = scopeOfType(event.type);
    const offered = scopes.get(scope) ?? { scope, events: [] };
    offered.events.push({ ...event, scope: `webhook:${event.type}` });
    scopes.set(scope, offered);
  }
  return [...scopes.values()];
}
