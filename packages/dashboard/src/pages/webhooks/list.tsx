import { Button, TextInput } from '@mantine/core';
import { Link, useNavigate } from '@tanstack/react-router';
import { useDeferredValue, useRef, useState } from 'react';
import { useRights, useTenant } from '../../app/context.tsx';
import { useShortcut } from '../../app/shortcuts.tsx';
import { nameOf, useEndpoints } from '../../data/queries.ts';
import type { EndpointRow } from '../../data/types.ts';
import { Empty, Failed, Loading } from '../../parts/faces.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Page } from '../../parts/page.tsx';
import { Status } from '../../parts/status.tsx';
import { keys } from '../../strings/keys.ts';
import { webhooks } from '../../strings/webhooks.ts';
import classes from './list.module.css';
import { byGravity, markOf } from './state.ts';

export function WebhookList() {
  const tenant = useTenant();
  const { write } = useRights();
  const navigate = useNavigate();
  const { data, error, refetch } = useEndpoints();
  const create = () => void navigate({ to: '/$tenant/webhooks/new', params: { tenant } });
  useShortcut({ keys: 'n', label: keys.create, group: keys.lists, run: create }, write);
  return (
    <Page
      title={webhooks.title}
      fixed
      actions={
        write && (
          <Button variant="filled" onClick={create} leftSection={<Icon name="plus" size={14} />}>
            {webhooks.create}
          </Button>
        )
      }
    >
      {!data && error && <Failed error={error} retry={() => void refetch()} />}
      {!data && !error && <Loading />}
      {data?.length === 0 && (
        <Empty icon="webhook" title={webhooks.emptyTitle}>
          <p>{webhooks.emptyText}</p>
          {write && (
            <Button variant="filled" onClick={create}>
              {webhooks.create}
            </Button>
          )}
        </Empty>
      )}
      {data && data.length > 0 && <Found endpoints={data} />}
    </Page>
  );
}

function Found({ endpoints }: { endpoints: readonly EndpointRow[] }) {
  const [text, setText] = useState('');
  const wanted = useDeferredValue(text);
  const input = useRef<HTMLInputElement>(null);
  const focus = () => input.current?.focus();
  useShortcut({ keys: '/', label: keys.filter, group: keys.lists, run: focus });
  const shown = endpoints.filter((endpoint) => fits(endpoint, wanted)).sort(byGravity);
  return (
    <>
      <div className={classes.tools}>
        <TextInput
          ref={input}
          aria-label={webhooks.search}
          placeholder={webhooks.search}
          leftSection={<Icon name="search" size={14} />}
          className={classes.search}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
      </div>
      {shown.length === 0 && <Empty icon="search" title={webhooks.nothingFound} />}
      {shown.length > 0 && <Table endpoints={shown} />}
    </>
  );
}

function fits({ name, url, eventTypes, description }: EndpointRow, text: string): boolean {
  const all = [name, url, description, ...eventTypes].join(' ').toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}

function Table({ endpoints }: { endpoints: readonly EndpointRow[] }) {
  const { heads } = webhooks;
  return (
    <div className={classes.pane}>
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">{heads.name}</th>
            <th scope="col">{heads.status}</th>
            <th scope="col" className={classes.events}>
              {heads.events}
            </th>
          </tr>
        </thead>
        <tbody>
          {endpoints.map((endpoint) => (
            <Row key={endpoint.id} endpoint={endpoint} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ endpoint }: { endpoint: EndpointRow }) {
  const tenant = useTenant();
  const name = nameOf(endpoint);
  return (
    <tr>
      <td>
        <Link
          to="/$tenant/webhooks/$endpoint"
          params={{ tenant, endpoint: endpoint.id }}
          className={classes.name}
        >
          {name}
        </Link>
        <div className={`${classes.url} cut mono secondary`}>
          {endpoint.method === 'POST' ? '' : `${endpoint.method} `}
          {endpoint.url}
        </div>
      </td>
      <td>
        <Status mark={markOf(endpoint)} />
      </td>
      <td className={classes.events}>
        <Types types={endpoint.eventTypes} />
        {endpoint.scope === 'all' && <span className="secondary"> · {webhooks.allTenants}</span>}
      </td>
    </tr>
  );
}

const TYPES_SHOWN = 2;

export function Types({ types }: { types: readonly string[] }) {
  if (types.length === 0) return <span className="secondary">{webhooks.allEvents}</span>;
  const rest = types.length - TYPES_SHOWN;
  return (
    <span title={types.join('\n')}>
      {types.slice(0, TYPES_SHOWN).join(', ')}
      {rest > 0 && <span className="secondary"> {webhooks.more(rest)}</span>}
    </span>
  );
}
