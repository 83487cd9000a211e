import { Button, Menu } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useApi, useRights, useTenant } from '../../app/context.tsx';
import { useSubscribers } from '../../data/catalogue.ts';
import { layOut } from '../../data/json-lines.ts';
import { nameOf } from '../../data/queries.ts';
import type { EventTypeRow } from '../../data/types.ts';
import { useAction } from '../../parts/actions.tsx';
import { Confirm } from '../../parts/confirm.tsx';
import { CopyButton } from '../../parts/copy.tsx';
import { JsonView } from '../../parts/exchange/json-view.tsx';
import { Failed, Loading } from '../../parts/faces.tsx';
import { Icon } from '../../parts/icon.tsx';
import { MoreMenu } from '../../parts/more-menu.tsx';
import { Page, Section } from '../../parts/page.tsx';
import { Status } from '../../parts/status.tsx';
import { eventTypes } from '../../strings/event-types.ts';
import { markOf } from '../webhooks/state.ts';
import classes from './event-types.module.css';

const text = eventTypes.detail;

export function EventTypeDetail() {
  const { type } = useParams({ from: '/$tenant/event-types/$type' });
  const api = useApi();
  const tenant = useTenant();
  const { data, error, refetch } = useQuery({
    queryKey: [tenant, 'event-types', type],
    queryFn: ({ signal }) => api.getEventType({ tenant, type }, { signal }),
  });
  if (!data) return error ? <Failed error={error} retry={() => void refetch()} /> : <Loading />;
  return <Detail key={data.name} type={data} />;
}

function Detail({ type }: { type: EventTypeRow }) {
  const tenant = useTenant();
  const { write, publish } = useRights();
  const about = [
    type.group,
    type.label,
    ...(type.inherited ? [eventTypes.inherited(type.tenant)] : []),
    ...(type.archived ? [eventTypes.archived] : []),
  ].filter((part) => part !== '');
  return (
    <Page
      title={type.name}
      back={{ label: eventTypes.title, link: { to: '/$tenant/event-types', params: { tenant } } }}
      about={about.join(' · ')}
      actions={
        <>
          {publish && <SendSample type={type} />}
          {write && <Actions type={type} />}
        </>
      }
    >
      {type.description !== '' && <p>{type.description}</p>}
      <div className={classes.two}>
        <Json title={text.example} value={type.example?.data} none={text.noExample} />
        <Json title={text.schema} value={type.schema ?? undefined} none={text.noSchema} />
      </div>
      <Subscribers type={type.name} />
    </Page>
  );
}

function Json({ title, value, none }: { title: string; value: unknown; none: string }) {
  const json = value === undefined ? undefined : JSON.stringify(value);
  const lines = json === undefined ? undefined : layOut(json);
  return (
    <Section
      title={title}
      actions={lines && <CopyButton text={() => JSON.stringify(value, null, 2)} />}
    >
      {lines ? <JsonView lines={lines} /> : <p className="secondary">{none}</p>}
    </Section>
  );
}

function Subscribers({ type }: { type: string }) {
  const tenant = useTenant();
  const subscribers = useSubscribers()(type);
  return (
    <Section
      title={text.subscribed}
      actions={
        <Link to="/$tenant/activity" params={{ tenant }} search={{ type }}>
          {text.activity}
        </Link>
      }
    >
      {subscribers.length === 0 && <p className="secondary">{text.nobody}</p>}
      <ul className={classes.subscribers}>
        {subscribers.map((endpoint) => (
          <li key={endpoint.id}>
            <Link to="/$tenant/webhooks/$endpoint" params={{ tenant, endpoint: endpoint.id }}>
              {nameOf(endpoint)}
            </Link>{' '}
            {markOf(endpoint) !== 'on' && <Status mark={markOf(endpoint)} />}
          </li>
        ))}
      </ul>
    </Section>
  );
}

function SendSample({ type }: { type: EventTypeRow }) {
  const api = useApi();
  const tenant = useTenant();
  const { data = {}, ...rest } = type.example ?? {};
  const send = useAction({
    run: async () => {
      const body = { type: type.name, data, ...rest };
      const answer = await api.publishEvents({ tenant, body });
      return Array.isArray(answer) ? answer[0] : answer;
    },
    done: (accepted) => text.sent(accepted?.deliveries ?? 0),
  });
  return (
    <Button
      title={text.sendAbout}
      loading={send.isPending}
      onClick={() => send.mutate(undefined)}
      leftSection={<Icon name="send" size={14} />}
    >
      {text.send}
    </Button>
  );
}

function Actions({ type }: { type: EventTypeRow }) {
  const api = useApi();
  const tenant = useTenant();
  const navigate = useNavigate();
  const [deleting, setDeleting] = useState(false);
  const { name, archived, inherited, version } = type;
  const touches = [[tenant, 'event-types']];
  const archive = useAction({
    run: () => api.updateEventType({ tenant, type: name, body: { archived: !archived, version } }),
    done: () => text.saved,
    touches,
  });
  const edit = () =>
    void navigate({ to: '/$tenant/event-types/$type/edit', params: { tenant, type: name } });
  return (
    <>
      <Button onClick={edit} leftSection={<Icon name="edit" size={14} />}>
        {inherited ? text.override : text.edit}
      </Button>
      {!inherited && (
        <MoreMenu>
          <Menu.Item leftSection={<Icon name="inbox" />} onClick={() => archive.mutate(undefined)}>
            {archived ? text.unarchive : text.archive}
          </Menu.Item>
          <Menu.Item
            color="red"
            leftSection={<Icon name="trash" />}
            onClick={() => setDeleting(true)}
          >
            {text.delete}
          </Menu.Item>
        </MoreMenu>
      )}
      {deleting && <Delete name={name} onClose={() => setDeleting(false)} />}
    </>
  );
}

function Delete({ name, onClose }: { name: string; onClose: () => void }) {
  const api = useApi();
  const tenant = useTenant();
  const navigate = useNavigate();
  const remove = useAction({
    run: () => api.deleteEventType({ tenant, type: name }),
    done: () => text.deleted,
    touches: [[tenant, 'event-types', 'list']],
    after: () => void navigate({ to: '/$tenant/event-types', params: { tenant } }),
  });
  return (
    <Confirm
      title={text.deleteTitle}
      action={text.delete}
      busy={remove.isPending}
      onConfirm={() => remove.mutate(undefined)}
      onClose={onClose}
    >
      {text.deleteText}
    </Confirm>
  );
}
