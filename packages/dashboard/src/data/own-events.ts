import { matchesPattern } from '@posthorn/wire';
import type { EndpointRow } from './types.ts';

/** Events about Posthorn itself go only where they, or their family, are named: never by `*`. */
export function listensByName({ enabled, eventTypes }: EndpointRow, type: string): boolean {
  return (
    enabled &&
    eventTypes.some((pattern) => !pattern.startsWith('*') && matchesPattern(pattern, type))
  );
}
