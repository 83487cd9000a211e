import type * as api from '@posthorn/api';
import { AppError } from '../../core/errors.ts';
import type { Endpoint, EndpointId } from '../../core/model.ts';
import type { Counts } from '../../core/tally.ts';
import type { Stats, StatsBucket } from '../../store/stats.ts';
import { toIso, toIsoOrNull } from '../format.ts';
import type { Handlers } from '../handlers.ts';
import type { HttpDeps } from '../ports.ts';

type Ids = 'getTenantStats' | 'getEndpointStats' | 'listEndpointStats';
type Window = api.TenantStats['window'];

export function statsRoutes({ stats, log, configStore, now }: HttpDeps): Pick<Handlers, Ids> {
  return {
    async getTenantStats({ params, query: { window } }) {
      const { tenant } = params;
      const [found, pending] = await Promise.all([
        stats.tenant(tenant, window, now()),
        log.pending(tenant),
      ]);
      const { failingSince: _none, ...health } = healthToApi(found, pending);
      return { ...health, ...wholeToApi(found, window) };
    },

    async getEndpointStats({ params, query: { window } }) {
      const { tenant, endpoint } = params;
      const item = await configStore.read('endpoint', endpoint);
      const value = item?.value as Endpoint | null | undefined;
      if (value?.tenant !== tenant) throw new AppError('not_found', 'There is no such endpoint.');
      const [[found], [pending]] = await Promise.all([
        stats.endpoints([endpoint], window, now()),
        log.pendingOf([value]),
      ]);
      const whole = found as Stats;
      return { endpoint, ...healthToApi(whole, pending ?? 0), ...wholeToApi(whole, window) };
    },

    async listEndpointStats({ params, query: { window, limit, cursor } }) {
      const list = { tenant: params.tenant, limit, after: cursor };
      const page = await configStore.list('endpoint', list);
      const ids = page.items.map(({ id }) => id as EndpointId);
      const [found, pending] = await Promise.all([
        stats.endpoints(ids, window, now()),
        log.pendingOf(page.items.map(({ value }) => value as Endpoint)),
      ]);
      const items = ids.map((endpoint, i) => ({
        endpoint,
        ...healthToApi(found[i] as Stats, pending[i] ?? 0),
        total: countsToApi((found[i] as Stats).total),
        succeeded: (found[i] as Stats).buckets.map(({ succeeded }) => succeeded),
        failed: (found[i] as Stats).buckets.map(({ failed }) => failed),
      }));
      return { items, next: page.next ?? null };
    },
  };
}

function healthToApi({ health }: Stats, pending: number) {
  return {
    pending,
    lastAttemptAt: toIsoOrNull(health.lastAttemptAt),
    lastSuccessAt: toIsoOrNull(health.lastSuccessAt),
    failingSince: toIsoOrNull(health.failingSince),
  };
}

function wholeToApi(stats: Stats, window: Window) {
  return {
    window,
    from: toIso(stats.from),
    countedTo: toIsoOrNull(stats.countedTo),
    total: countsToApi(stats.total),
    buckets: stats.buckets.map((bucket) => ({ at: toIso(bucket.at), ...countsToApi(bucket) })),
  };
}

function countsToApi(bucket: StatsBucket): api.StatsCounts {
  const { events, succeeded, failed, cancelled } = bucket;
  const ended = succeeded + failed;
  return {
    events,
    deliveries: { succeeded, failed, cancelled },
    attempts: attemptsToApi(bucket),
    successRate: ended === 0 ? null : succeeded / ended,
    p50Ms: bucket.p50Ms ?? null,
    p99Ms: bucket.p99Ms ?? null,
  };
}

function attemptsToApi(counts: Counts): api.StatsCounts['attempts'] {
  const { status2xx, status3xx, status4xx, status5xx, unanswered } = counts;
  return {
    total: status2xx + status3xx + status4xx + status5xx + unanswered,
    '2xx': status2xx,
    '3xx': status3xx,
    '4xx': status4xx,
    '5xx': status5xx,
    unanswered,
  };
}
