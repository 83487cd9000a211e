import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { useApi, useLive, useTenant } from '../app/context.tsx';
import { timeOfId } from './id-time.ts';
import type { AttemptRow } from './types.ts';

/** How much is owed, and how late it is, measured again and again while somebody looks. */
export interface FlowSample {
  readonly at: number;
  /** Deliveries owed. */
  readonly pending: number;
  /** The longest that an event waited for its first attempt since the last sample; null = none was made. */
  readonly lagMs: number | null;
}

const SAMPLE_MS = 5000;
/** Half an hour. */
const SAMPLES_MAX = 360;

export function useFlow(): readonly FlowSample[] {
  const api = useApi();
  const tenant = useTenant();
  const live = useLive();
  const client = useQueryClient();
  const lag = useRef<number>(null);
  useEffect(
    () =>
      live.onAttempts((rows) => {
        for (const row of rows) lag.current = longest(lag.current, lagOf(row));
      }),
    [live],
  );
  const queryKey = [tenant, 'flow'];
  const { data = [] } = useQuery({
    queryKey,
    queryFn: async ({ signal }): Promise<readonly FlowSample[]> => {
      const { pending } = await api.getTenantStats({ tenant, window: '24h' }, { signal });
      const before = client.getQueryData<readonly FlowSample[]>(queryKey) ?? [];
      const sample = { at: Date.now(), pending, lagMs: lag.current };
      lag.current = null;
      return [...before, sample].slice(-SAMPLES_MAX);
    },
    refetchInterval: SAMPLE_MS,
    gcTime: SAMPLE_MS * SAMPLES_MAX,
  });
  return data;
}

function longest(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.max(a, b);
}

/** Only of the first attempt of what was routed: a retry and a replay are late on purpose. */
function lagOf({ n, event, delivery, startedAt }: AttemptRow): number | null {
  if (n !== 1 || !delivery.endsWith('.0')) return null;
  return Math.max(0, Date.parse(startedAt) - timeOfId(event));
}
