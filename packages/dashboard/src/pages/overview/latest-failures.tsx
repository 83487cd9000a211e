import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useApi, useLive, useTenant } from '../../app/context.tsx';
import { useEndpointNames } from '../../data/queries.ts';
import { Section } from '../../parts/page.tsx';
import { Outcome } from '../../parts/status.tsx';
import { Ago } from '../../parts/time.tsx';
import { overview } from '../../strings/overview.ts';
import classes from './overview.module.css';

const text = overview.failures;
const SHOWN = 5;

export function LatestFailures() {
  const api = useApi();
  const tenant = useTenant();
  const live = useLive();
  const nameOf = useEndpointNames();
  const { data, refetch } = useQuery({
    queryKey: [tenant, 'attempts', 'failed'],
    queryFn: ({ signal }) =>
      api.listAttempts({ tenant, state: 'failed', limit: SHOWN }, { signal }),
  });
  useEffect(
    () =>
      live.onAttempts((rows) => {
        if (rows.some(({ state }) => state === 'failed')) void refetch();
      }),
    [live, refetch],
  );
  return (
    <Section
      title={text.title}
      actions={
        <Link to="/$tenant/activity" params={{ tenant }} search={{ state: 'failed' }}>
          {text.all}
        </Link>
      }
    >
      {data?.items.length === 0 && <p className="secondary">{text.none}</p>}
      <ul className={classes.rows}>
        {data?.items.map((row) => (
          <li key={row.id}>
            <Link
              to="/$tenant/activity/$attempt"
              params={{ tenant, attempt: row.id }}
              search={{ state: 'failed' }}
              className={classes.failure}
            >
              <Outcome state={row.state} status={row.status} fault={row.fault} />
              <span className="cut">{row.type}</span>
              <span className="cut secondary">{nameOf(row.endpoint)}</span>
              <span className="secondary">
                <Ago at={row.startedAt} />
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </Section>
  );
}
