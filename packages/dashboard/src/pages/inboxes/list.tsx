import { Button, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { useApi, useRights, useTenant } from '../../app/context.tsx';
import { formatBytes, formatNumber } from '../../app/format.ts';
import { useShortcut } from '../../app/shortcuts.tsx';
import { queries } from '../../data/queries.ts';
import type { InboxRow } from '../../data/types.ts';
import { useAction } from '../../parts/actions.tsx';
import confirm from '../../parts/confirm.module.css';
import { Copyable } from '../../parts/copy.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Empty, Failed, Loading } from '../../parts/faces.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Page } from '../../parts/page.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { common } from '../../strings/common.ts';
import { inboxes } from '../../strings/inboxes.ts';
import { keys } from '../../strings/keys.ts';
import { answerSummary } from './answer.ts';

export function Inboxes() {
  const api = useApi();
  const tenant = useTenant();
  const { write } = useRights();
  const { data, error, refetch } = useQuery(queries.inboxes(api, tenant));
  const [creating, setCreating] = useState(false);
  const create = () => setCreating(true);
  useShortcut({ keys: 'n', label: keys.create, group: keys.lists, run: create }, write);
  const button = write && (
    <Button variant="filled" onClick={create} leftSection={<Icon name="plus" size={14} />}>
      {inboxes.create}
    </Button>
  );
  return (
    <Page title={inboxes.title} actions={button}>
      {!data && !error && <Loading />}
      {!data && error && <Failed error={error} retry={() => void refetch()} />}
      {data?.length === 0 && (
        <Empty icon="inbox" title={inboxes.emptyTitle}>
          <p>{inboxes.emptyText}</p>
          {button}
        </Empty>
      )}
      {data && data.length > 0 && (
        <Table label={inboxes.title} columns={columns(tenant)} rows={data} keyOf={({ id }) => id} />
      )}
      {creating && <Create onClose={() => setCreating(false)} />}
    </Page>
  );
}

function columns(tenant: string): Column<InboxRow>[] {
  const { heads } = inboxes;
  return [
    {
      head: heads.name,
      cell: ({ id, title, name }) => (
        <Link to="/$tenant/inboxes/$inbox" params={{ tenant, inbox: id }}>
          {title || name}
        </Link>
      ),
    },
    {
      head: heads.url,
      wide: true,
      cell: ({ url }) => <Copyable text={url} label={inboxes.copyUrl} />,
    },
    { head: heads.answer, wide: true, cell: ({ answer }) => answerSummary(answer) },
    { head: heads.captures, align: 'end', cell: ({ captures }) => formatNumber(captures) },
    { head: heads.size, wide: true, align: 'end', cell: ({ bytes }) => formatBytes(bytes) },
  ];
}

function Create({ onClose }: { onClose: () => void }) {
  const api = useApi();
  const tenant = useTenant();
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const [title, setTitle] = useState('');
  const create = useAction({
    run: () =>
      api.createInbox({
        tenant,
        body: { name: name.trim() === '' ? null : name.trim(), title: title.trim() },
      }),
    touches: [[tenant, 'inboxes']],
    after: ({ id }) =>
      void navigate({ to: '/$tenant/inboxes/$inbox', params: { tenant, inbox: id } }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate(undefined);
  };
  const text = inboxes.createDialog;
  return (
    <Dialog title={text.title} onClose={onClose}>
      <form className={confirm.form} onSubmit={submit}>
        <TextInput
          data-autofocus
          label={text.label}
          value={title}
          maxLength={200}
          onChange={(event) => setTitle(event.currentTarget.value)}
        />
        <TextInput
          label={text.name}
          description={text.nameAbout}
          value={name}
          maxLength={63}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <div className={confirm.buttons}>
          <Button onClick={onClose}>{common.cancel}</Button>
          <Button type="submit" variant="filled" loading={create.isPending}>
            {common.create}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
