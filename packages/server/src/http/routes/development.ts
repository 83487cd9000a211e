import type { Inbox, InboxId } from '../../core/inbox.ts';
import type { Endpoint, TenantId } from '../../core/model.ts';
import { currentSecret } from '../../delivery/registry/endpoints.ts';
import type { InboxSettings } from '../../inbox/registry.ts';
import { everyItem, type Versioned } from '../../store/config-writer.ts';
import type { Handlers } from '../handlers.ts';
import type { HttpDeps } from '../ports.ts';
import { endpointToApi, readEndpoint, requireAdmin } from './endpoints.ts';
import { inboxToApi, read } from './inboxes.ts';

/** Names the original in a copy's metadata. */
const COPY_OF = 'copyOf';
const SECRETS_MAX = 8;

/** Copies of endpoints for development: what production gets goes to an inbox too, and from there to a laptop. */
export function developmentRoutes(deps: HttpDeps): Pick<Handlers, 'copyForDevelopment'> {
  const { registry, configStore } = deps;
  const { inboxes, urlOf } = deps.inbox;

  async function copyOf(original: Endpoint, url: string): Promise<Versioned<Endpoint>> {
    const { id, tenant, metadata } = original;
    const found = await existing(id, { tenant, url });
    return (
      found ??
      registry.endpoints.duplicate({ tenant, id }, () => ({
        ...{ url, enabled: true },
        metadata: { ...metadata, [COPY_OF]: id },
      }))
    );
  }

  async function existing(
    original: string,
    at: { readonly tenant: TenantId; readonly url: string },
  ): Promise<Versioned<Endpoint> | undefined> {
    for await (const { value, version } of everyItem(configStore, 'endpoint', at.tenant)) {
      const endpoint = value as Endpoint;
      const same = endpoint.url === at.url && endpoint.metadata[COPY_OF] === original;
      if (same) return { value: endpoint, version };
    }
    return undefined;
  }

  async function inboxFor(original: Endpoint, wanted: InboxId | null): Promise<Versioned<Inbox>> {
    const { tenant } = original;
    if (wanted !== null) return read(deps, { tenant, inbox: wanted });
    const title = `Development copy of ${original.name || original.id}`;
    return inboxes.create(tenant, { ...NEW_INBOX, title });
  }

  return {
    async copyForDevelopment({ params, body, principal }) {
      const { value: original } = await readEndpoint(configStore, params);
      requireAdmin(principal, original.scope);
      const inbox = await inboxFor(original, body.inbox);
      const { tenant, id, name } = inbox.value;
      const copy = await copyOf(original, urlOf(name));
      const secret = currentSecret(copy.value);
      const knowing = await inboxes.update({ tenant, id }, ({ signing }) => ({
        signing: {
          ...signing,
          secrets: [...new Set([secret, ...signing.secrets])].slice(0, SECRETS_MAX),
        },
      }));
      return { endpoint: endpointToApi(copy), inbox: await inboxToApi(deps, knowing) };
    },
  };
}

const FALLBACK = { status: 202, headers: [], body: '', delayMs: 0, fault: null };
const NEW_INBOX: Omit<InboxSettings, 'title'> & { name: null } = {
  name: null,
  answer: { kind: 'live', waitMs: 10_000, fallback: FALLBACK },
  handshakes: true,
  keep: { captures: 10_000, ageMs: 604_800_000, bytes: 268_435_456 },
  signing: { scheme: null, secrets: [] },
};
