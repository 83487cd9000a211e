import { ApiError } from '@posthorn/api/browser';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { type ReactNode, useRef, useState } from 'react';
import { useApi, useTenant } from '../../app/context.tsx';
import { useToast } from '../../app/toasts.tsx';
import { nameOf, queries } from '../../data/queries.ts';
import type { EndpointRow } from '../../data/types.ts';
import { Failed, Loading } from '../../parts/faces.tsx';
import { Page } from '../../parts/page.tsx';
import { form } from '../../strings/webhook-form.ts';
import { webhooks } from '../../strings/webhooks.ts';
import { Conflict } from './conflict.tsx';
import { draftOf, EMPTY, settingsOf } from './draft.ts';
import { type Settings, WebhookForm } from './form/form.tsx';
import { GrantedNote } from './granted.tsx';

export function NewWebhook() {
  const api = useApi();
  const tenant = useTenant();
  const navigate = useNavigate();
  const stored = useStored();
  const { types } = useSearch({ from: '/$tenant/webhooks/new' });
  const [initial] = useState(() =>
    types === undefined ? EMPTY : { ...EMPTY, allEvents: false, eventTypes: types },
  );
  const save = async (settings: Settings) => {
    const { id } = await api.createEndpoint({ tenant, body: settings });
    await stored();
    await navigate({ to: '/$tenant/webhooks/$endpoint', params: { tenant, endpoint: id } });
  };
  return (
    <Page
      title={form.newTitle}
      back={{ label: webhooks.title, link: { to: '/$tenant/webhooks', params: { tenant } } }}
    >
      <WebhookForm
        initial={initial}
        submitLabel={form.create}
        save={save}
        cancel={() => void navigate({ to: '/$tenant/webhooks', params: { tenant } })}
      />
    </Page>
  );
}

export function EditWebhook() {
  const { endpoint: id } = useParams({ from: '/$tenant/webhooks/$endpoint/edit' });
  const endpoint = id as EndpointRow['id'];
  const tenant = useTenant();
  const { data, error, refetch } = useQuery({
    ...queries.endpoint(useApi(), tenant, endpoint),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (!data) return error ? <Failed error={error} retry={() => void refetch()} /> : <Loading />;
  return data.grant === null ? <Edit key={data.id} endpoint={data} /> : <Granted endpoint={data} />;
}

/** An address that somebody kept: the page of the webhook does not lead here. */
function Granted({ endpoint }: { endpoint: EndpointRow }) {
  return (
    <EditPage endpoint={endpoint}>
      <GrantedNote />
    </EditPage>
  );
}

function EditPage({ endpoint, children }: { endpoint: EndpointRow; children: ReactNode }) {
  const tenant = useTenant();
  const name = nameOf(endpoint);
  return (
    <Page
      title={name}
      documentTitle={`${form.editTitle} ${name}`}
      back={{
        label: name,
        link: { to: '/$tenant/webhooks/$endpoint', params: { tenant, endpoint: endpoint.id } },
      }}
    >
      {children}
    </Page>
  );
}

/** `endpoint` is as the server has it now, and changes when somebody else saves. */
function Edit({ endpoint }: { endpoint: EndpointRow }) {
  const navigate = useNavigate();
  const tenant = useTenant();
  const [base, setBase] = useState(endpoint);
  // A pause by somebody else is no conflict: it is no part of the form.
  const theirs = settingsKey(endpoint) === settingsKey(base) ? undefined : endpoint;
  /** What the person has seen of theirs, and replaces: a change that comes after it is shown first, too. */
  const replaced = useRef(base);
  const save = useSave(endpoint.id, () => (theirs === undefined ? endpoint : replaced.current));
  return (
    <EditPage endpoint={endpoint}>
      <WebhookForm
        key={base.version}
        initial={draftOf(base)}
        endpoint={endpoint.id}
        submitLabel={form.save}
        save={save}
        cancel={() =>
          void navigate({
            to: '/$tenant/webhooks/$endpoint',
            params: { tenant, endpoint: endpoint.id },
          })
        }
        notice={
          theirs &&
          ((draft) => (
            <Conflict
              theirs={settingsOf(draftOf(theirs)).settings}
              mine={settingsOf(draft).settings}
              onTheirs={() => setBase(theirs)}
              onMine={() => {
                replaced.current = theirs;
              }}
            />
          ))
        }
      />
    </EditPage>
  );
}

function settingsKey(endpoint: EndpointRow): string {
  return JSON.stringify(settingsOf(draftOf(endpoint)).settings);
}

/** `over`: what is known to be there and is replaced; anything newer is refused. */
function useSave(endpoint: EndpointRow['id'], over: () => EndpointRow) {
  const api = useApi();
  const client = useQueryClient();
  const navigate = useNavigate();
  const tenant = useTenant();
  const toast = useToast();
  const stored = useStored();
  const here = { tenant, endpoint };
  return async (settings: Settings) => {
    try {
      await api.updateEndpoint({ ...here, body: { ...settings, version: over().version } });
    } catch (error) {
      if (error instanceof ApiError && error.status === 409) {
        await client.invalidateQueries(queries.endpoint(api, tenant, endpoint));
      }
      throw error;
    }
    await stored();
    toast({ text: form.saved });
    await navigate({ to: '/$tenant/webhooks/$endpoint', params: here });
  };
}

/** What was written is read again before the next page shows it. */
function useStored(): () => Promise<void> {
  const client = useQueryClient();
  const tenant = useTenant();
  return () => client.invalidateQueries({ queryKey: [tenant, 'endpoints'], refetchType: 'all' });
}
