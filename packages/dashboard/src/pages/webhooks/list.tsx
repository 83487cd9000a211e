import { Button, TextInput } from '@mantine/core';
import { Link, useNavigate } from '@tanstack/react-router';
import { useDeferredValue, useRef, useState } from 'react';
import { useRights, useTenant } from '../../app/context.tsx';
import { useShortcut } from '../../app/shortcuts.tsx';
import { nameOf, useEndpoints } from '../../data/queries.ts';
import { useAllEndpointStats } from '../../data/stats.ts';
import type { EndpointRow, EndpointStatsRow, StatsWindow } from '../../data/types.ts';
import { Empty, Failed, Loading } from '../../parts/faces.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Page } from '../../parts/page.tsx';
import { Ended, Rate } from '../../parts/rate.tsx';
import { Spark } from '../../parts/spark.tsx';
import { Status } from '../../parts/status.tsx';
import { Ago } from '../../parts/time.tsx';
import { WindowSwitch } from '../../parts/window-switch.tsx';
import { keys } from '../../strings/keys.ts';
import { webhooks } from '../../strings/webhooks.ts';
import classes from './list.module.css';
import { byGravity, type Judged, markOf } from './state.ts';

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
  const [window, setWindow] = useState<StatsWindow>('24h');
  const { data: stats } = useAllEndpointStats(window);
  const shown = endpoints
    .filter((endpoint) => fits(endpoint, wanted))
    .map((endpoint) => ({ endpoint, stats: stats?.get(endpoint.id) }))
    .sort(byGravity);
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
        <WindowSwitch value={window} onChange={setWindow} />
      </div>
      {shown.length === 0 && <Empty icon="search" title={webhooks.nothingFound} />}
      {shown.length > 0 && <Table rows={shown} window={window} />}
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

function Table({ rows, window }: { rows: readonly Judged[]; window: StatsWindow }) {
  const { heads } = webhooks;
  return (
    <div className={classes.pane}>
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">{heads.name}</th>
            <th scope="col">{heads.status}</th>
            <th scope="col" className={classes.ended}>
              {heads.ended[window]}
            </th>
            <th scope="col" className={classes.last}>
              {heads.last}
            </th>
            <th scope="col" className={classes.events}>
              {heads.events}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row key={row.endpoint.id} {...row} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ endpoint, stats }: Judged) {
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
        <Status mark={markOf(endpoint, stats)} />
      </td>
      <td className={classes.ended}>{stats && <Deliveries name={name} stats={stats} />}</td>
      <td className={`${classes.last} secondary`}>
        {stats?.lastAttemptAt && <Ago at={stats.lastAttemptAt} />}
      </td>
      <td className={classes.events}>
        <Types types={endpoint.eventTypes} />
        {endpoint.scope !== 'tenant' && (
          <span className="secondary"> · {webhooks.beyond[endpoint.scope]}</span>
        )}
      </td>
    </tr>
  );
}

function Deliveries({ name, stats }: { name: string; stats: EndpointStatsRow }) {
  const { successRate, deliveries } = stats.total;
  return (
    <div className={classes.deliveries}>
      <Spark label={webhooks.spark(name)} succeeded={stats.succeeded} failed={stats.failed} />
      <span>
        <Rate rate={successRate} /> <Ended {...deliveries} />
      </span>
    </div>
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
