import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useApi, useRights, useTenant } from '../../app/context.tsx';
import { formatMoment, formatSpan } from '../../app/format.ts';
import { useShortcut } from '../../app/shortcuts.tsx';
import { nameOf, queries } from '../../data/queries.ts';
import { useEndpointStats } from '../../data/stats.ts';
import type { EndpointRow, StatsWindow } from '../../data/types.ts';
import { Copyable } from '../../parts/copy.tsx';
import { Failed, Loading } from '../../parts/faces.tsx';
import { type Fact, Facts } from '../../parts/facts.tsx';
import { IconButton } from '../../parts/icon-button.tsx';
import { Page, Section } from '../../parts/page.tsx';
import { Status } from '../../parts/status.tsx';
import { WindowSwitch } from '../../parts/window-switch.tsx';
import { common } from '../../strings/common.ts';
import { form } from '../../strings/webhook-form.ts';
import { webhooks } from '../../strings/webhooks.ts';
import { Charts } from '../overview/charts.tsx';
import { Figures } from '../overview/figures.tsx';
import { RunningReplays } from '../replays/running-replays.tsx';
import { Actions } from './actions.tsx';
import classes from './detail.module.css';
import { GrantedNote } from './granted.tsx';
import { Latest } from './latest.tsx';
import { Types } from './list.tsx';
import { Secret } from './secret.tsx';
import { sendingDraftOf, spanOf } from './sending-draft.ts';
import { markOf } from './state.ts';
import { useTestEndpoint } from './test-endpoint.tsx';
import { TestResult } from './test-result.tsx';

const text = webhooks.detail;

export function WebhookDetail() {
  const { endpoint: id } = useParams({ from: '/$tenant/webhooks/$endpoint' });
  const tenant = useTenant();
  const endpoint = id as EndpointRow['id'];
  const { data, error, refetch } = useQuery(queries.endpoint(useApi(), tenant, endpoint));
  if (!data) return error ? <Failed error={error} retry={() => void refetch()} /> : <Loading />;
  return <Detail key={data.id} endpoint={data} />;
}

function Detail({ endpoint }: { endpoint: EndpointRow }) {
  const { data: stats } = useEndpointStats(endpoint.id, '24h');
  const tenant = useTenant();
  const { write } = useRights();
  const navigate = useNavigate();
  const test = useTestEndpoint(endpoint.id);
  const edit = () =>
    void navigate({
      to: '/$tenant/webhooks/$endpoint/edit',
      params: { tenant, endpoint: endpoint.id },
    });
  const changes = write && endpoint.grant === null;
  useShortcut({ keys: 'e', label: text.edit, group: webhooks.title, run: edit }, changes);
  return (
    <Page
      title={nameOf(endpoint)}
      live
      back={{ label: webhooks.title, link: { to: '/$tenant/webhooks', params: { tenant } } }}
      about={
        <span className={classes.about}>
          <Status mark={markOf(endpoint, stats)} />
          <Copyable text={endpoint.url} shown={`${endpoint.method} ${endpoint.url}`} />
        </span>
      }
      actions={
        write && (
          <>
            {test.button}
            <Actions endpoint={endpoint} onEdit={edit} />
          </>
        )
      }
    >
      <RunningReplays endpoint={endpoint.id} />
      <Note endpoint={endpoint} />
      {endpoint.grant !== null && <GrantedNote />}
      {test.result && (
        <Section
          title={webhooks.test.title}
          actions={<IconButton icon="close" label={common.dismiss} onClick={test.dismiss} />}
        >
          <TestResult result={test.result} />
        </Section>
      )}
      <Statistics endpoint={endpoint.id} />
      <Latest endpoint={endpoint.id} />
      {write && <Secret endpoint={endpoint} />}
      <Section title={text.settings}>
        {endpoint.description !== '' && <p>{endpoint.description}</p>}
        <Facts facts={factsOf(endpoint)} />
      </Section>
    </Page>
  );
}

function Statistics({ endpoint }: { endpoint: EndpointRow['id'] }) {
  const [window, setWindow] = useState<StatsWindow>('24h');
  const { data } = useEndpointStats(endpoint, window);
  if (!data) return null;
  return (
    <Section title={text.statistics} actions={<WindowSwitch value={window} onChange={setWindow} />}>
      <Figures stats={data} />
      <Charts stats={data} />
    </Section>
  );
}

/** Why nothing is sent, if that is so. */
function Note({ endpoint }: { endpoint: EndpointRow }) {
  const { disabled, enabled, paused } = endpoint;
  const note = disabled
    ? text.disabledNote[disabled.reason]
    : !enabled
      ? text.offNote
      : paused
        ? text.pausedNote
        : undefined;
  if (note === undefined) return null;
  return (
    <p className={classes.note} role="status">
      {note}
      {disabled && <span className="secondary"> ({formatMoment(disabled.at)})</span>}
    </p>
  );
}

function factsOf(endpoint: EndpointRow): Fact[] {
  const { format, sending, more } = form;
  const span = spanOf(sendingDraftOf(endpoint).retry);
  const { dialect, actorFields, timeoutMs, metadata } = endpoint;
  return [
    [form.sections.events, <Types key="types" types={endpoint.eventTypes} />],
    [form.events.channels, endpoint.channels.join(', ')],
    [form.filter.title, endpoint.filter && <code>{JSON.stringify(endpoint.filter)}</code>],
    [format.dialect, dialect === null ? sending.unlimited : format.dialects[dialect]?.[0]],
    [format.contentType, endpoint.contentType],
    [format.fields, endpoint.fields.join(', ')],
    [format.actor, actorFields && (actorFields.join(', ') || format.actorAll)],
    [form.sections.headers, endpoint.headers.map((one) => `${one.name}: ${one.value}`).join('\n')],
    [sending.retry, span ? sending.total(span.attempts, formatSpan(span.ms)) : sending.unlimited],
    [sending.timeout, timeoutMs === null ? null : formatSpan(timeoutMs)],
    [sending.rate, endpoint.rateLimit],
    [sending.concurrency, endpoint.maxConcurrency],
    [sending.ordering, endpoint.ordering === 'none' ? null : sending.orderings[endpoint.ordering]],
    [more.scope, endpoint.scope === 'tenant' ? null : more.scopes[endpoint.scope]],
    [
      more.metadata,
      Object.entries(metadata)
        .map(([key, value]) => `${key} = ${value}`)
        .join('\n'),
    ],
    ['Id', <Copyable key="id" text={endpoint.id} />],
  ];
}
