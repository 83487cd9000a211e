import { decodeMeta } from '@posthorn/wire';
import { AppError } from '../../core/errors.ts';
import type { EventRow } from '../../store/store.ts';
import { logQuery, toIso, toIsoOrNull } from '../format.ts';
import { type Handlers, Reply } from '../handlers.ts';
import { maskHeaders } from '../mask.ts';
import type { HttpDeps } from '../ports.ts';

export function eventRoutes({ log }: HttpDeps): Pick<Handlers, 'listEvents' | 'getEvent'> {
  return {
    async listEvents({ params, query }) {
      const page = await log.events(logQuery(params.tenant, query));
      return { items: page.items.map(toApi), next: page.next ?? null };
    },

    async getEvent({ params }) {
      const event = await log.event(params.tenant, params.event);
      if (!event) throw new AppError('not_found', 'There is no such event.');
      // The producer's bytes as they are: parsed and printed they might read 1 for 1.0.
      const head = `${JSON.stringify(toApi(event)).slice(0, -1)},"data":`;
      const data = event.erasedAt === undefined ? event.data : Buffer.from('null');
      return new Reply(200, Buffer.concat([Buffer.from(head), data, Buffer.from('}')]));
    },
  };
}

function toApi(event: EventRow) {
  const { subject, actor, context, headers, orderingKey, channels } = decodeMeta(event.meta);
  return {
    id: event.id,
    tenant: event.tenant,
    type: event.type,
    idempotencyKey: event.idempotencyKey ?? null,
    occurredAt: toIso(event.occurredAt),
    createdAt: toIso(event.createdAt),
    ...(subject === undefined ? {} : { subject }),
    ...(actor === undefined ? {} : { actor: { ...actor } }),
    ...(context === undefined ? {} : { context: { ...context } }),
    ...(headers === undefined ? {} : { headers: maskHeaders(headers) }),
    ...(orderingKey === undefined ? {} : { orderingKey }),
    ...(channels === undefined ? {} : { channels: [...channels] }),
    sizeBytes: event.sizeBytes,
    deliveries: event.deliveries,
    erasedAt: toIsoOrNull(event.erasedAt),
  };
}
