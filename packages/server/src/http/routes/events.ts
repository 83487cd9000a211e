import { decodeMeta } from '@posthorn/wire';
import { AppError } from '../../core/errors.ts';
import type { EndpointId, EventId, TenantId } from '../../core/model.ts';
import type { EventRow, LogQuery, LogStore } from '../../store/store.ts';
import { ownEndpoint } from '../auth.ts';
import { logQuery, pageToApi, toIso, toIsoOrNull } from '../format.ts';
import { type Handlers, Reply } from '../handlers.ts';
import { maskHeaders } from '../mask.ts';
import type { HttpDeps } from '../ports.ts';

export function eventRoutes({
  log,
  searches,
}: HttpDeps): Pick<Handlers, 'listEvents' | 'getEvent'> {
  return {
    async listEvents({ params, query, principal }) {
      const own = ownEndpoint(principal);
      const asked = logQuery(params.tenant, query, searches && own === undefined);
      if (own !== undefined) return eventsOf(log, { ...asked, endpoint: own });
      return pageToApi(await log.events(asked), query, toApi);
    },

    async getEvent({ params, principal }) {
      const event = await log.event(params.tenant, params.event);
      const own = ownEndpoint(principal);
      const hidden = own !== undefined && !(await wasOwed(log, params, own));
      if (!event || hidden) throw new AppError('not_found', 'There is no such event.');
      // The producer's bytes as they are: parsed and printed they might read 1 for 1.0.
      const head = `${JSON.stringify(toApi(event)).slice(0, -1)},"data":`;
      const data = event.erasedAt === undefined ? event.data : Buffer.from('null');
      return new Reply(200, Buffer.concat([Buffer.from(head), data, Buffer.from('}')]));
    },
  };
}

/** The events that an endpoint was owed, in the order of its deliveries. */
async function eventsOf(log: LogStore, query: LogQuery) {
  const page = await log.deliveries(query);
  const ids = [...new Set(page.items.map(({ event }) => event))];
  const events = await Promise.all(ids.map((id) => log.event(query.tenant, id)));
  return { items: events.flatMap((event) => (event ? toApi(event) : [])), next: page.next ?? null };
}

async function wasOwed(
  log: LogStore,
  { tenant, event }: { tenant: TenantId; event: EventId },
  endpoint: EndpointId,
): Promise<boolean> {
  const { items } = await log.deliveries({ tenant, event, endpoint, limit: 1 });
  return items.length > 0;
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
