import { isUtf8 } from 'node:buffer';
import type { Ms, TenantId } from '../core/model.ts';

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
}

/** A validated query as the log takes it: within one tenant, times as numbers, statuses as a range. */
export function logQuery<Q extends ListQuery>(tenant: TenantId, { from, to, status, ...rest }: Q) {
  return {
    ...rest,
    tenant,
    from: from === undefined ? undefined : fromIso(from),
    to: to === undefined ? undefined : fromIso(to),
    status: status === undefined ? undefined : statusRange(status),
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
