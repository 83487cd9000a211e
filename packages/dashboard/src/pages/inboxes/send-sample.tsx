import { Button } from '@mantine/core';
import { useApi, useApp, useTenant } from '../../app/context.tsx';
import { ownHeaders, parseHead } from '../../data/head.ts';
import { type Sample, samples } from '../../data/samples.ts';
import type { InboxRow } from '../../data/types.ts';
import { useAction } from '../../parts/actions.tsx';
import classes from './inboxes.module.css';

/** Only to say where it would go: nothing is sent there. */
const NOWHERE = 'https://example.com/';

/** A request of each system, made by the server and sent from here: it does not call itself. */
export function SendSample({ inbox }: { inbox: InboxRow }) {
  const api = useApi();
  const tenant = useTenant();
  const { place } = useApp();
  const send = useAction({
    run: async ({ dialect, custom, event }: Sample) => {
      const { type, data, subject, actor, context } = event;
      const preview = await api.previewUnsavedEndpoint({
        tenant,
        body: { type, data, subject, actor, context, endpoint: { url: NOWHERE, dialect, custom } },
      });
      const headers = ownHeaders(parseHead(preview.head)).map(
        ({ name, value }): [string, string] => [name, value],
      );
      await fetch(`${place.base}/in/${inbox.name}`, {
        method: 'POST',
        credentials: 'omit',
        headers,
        body: preview.body.text,
      });
    },
  });
  return (
    <div className={classes.samples}>
      {samples.map((sample) => (
        <Button
          key={sample.dialect}
          loading={send.isPending && send.variables === sample}
          onClick={() => send.mutate(sample)}
        >
          {sample.label}
        </Button>
      ))}
    </div>
  );
}
