import type { EndpointRow, EndpointStatsRow } from '../../data/types.ts';
import type { Mark } from '../../parts/status.tsx';

/** The one thing to know about a webhook, the gravest first. */
export function markOf(
  endpoint: EndpointRow,
  stats?: Pick<EndpointStatsRow, 'failingSince' | 'lastAttemptAt'> | undefined,
): Mark {
  if (endpoint.disabled) return 'disabled';
  if (!endpoint.enabled) return 'off';
  if (endpoint.paused) return 'paused';
  if (!stats) return 'on';
  if (stats.failingSince !== null) return 'failing';
  return stats.lastAttemptAt === null ? 'idle' : 'healthy';
}

const GRAVITY: readonly Mark[] = ['disabled', 'failing', 'paused', 'on', 'healthy', 'idle', 'off'];

export interface Judged {
  readonly endpoint: EndpointRow;
  readonly stats: EndpointStatsRow | undefined;
}

export function byGravity(a: Judged, b: Judged): number {
  const gravity = ({ endpoint, stats }: Judged) => GRAVITY.indexOf(markOf(endpoint, stats));
  return gravity(a) - gravity(b);
}
