import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useApi, useRights, useTenant } from '../../app/context.tsx';
import { formatNumber } from '../../app/format.ts';
import { useEndpointNames } from '../../data/queries.ts';
import type { ReplayRow } from '../../data/types.ts';
import { useAction } from '../../parts/actions.tsx';
import { Bar } from '../../parts/bar.tsx';
import { useNow } from '../../parts/time.tsx';
import { replays } from '../../strings/replays.ts';
import classes from './replays.module.css';

const RUNNING_MS = 500;
const RESTING_MS = 15_000;
/** How long one that has ended is still shown. */
const ENDED_MS = 20_000;

/** Replays on their way, each with how far it is; nothing while there is none. */
export function RunningReplays({ endpoint }: { endpoint?: string }) {
  const api = useApi();
  const tenant = useTenant();
  const now = useNow();
  const { data } = useQuery({
    queryKey: [tenant, 'replays'],
    queryFn: ({ signal }) => api.listReplays({ tenant, limit: 20 }, { signal }),
    refetchInterval: (query) =>
      query.state.data?.items.some(({ state }) => state === 'running') ? RUNNING_MS : RESTING_MS,
  });
  const shown = (data?.items ?? []).filter(
    ({ endedAt, endpoints }) =>
      (endedAt === null || Date.parse(endedAt) > now - ENDED_MS) &&
      (endpoint === undefined || endpoints.some((id) => id === endpoint)),
  );
  if (shown.length === 0) return null;
  return (
    <ul className={classes.strip} aria-label={replays.strip}>
      {shown.map((replay) => (
        <Running key={replay.id} replay={replay} />
      ))}
    </ul>
  );
}

function Running({ replay }: { replay: ReplayRow }) {
  const nameOf = useEndpointNames();
  const { state, done, total, owed, endpoints } = replay;
  // Events may come while it runs: it never says more than it has.
  const most = Math.max(total.count, done, 1);
  const share = state === 'done' ? 1 : done / most;
  return (
    <li className={classes.replay}>
      <span>
        {replays.states[state]} ·{' '}
        <span className="secondary">{endpoints.map(nameOf).join(', ')}</span>
      </span>
      <span className={classes.bar}>
        <Bar share={share} progress={replays.states[state]} />
      </span>
      <span className="secondary">
        {replays.running(formatNumber(done), formatNumber(most))} ·{' '}
        {replays.owed(formatNumber(owed))}
      </span>
      {state === 'running' && <Cancel replay={replay} />}
    </li>
  );
}

function Cancel({ replay }: { replay: ReplayRow }) {
  const api = useApi();
  const tenant = useTenant();
  const { write } = useRights();
  const cancel = useAction({
    run: () => api.cancelReplay({ tenant, job: replay.id }),
    done: () => replays.cancelled,
    touches: [[tenant, 'replays']],
  });
  if (!write) return null;
  return (
    <Button size="compact-xs" loading={cancel.isPending} onClick={() => cancel.mutate(undefined)}>
      {replays.cancel}
    </Button>
  );
}
