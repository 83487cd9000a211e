import type { EndpointRow } from '../../data/types.ts';
import type { Mark } from '../../parts/status.tsx';

/** The one thing to know about a webhook, the gravest first. */
export function markOf(endpoint: EndpointRow): Mark {
  if (endpoint.disabled) return 'disabled';
  if (!endpoint.enabled) return 'off';
  if (endpoint.paused) return 'paused';
  return 'on';
}

const GRAVITY: readonly Mark[] = ['disabled', 'failing', 'paused', 'on', 'idle', 'healthy', 'off'];

export function byGravity(a: EndpointRow, b: EndpointRow): number {
  return GRAVITY.indexOf(markOf(a)) - GRAVITY.indexOf(markOf(b));
}
