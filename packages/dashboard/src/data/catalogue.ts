import { matchesPattern } from '@posthorn/wire';
import { useQuery } from '@tanstack/react-query';
import { useApi, useTenant } from '../app/context.tsx';
import { queries, useEndpoints } from './queries.ts';
import type { EndpointRow, EventTypeRow } from './types.ts';

export function useEventTypes() {
  return useQuery(queries.eventTypes(useApi(), useTenant()));
}

/** As the server routes: no patterns = every type. */
export function listensTo({ eventTypes }: Pick<EndpointRow, 'eventTypes'>, type: string): boolean {
  return eventTypes.length === 0 || eventTypes.some((pattern) => matchesPattern(pattern, type));
}

/** Who is subscribed to a type. Channels and filters decide by each event, so they are not asked. */
export function useSubscribers(): (type: string) => EndpointRow[] {
  const { data = [] } = useEndpoints();
  return (type) => data.filter((endpoint) => endpoint.enabled && listensTo(endpoint, type));
}

export interface Group {
  readonly name: string;
  readonly types: readonly EventTypeRow[];
}

/** Grouped as the catalogue says, groups and types by name; what has no group comes last. */
export function grouped(types: readonly EventTypeRow[]): Group[] {
  const groups = new Map<string, EventTypeRow[]>();
  for (const type of types) groups.set(type.group, [...(groups.get(type.group) ?? []), type]);
  return [...groups]
    .map(([name, members]) => ({ name, types: members }))
    .sort((a, b) => Number(a.name === '') - Number(b.name === '') || a.name.localeCompare(b.name));
}

/** Every word stands somewhere in it. */
export function fitsType({ name, group, label, description }: EventTypeRow, text: string): boolean {
  const all = [name, group, label, description].join(' ').toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}
