import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useApi, useLive, useTenant } from '../../app/context.tsx';
import { formatMs } from '../../app/format.ts';
import type { EndpointRow } from '../../data/types.ts';
import { Section } from '../../parts/page.tsx';
import { Outcome } from '../../parts/status.tsx';
import { Ago } from '../../parts/time.tsx';
import { webhooks } from '../../strings/webhooks.ts';
import classes from './detail.module.css';

const text = webhooks.detail;
const SHOWN = 10;

/** The newest attempts, live. */
export function Latest({ endpoint }: { endpoint: EndpointRow['id'] }) {
  const api = useApi();
  const tenant = useTenant();
  const live = useLive();
  const { data, refetch } = useQuery({
    queryKey: [tenant, 'attempts', { endpoint }],
    queryFn: ({ signal }) => api.listAttempts({ tenant, endpoint, limit: SHOWN }, { signal }),
  });
  useEffect(
    () =>
      live.onAttempts((rows) => {
        if (rows.some((row) => row.endpoint === endpoint)) void refetch();
      }),
    [live, endpoint, refetch],
  );
  return (
    <Section
      title={text.activity}
      actions={
        <Link to="/$tenant/activity" params={{ tenant }} search={{ endpoint }}>
          {text.allActivity}
        </Link>
      }
    >
      {data?.items.length === 0 && <p className="secondary">{text.noActivity}</p>}
      <ul className={classes.rows}>
        {data?.items.map((row) => (
          <li key={row.id}>
            <Link
              to="/$tenant/activity/$attempt"
              params={{ tenant, attempt: row.id }}
              search={{ endpoint }}
              className={classes.row}
            >
              <Outcome state={row.state} status={row.status} fault={row.fault} />
              <span className="cut">{row.type}</span>
              <span className="secondary">{row.n === 0 ? '' : formatMs(row.durationMs)}</span>
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
