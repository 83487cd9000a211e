import { Button } from '@mantine/core';
import { matchesFilter } from '@posthorn/wire';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useApi, useTenant } from '../../../app/context.tsx';
import { listensTo } from '../../../data/catalogue.ts';
import type { WholeEvent } from '../../../data/types.ts';
import { Failed, Loading } from '../../../parts/faces.tsx';
import { Status } from '../../../parts/status.tsx';
import { Ago } from '../../../parts/time.tsx';
import { form } from '../../../strings/webhook-form.ts';
import type { Draft } from '../draft.ts';
import { filterOf } from '../filter-draft.ts';
import classes from './form.module.css';

const text = form.filter;
const EVENTS = 20;

/** What the filter would have let through of what came last; judged by the code that judges when it is routed. */
export function FilterTrial({ draft }: { draft: Draft }) {
  const api = useApi();
  const tenant = useTenant();
  const { data, error, refetch, isFetching } = useQuery({
    queryKey: [tenant, 'events', 'recent', EVENTS],
    queryFn: async ({ signal }) => {
      const { items } = await api.listEvents({ tenant, limit: EVENTS }, { signal });
      return Promise.all(items.map(({ id }) => api.getEvent({ tenant, event: id }, { signal })));
    },
  });
  const eventTypes = draft.allEvents ? [] : draft.eventTypes;
  const events = data?.filter(({ type }) => listensTo({ eventTypes: [...eventTypes] }, type));
  const filter = useMemo(() => filterOf(draft.filter), [draft.filter]);
  if (error) return <Failed error={error} retry={() => void refetch()} />;
  if (!events) return <Loading rows={3} />;
  const judged = events.map((event) => ({
    event,
    fits: filter !== null && matchesFilter(filter, subjectOf(event)),
  }));
  return (
    <section className={classes.trial} aria-label={text.trial}>
      <div className={classes.trialHead}>
        <strong>
          {judged.length === 0
            ? text.noEvents
            : text.fits(judged.filter(({ fits }) => fits).length, judged.length)}
        </strong>
        <Button loading={isFetching} onClick={() => void refetch()}>
          {text.again}
        </Button>
      </div>
      <ul>
        {judged.map(({ event, fits }) => (
          <li key={event.id}>
            <Status mark={fits ? 'succeeded' : 'off'} text={fits ? text.passes : text.leftOut} />
            <Link
              to="/$tenant/events/$event"
              params={{ tenant, event: event.id }}
              target="_blank"
              className="cut"
            >
              {event.type}
            </Link>
            <span className="secondary">
              <Ago at={event.createdAt} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function subjectOf({ type, subject, actor, context, data }: WholeEvent) {
  return { type, subject, actor, context, data };
}
