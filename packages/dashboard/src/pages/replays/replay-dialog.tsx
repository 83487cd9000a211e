import { Button, MultiSelect, Select, Switch, TagsInput, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useApi, useTenant } from '../../app/context.tsx';
import { formatNumber } from '../../app/format.ts';
import { fromLocalTime } from '../../data/local-time.ts';
import { nameOf, useEndpoints } from '../../data/queries.ts';
import type { EndpointRow } from '../../data/types.ts';
import { useAction } from '../../parts/actions.tsx';
import confirm from '../../parts/confirm.module.css';
import { Dialog } from '../../parts/dialog.tsx';
import { common } from '../../strings/common.ts';
import { replays } from '../../strings/replays.ts';

type What = keyof typeof replays.whats;

interface Draft {
  readonly endpoints: readonly string[];
  readonly what: What;
  readonly types: readonly string[];
  readonly from: string;
  readonly to: string;
  readonly newId: boolean;
}

export interface ReplayDialogProps {
  readonly endpoints: readonly EndpointRow['id'][];
  readonly types?: readonly string[];
  readonly onClose: () => void;
}

/** A count first, so that nobody sends a million requests by mistake. */
export function ReplayDialog({ endpoints, types = [], onClose }: ReplayDialogProps) {
  const [draft, setDraft] = useState<Draft>({
    endpoints,
    what: 'failed',
    types,
    from: '',
    to: '',
    newId: false,
  });
  const { count, start } = useReplay(draft, onClose);
  const set = (change: Partial<Draft>) => {
    count.reset();
    setDraft((now) => ({ ...now, ...change }));
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    start.mutate(undefined);
  };
  const total = count.data && 'total' in count.data ? count.data.total : undefined;
  const ready = draft.endpoints.length > 0;
  return (
    <Dialog title={replays.title} onClose={onClose}>
      <form className={confirm.form} onSubmit={submit}>
        <p className="secondary">{replays.about}</p>
        <Fields draft={draft} set={set} />
        <p role="status">{total && replays.counted(formatNumber(total.count), total.atLeast)}</p>
        <div className={confirm.buttons}>
          <Button onClick={onClose}>{common.cancel}</Button>
          <Button
            disabled={!ready}
            loading={count.isPending}
            onClick={() => count.mutate(undefined)}
          >
            {replays.count}
          </Button>
          <Button type="submit" variant="filled" disabled={!ready} loading={start.isPending}>
            {replays.start}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function useReplay(draft: Draft, onClose: () => void) {
  const api = useApi();
  const tenant = useTenant();
  const run = (dryRun: boolean) => {
    const { what, types, from, to, newId } = draft;
    const body = {
      endpoints: [...draft.endpoints] as EndpointRow['id'][],
      only: what,
      types: [...types],
      from: fromLocalTime(from),
      to: fromLocalTime(to),
      newId,
      dryRun,
    };
    return api.startReplay({ tenant, body });
  };
  const count = useAction({ run: () => run(true) });
  const start = useAction({
    run: () => run(false),
    done: () => replays.started,
    touches: [[tenant, 'replays']],
    after: onClose,
  });
  return { count, start };
}

function Fields({ draft, set }: { draft: Draft; set: (change: Partial<Draft>) => void }) {
  const { data = [] } = useEndpoints();
  return (
    <>
      <MultiSelect
        label={replays.webhooks}
        data={data.map((endpoint) => ({ value: endpoint.id as string, label: nameOf(endpoint) }))}
        value={[...draft.endpoints]}
        searchable
        onChange={(endpoints) => set({ endpoints })}
      />
      <Select
        label={replays.what}
        data={Object.entries(replays.whats).map(([value, label]) => ({ value, label }))}
        value={draft.what}
        onChange={(value) => set({ what: value as What })}
      />
      <TagsInput
        label={replays.types}
        description={replays.typesAbout}
        splitChars={[',', ' ']}
        acceptValueOnBlur
        value={[...draft.types]}
        onChange={(types) => set({ types })}
      />
      <div className={confirm.two}>
        <TextInput
          type="datetime-local"
          label={replays.from}
          value={draft.from}
          onChange={(event) => set({ from: event.currentTarget.value })}
        />
        <TextInput
          type="datetime-local"
          label={replays.to}
          value={draft.to}
          onChange={(event) => set({ to: event.currentTarget.value })}
        />
      </div>
      <Switch
        label={replays.newId}
        description={replays.newIdAbout}
        checked={draft.newId}
        onChange={(event) => set({ newId: event.currentTarget.checked })}
      />
    </>
  );
}
