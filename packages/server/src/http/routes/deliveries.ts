import type * as api from '@posthorn/api';
import { AppError } from '../../core/errors.ts';
import type { Timings } from '../../core/exchange.ts';
import type { EndpointId, EventId, TenantId } from '../../core/model.ts';
import { type DeliveryAddress, findDelivery } from '../../delivery/mending/mending.ts';
import type { AttemptRow, DeliveryRow, LogQuery, WholeAttempt } from '../../store/store.ts';
import { ownEndpoint, type Principal } from '../auth.ts';
import { bytesToApi, logQuery, pageToApi, toIso, toIsoOrNull } from '../format.ts';
import type { Handlers } from '../handlers.ts';
import { maskHead } from '../mask.ts';
import type { HttpDeps } from '../ports.ts';

type Ids = 'listDeliveries' | 'getDelivery' | 'listAttempts' | 'getAttempt';

export function deliveryRoutes({ log, searches }: HttpDeps): Pick<Handlers, Ids> {
  return {
    async listDeliveries({ params, query, principal }) {
      const asked = logQuery(params.tenant, query, searches && !principal.bot);
      return pageToApi(await log.deliveries(within(principal, asked)), query, deliveryToApi);
    },

    async getDelivery({ params, principal }) {
      const row = await findDelivery(log, addressOf(params));
      if (!row || isForeign(principal, row.endpoint))
        throw new AppError('not_found', 'There is no such delivery.');
      return deliveryToApi(row);
    },

    async listAttempts({ params, query, principal }) {
      const asked = logQuery(params.tenant, query, searches && !principal.bot);
      return pageToApi(await log.attempts(within(principal, asked)), query, attemptToApi);
    },

    async getAttempt({ params, principal }) {
      const found = await log.attempt(params.tenant, params.attempt);
      if (!found || isForeign(principal, found.row.endpoint))
        throw new AppError('not_found', 'There is no such attempt.');
      return { ...attemptToApi(found.row), ...exchangeToApi(found) };
    },
  };
}

/** A bot asks about its own endpoint, whatever it asks. */
function within(principal: Principal, query: LogQuery): LogQuery {
  const endpoint = ownEndpoint(principal);
  return endpoint === undefined ? query : { ...query, endpoint };
}

/** To a bot, what is not its own looks like what does not exist. */
export function isForeign(principal: Principal, endpoint: EndpointId): boolean {
  const own = ownEndpoint(principal);
  return own !== undefined && own !== endpoint;
}

/** `delivery` is `<event>.<endpoint>.<run>`, as its grammar was checked. */
export function addressOf(of: { tenant: TenantId; delivery: string }): DeliveryAddress {
  const [event, endpoint, run] = of.delivery.split('.') as [EventId, EndpointId, string];
  return { tenant: of.tenant, event, endpoint, run: Number(run) };
}

function deliveryId(row: DeliveryRow | AttemptRow): string {
  return `${row.event}.${row.endpoint}.${row.run}`;
}

export function deliveryToApi(row: DeliveryRow): api.Delivery {
  return {
    id: deliveryId(row),
    event: row.event,
    endpoint: row.endpoint,
    run: row.run,
    type: row.type,
    state: row.state,
    status: row.status ?? null,
    fault: row.fault ?? null,
    attempts: row.attempts,
    createdAt: toIso(row.createdAt),
    lastAttemptAt: toIsoOrNull(row.lastAttemptAt),
    nextAt: toIsoOrNull(row.nextAt),
  };
}

export function attemptToApi(row: AttemptRow): api.AttemptSummary {
  return {
    id: row.id,
    delivery: deliveryId(row),
    event: row.event,
    endpoint: row.endpoint,
    run: row.run,
    type: row.type,
    state: row.state,
    status: row.status ?? null,
    fault: row.fault ?? null,
    n: row.n,
    startedAt: toIso(row.startedAt),
    durationMs: row.durationMs,
    detail: row.detail,
    afterCrash: row.afterCrash,
    erased: row.erased,
    nextAt: toIsoOrNull(row.nextAt),
  };
}

function exchangeToApi(record: WholeAttempt) {
  const answered = record.responseHead.length > 0 || record.responseBody.length > 0;
  return {
    timings: timingsToApi(record.timings),
    remoteAddress: record.remoteAddress ?? null,
    request: {
      method: record.method,
      url: record.url,
      head: maskHead(record.requestHead),
      body: bytesToApi(record.requestBody),
    },
    response: answered
      ? {
          head: maskHead(record.responseHead),
          body: bytesToApi(record.responseBody),
          truncated: record.responseTruncated,
        }
      : null,
  };
}

export function timingsToApi({ dnsMs, connectMs, tlsMs, firstByteMs, totalMs }: Timings) {
  return {
    dnsMs: dnsMs ?? null,
    connectMs: connectMs ?? null,
    tlsMs: tlsMs ?? null,
    firstByteMs: firstByteMs ?? null,
    totalMs,
  };
}
