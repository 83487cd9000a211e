import { useQuery } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useApi, useLive, useTenant } from '../../app/context.tsx';
import { formatMs } from '../../app/format.ts';
import type { AttemptRow } from '../../data/types.ts';
import { Outcome, Status } from '../../parts/status.tsx';
import { Ago } from '../../parts/time.tsx';
import { activity } from '../../strings/activity.ts';
import classes from './attempt.module.css';

const text = activity.detail;
const PAGE = 200;

/** All attempts of one event at one webhook, resends included, and when the next one is due. */
export function Timeline({ attempt }: { attempt: AttemptRow }) {
  const { event, endpoint, delivery } = attempt;
  const api = useApi();
  const tenant = useTenant();
  const search = useSearch({ from: '/$tenant/activity' });
  const live = useLive();
  const { data, refetch } = useQuery({
    queryKey: [tenant, 'deliveries', event, endpoint],
    queryFn: async ({ signal }) => {
      const [attempts, current] = await Promise.all([
        api.listAttempts({ tenant, event, endpoint, limit: PAGE }, { signal }),
        api.getDelivery({ tenant, delivery }, { signal }),
      ]);
      return { attempts: attempts.items, current };
    },
  });
  useEffect(
    () =>
      live.onAttempts((rows) => {
        if (rows.some((row) => row.event === event && row.endpoint === endpoint)) void refetch();
      }),
    [live, event, endpoint, refetch],
  );
  if (!data) return null;
  const { attempts, current } = data;
  return (
    <section aria-label={text.timeline}>
      <h2>{text.timeline}</h2>
      <ol className={classes.timeline}>
        {current.nextAt !== null && (
          <li className={classes.step}>
            <span />
            <Status mark="pending" text={text.next} />
            <span />
            <Ago at={current.nextAt} />
          </li>
        )}
        {attempts.map((row) => (
          <li key={row.id}>
            <Link
              to="/$tenant/activity/$attempt"
              params={{ tenant, attempt: row.id }}
              search={search}
              className={classes.step}
              data-current={row.id === attempt.id}
              aria-current={row.id === attempt.id}
            >
              <span className="secondary">{row.n === 0 ? '' : row.n}</span>
              <Outcome state={row.state} status={row.status} fault={row.fault} />
              <span className="secondary">{row.n === 0 ? '' : formatMs(row.durationMs)}</span>
              <span className="secondary">
                <Ago at={row.startedAt} />
              </span>
            </Link>
          </li>
        ))}
      </ol>
    </section>
  );
}
