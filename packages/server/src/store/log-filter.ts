import { matchesPattern } from '@posthorn/wire';
import type { AttemptRow, DeliveryRow, LogQuery } from './store.ts';

/** What a list's filters say of one row, where no statement says it. */

export function fitsDelivery(row: DeliveryRow, query: LogQuery): boolean {
  return fits(row, query) && isWithin(row.createdAt, query);
}

export function fitsAttempt(row: AttemptRow, query: LogQuery): boolean {
  return fits(row, query) && isWithin(row.startedAt, query);
}

function fits(row: AttemptRow | DeliveryRow, query: LogQuery): boolean {
  const { status } = query;
  return (
    row.tenant === query.tenant &&
    (query.event === undefined || row.event === query.event) &&
    (query.endpoint === undefined || row.endpoint === query.endpoint) &&
    (query.type === undefined || matchesPattern(query.type, row.type)) &&
    (query.state === undefined || row.state === query.state) &&
    (query.fault === undefined || row.fault === query.fault) &&
    (status === undefined ||
      (row.status !== undefined && row.status >= status.least && row.status <= status.most))
  );
}

export function isWithin(at: number, { from, to }: Pick<LogQuery, 'from' | 'to'>): boolean {
  return (from === undefined || at >= from) && (to === undefined || at < to);
}
