import { isUtf8 } from 'node:buffer';
import { AppError } from '../core/errors.ts';
import { isId } from '../core/ids.ts';
import type { EventId, Ms, TenantId } from '../core/model.ts';
import { parseSearch } from '../core/words.ts';
import type { LogQuery, Page } from '../store/store.ts';

/** How times and absent values look in the API: RFC 3339 in UTC, and null. */

export function toIso(ms: Ms): string {
  return new Date(ms).toISOString();
}

export function toIsoOrNull(ms: Ms | null | undefined): string | null {
  return ms === null || ms === undefined ? null : toIso(ms);
}

/** `text` was checked to be RFC 3339. */
export function fromIso(text: string): Ms {
  return Date.parse(text);
}

interface ListQuery {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly status?: string | undefined;
  readonly q?: string | undefined;
  readonly event?: EventId | undefined;
}

/**
 * A validated query as the log takes it: within one tenant, times as numbers, statuses as a range.
 * `searches`: whether there is a text index.
 */
export function logQuery<Q extends ListQuery>(
  tenant: TenantId,
  { from, to, status, q, ...rest }: Q,
  searches: boolean,
) {
  return {
    ...rest,
    tenant,
    from: from === undefined ? undefined : fromIso(from),
    to: to === undefined ? undefined : fromIso(to),
    status: status === undefined ? undefined : statusRange(status),
    ...(q === undefined ? {} : search(q, rest, searches)),
  };
}

/** The id of an event that somebody pasted is looked up as one. */
function search(
  q: string,
  { event }: ListQuery,
  searches: boolean,
): Pick<LogQuery, 'event' | 'text'> {
  const id = q.trim();
  if (isId('evt', id) && (event === undefined || event === id)) return { event: id };
  const parsed = searches ? parseSearch(q) : NO_SEARCH;
  if (typeof parsed !== 'string') return { text: parsed };
  throw new AppError('invalid_request', `q: ${parsed}.`, { details: { field: 'q' } });
}

const NO_SEARCH =
  'there is no text search here: it is switched off (`POSTHORN_SEARCH`), or an app asks, for which it ' +
  'would find what others answered; the other filters work';

/** A page as the API gives it; `searchedTo` only of a search. */
export function pageToApi<R, T>(
  { items, next, searchedTo }: Page<R>,
  query: { readonly q?: string | undefined },
  toApi: (row: R) => T,
) {
  return {
    items: items.map(toApi),
    next: next ?? null,
    ...(query.q === undefined ? {} : { searchedTo: toIsoOrNull(searchedTo) }),
  };
}

/** `503` or `5xx`. */
export function statusRange(text: string): { least: number; most: number } {
  return { least: Number(text.replace('xx', '00')), most: Number(text.replace('xx', '99')) };
}

/** Text where the bytes are text; base64 where printing them would change them. */
export function bytesToApi(bytes: Uint8Array): { encoding: 'utf8' | 'base64'; text: string } {
  const encoding = isUtf8(bytes) ? 'utf8' : 'base64';
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return { encoding, text: view.toString(encoding) };
}
