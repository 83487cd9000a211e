import { Button, Menu } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useApi, useApp, useLive, useRights, useTenant } from '../../app/context.tsx';
import { formatBytes, formatMoment } from '../../app/format.ts';
import { memberText } from '../../data/member-text.ts';
import { useEndpointNames } from '../../data/queries.ts';
import type { DeliveryRow, EventRow, WholeEvent } from '../../data/types.ts';
import { useAction } from '../../parts/actions.tsx';
import { Copyable } from '../../parts/copy.tsx';
import { BodyView } from '../../parts/exchange/body-view.tsx';
import { Failed, Loading } from '../../parts/faces.tsx';
import { type Fact, Facts } from '../../parts/facts.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Page, Section } from '../../parts/page.tsx';
import { Outcome } from '../../parts/status.tsx';
import { Ago } from '../../parts/time.tsx';
import { activity } from '../../strings/activity.ts';
import classes from './event.module.css';

const text = activity.event;
const PAGE = 200;

export function EventPage() {
  const { event: id } = useParams({ from: '/$tenant/events/$event' });
  const event = id as EventRow['id'];
  const { apiText } = useApp();
  const { publish } = useRights();
  const navigate = useNavigate();
  const tenant = useTenant();
  const { data, error, refetch } = useQuery({
    queryKey: [tenant, 'events', event],
    queryFn: async ({ signal }) => {
      const text = await apiText('getEvent', { tenant, event }, { signal });
      const { data: _, ...about } = JSON.parse(text) as WholeEvent;
      return { ...about, text: memberText(text, 'data') ?? '' };
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (!data) return error ? <Failed error={error} retry={() => void refetch()} /> : <Loading />;
  return (
    <Page
      title={data.type}
      back={{
        label: activity.views.events,
        link: { to: '/$tenant/activity', params: { tenant }, search: { view: 'events' } },
      }}
      about={
        <>
          <Copyable text={data.id} /> · <Ago at={data.createdAt} />
        </>
      }
      actions={
        <>
          {publish && (
            <Button
              onClick={() =>
                void navigate({
                  to: '/$tenant/events/new',
                  params: { tenant },
                  search: { from: event },
                })
              }
              leftSection={<Icon name="edit" size={14} />}
            >
              {activity.detail.edit}
            </Button>
          )}
          {data.deliveries > 0 && <ResendEvent event={event} />}
        </>
      }
    >
      <Deliveries event={event} />
      <Section title={text.data}>
        <BodyView body={{ encoding: 'utf8', text: data.text }} contentType="application/json" />
      </Section>
      <Facts facts={factsOf(data)} />
    </Page>
  );
}

function factsOf(event: EventRow): Fact[] {
  const { fields } = text;
  return [
    [fields.key, event.idempotencyKey],
    [fields.occurredAt, formatMoment(event.occurredAt)],
    [fields.createdAt, formatMoment(event.createdAt)],
    [fields.subject, event.subject],
    [fields.orderingKey, event.orderingKey],
    [fields.channels, event.channels?.join(', ')],
    [fields.size, formatBytes(event.sizeBytes)],
    [text.actor, event.actor && JSON.stringify(event.actor)],
    [text.context, event.context && JSON.stringify(event.context)],
    [text.headers, event.headers?.map(({ name, value }) => `${name}: ${value}`).join('\n')],
  ];
}

function Deliveries({ event }: { event: EventRow['id'] }) {
  const api = useApi();
  const tenant = useTenant();
  const live = useLive();
  const nameOf = useEndpointNames();
  const { data, refetch } = useQuery({
    queryKey: [tenant, 'deliveries', event],
    queryFn: ({ signal }) => api.listDeliveries({ tenant, event, limit: PAGE }, { signal }),
  });
  useEffect(
    () =>
      live.onAttempts((rows) => {
        if (rows.some((row) => row.event === event)) void refetch();
      }),
    [live, event, refetch],
  );
  return (
    <Section title={text.deliveries}>
      {data?.items.length === 0 && <p className="secondary">{text.none}</p>}
      <ul className={classes.deliveries}>
        {data?.items.map((row) => (
          <li key={row.id} className={classes.delivery}>
            <Outcome {...row} />
            <span className="cut">
              <Link
                to="/$tenant/activity"
                params={{ tenant }}
                search={{ endpoint: row.endpoint, type: row.type }}
              >
                {nameOf(row.endpoint)}
              </Link>
            </span>
            <When row={row} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

function When({ row }: { row: DeliveryRow }) {
  const at = row.nextAt ?? row.lastAttemptAt ?? row.createdAt;
  return (
    <span className="secondary">
      {row.attempts}× · <Ago at={at} />
    </span>
  );
}

function ResendEvent({ event }: { event: EventRow['id'] }) {
  const { write } = useRights();
  const api = useApi();
  const tenant = useTenant();
  const resend = useAction({
    run: (only: 'all' | 'failed') => api.resendEvent({ tenant, event, body: { only } }),
    done: ({ resent }) => text.resent(resent),
    touches: [[tenant, 'deliveries']],
  });
  if (!write) return null;
  return (
    <Menu>
      <Menu.Target>
        <Button loading={resend.isPending} leftSection={<Icon name="retry" size={14} />}>
          {activity.detail.resend}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => resend.mutate('all')}>{text.resendAll}</Menu.Item>
        <Menu.Item onClick={() => resend.mutate('failed')}>{text.resendFailed}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
