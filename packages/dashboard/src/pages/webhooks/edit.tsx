import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useApi, useTenant } from '../../app/context.tsx';
import { useToast } from '../../app/toasts.tsx';
import { nameOf, queries } from '../../data/queries.ts';
import type { EndpointRow } from '../../data/types.ts';
import { Failed, Loading } from '../../parts/faces.tsx';
import { Page } from '../../parts/page.tsx';
import { form } from '../../strings/webhook-form.ts';
import { webhooks } from '../../strings/webhooks.ts';
import { draftOf, EMPTY } from './draft.ts';
import { type Settings, WebhookForm } from './form/form.tsx';

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
    // What is being edited must not change under the hands: a conflict is met when it is saved.
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (!data) return error ? <Failed error={error} retry={() => void refetch()} /> : <Loading />;
  return <Edit key={data.id} endpoint={data} />;
}

function Edit({ endpoint }: { endpoint: EndpointRow }) {
  const api = useApi();
  const tenant = useTenant();
  const navigate = useNavigate();
  const stored = useStored();
  const toast = useToast();
  const here = { tenant, endpoint: endpoint.id };
  const back = () => navigate({ to: '/$tenant/webhooks/$endpoint', params: here });
  const save = async (settings: Settings) => {
    await api.updateEndpoint({ ...here, body: { ...settings, version: endpoint.version } });
    await stored();
    toast({ text: form.saved });
    await back();
  };
  return (
    <Page
      title={nameOf(endpoint)}
      documentTitle={`${form.editTitle} ${nameOf(endpoint)}`}
      back={{
        label: nameOf(endpoint),
        link: { to: '/$tenant/webhooks/$endpoint', params: here },
      }}
    >
      <WebhookForm
        initial={draftOf(endpoint)}
        endpoint={endpoint.id}
        submitLabel={form.save}
        save={save}
        cancel={() => void back()}
      />
    </Page>
  );
}

/** What was written is read again before the next page shows it. */
function useStored(): () => Promise<void> {
  const client = useQueryClient();
  const tenant = useTenant();
  return () => client.invalidateQueries({ queryKey: [tenant, 'endpoints'], refetchType: 'all' });
}
