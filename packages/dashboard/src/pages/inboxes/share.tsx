import { Button, Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useApi, useTenant } from '../../app/context.tsx';
import type { CaptureRow, InboxRow, ShareRow } from '../../data/types.ts';
import { useAction } from '../../parts/actions.tsx';
import { CommandBlock } from '../../parts/copy.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Failed, Loading } from '../../parts/faces.tsx';
import form from '../../parts/form.module.css';
import { Icon } from '../../parts/icon.tsx';
import { IconButton } from '../../parts/icon-button.tsx';
import { QrButton } from '../../parts/qr-button.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { Ago } from '../../parts/time.tsx';
import { inboxes } from '../../strings/inboxes.ts';
import classes from './inboxes.module.css';

const text = inboxes.share;

export interface ShareProps {
  readonly inbox: InboxRow['id'];
  /** null = all of the inbox. */
  readonly capture: CaptureRow['id'] | null;
  readonly onClose: () => void;
}

/** Links that show captures to whoever has them: a new one, and those there are. */
export function ShareDialog({ inbox, capture, onClose }: ShareProps) {
  const api = useApi();
  const tenant = useTenant();
  const [expiresInS, setExpiresInS] = useState(text.times[1]?.value ?? '');
  const make = useAction({
    run: () =>
      api.createShare({ tenant, inbox, body: { capture, expiresInS: Number(expiresInS) } }),
    touches: [[tenant, 'shares', inbox]],
  });
  return (
    <Dialog title={capture === null ? text.title : text.titleOne} onClose={onClose}>
      <div className={form.fields}>
        <p className="secondary">{text.about}</p>
        <div className={classes.shareTime}>
          <Select
            label={text.time}
            data={text.times}
            value={expiresInS}
            onChange={(value) => setExpiresInS(value ?? expiresInS)}
          />
          <Button
            variant="filled"
            loading={make.isPending}
            onClick={() => make.mutate(undefined)}
            leftSection={<Icon name="link" size={14} />}
          >
            {text.make}
          </Button>
        </div>
        {make.data && (
          <div>
            <CommandBlock text={make.data.url} />
            <p className={classes.shareOnce}>
              {text.once} <QrButton text={make.data.url} />
            </p>
          </div>
        )}
        <Links inbox={inbox} />
      </div>
    </Dialog>
  );
}

function Links({ inbox }: Pick<ShareProps, 'inbox'>) {
  const api = useApi();
  const tenant = useTenant();
  const queryKey = [tenant, 'shares', inbox];
  const { data, error, refetch } = useQuery({
    queryKey,
    queryFn: async ({ signal }) => (await api.listShares({ tenant, inbox }, { signal })).items,
  });
  const withdraw = useAction({
    run: (key: ShareRow['id']) => api.deleteShare({ tenant, inbox, key }),
    done: () => text.withdrawn,
    touches: [queryKey],
  });
  if (!data)
    return error ? <Failed error={error} retry={() => void refetch()} /> : <Loading rows={2} />;
  if (data.length === 0) return null;
  const columns: Column<ShareRow>[] = [
    {
      head: text.shows,
      cell: ({ capture }) => (capture === null ? text.all : <code>{capture}</code>),
    },
    { head: text.ends, cell: ({ expiresAt }) => <Ago at={expiresAt} /> },
    {
      head: '',
      align: 'end',
      cell: ({ id }) => (
        <IconButton icon="trash" label={text.withdraw} onClick={() => withdraw.mutate(id)} />
      ),
    },
  ];
  return <Table label={text.links} columns={columns} rows={data} keyOf={({ id }) => id} />;
}
