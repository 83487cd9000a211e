import { Autocomplete } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { useApi, useTenant } from '../../../app/context.tsx';
import { useEventTypes } from '../../../data/catalogue.ts';
import type { EndpointRow } from '../../../data/types.ts';
import { MessageView } from '../../../parts/exchange/message-view.tsx';
import { messageOf } from '../../../parts/faces.tsx';
import classes from '../../../parts/form.module.css';
import { form } from '../../../strings/webhook-form.ts';
import { type Draft, settingsOf } from '../draft.ts';

const text = form.preview;
const STILL_MS = 300;

export interface PreviewProps {
  readonly draft: Draft;
  /** Undefined: it is not saved yet. */
  readonly endpoint: EndpointRow['id'] | undefined;
}

/** The request as it would be sent now, byte for byte, while the form is filled in. */
export function Preview({ draft, endpoint }: PreviewProps) {
  const [type, setType] = useState('');
  const { data: types = [] } = useEventTypes();
  const [still] = useDebouncedValue(draft, STILL_MS);
  const [wanted] = useDebouncedValue(type.trim(), STILL_MS);
  const { data, error, isPending } = usePreview({ draft: still, endpoint }, wanted);
  return (
    <>
      <Autocomplete
        label={text.type}
        placeholder={text.typeAny}
        data={types.map(({ name }) => name)}
        limit={50}
        value={type}
        onChange={setType}
      />
      {error && (
        <p className={classes.error} role="status">
          {messageOf(error)}
        </p>
      )}
      {!error && isPending && <p className="secondary">{text.nothingYet}</p>}
      {!error && data && (
        <>
          <MessageView title={text.title} head={data.head} body={data.body} />
          <p className="secondary">{text.keys[data.key]}</p>
        </>
      )}
    </>
  );
}

function usePreview({ draft, endpoint }: PreviewProps, type: string) {
  const api = useApi();
  const tenant = useTenant();
  const { settings, mistakes } = useMemo(() => settingsOf(draft), [draft]);
  const chosen = type === '' ? {} : { type };
  const ready = settings.url !== '' && Object.keys(mistakes).length === 0;
  return useQuery({
    queryKey: [tenant, 'preview', endpoint, type, settings],
    queryFn: ({ signal }) => {
      const body = { ...chosen, endpoint: settings };
      return endpoint === undefined
        ? api.previewUnsavedEndpoint({ tenant, body }, { signal })
        : api.previewEndpoint({ tenant, endpoint, body }, { signal });
    },
    enabled: ready,
    placeholderData: keepPreviousData,
    gcTime: 0,
    retry: false,
  });
}
