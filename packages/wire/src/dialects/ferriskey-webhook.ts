import { foreign, foreignUuid, type Named } from '../foreign.ts';
import { formatRfc3339 } from '../rfc3339.ts';

/** What FerrisKey shows of a webhook: neither its headers nor its secret. */
export interface FerriskeyWebhook {
  readonly id: string;
  readonly endpoint: string;
  readonly name: string | null;
  readonly description: string | null;
  readonly subscribers: readonly {
    readonly id: string;
    readonly name: string;
    readonly webhook_id: string;
  }[];
  readonly triggered_at: string | null;
  readonly updated_at: string;
  readonly created_at: string;
}

export interface FerriskeyWebhookInput extends Named {
  readonly url: string;
  readonly name: string;
  readonly description: string;
  readonly eventTypes: readonly string[];
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** An endpoint as the data of FerrisKey's `webhook.created`, `webhook.updated` and `webhook.deleted`. */
export function ferriskeyWebhook(endpoint: FerriskeyWebhookInput): FerriskeyWebhook {
  const id = foreign('endpoint', endpoint);
  return {
    id,
    endpoint: endpoint.url,
    name: endpoint.name || null,
    description: endpoint.description || null,
    subscribers: endpoint.eventTypes.map((name) => ({
      id: foreignUuid('subscriber', `${endpoint.id}\n${name}`),
      name,
      webhook_id: id,
    })),
    triggered_at: null,
    updated_at: timeOf(endpoint.updatedAt),
    created_at: timeOf(endpoint.createdAt),
  };
}

function timeOf(ms: number): string {
  return formatRfc3339(ms, { fraction: 'auto', utc: 'Z' });
}
