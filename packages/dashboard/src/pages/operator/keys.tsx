import { Button, Checkbox, Select, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useApi } from '../../app/context.tsx';
import { formatMoment } from '../../app/format.ts';
import { queries } from '../../data/queries.ts';
import type { KeyRow } from '../../data/types.ts';
import { useAction } from '../../parts/actions.tsx';
import confirm from '../../parts/confirm.module.css';
import { Confirm } from '../../parts/confirm.tsx';
import { Copyable } from '../../parts/copy.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Empty, Failed, Loading } from '../../parts/faces.tsx';
import { Icon } from '../../parts/icon.tsx';
import { IconButton } from '../../parts/icon-button.tsx';
import { Page } from '../../parts/page.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { Ago } from '../../parts/time.tsx';
import { common } from '../../strings/common.ts';
import { operator } from '../../strings/operator.ts';

const text = operator.keys;
const DAY_MS = 86_400_000;
const OF_TENANTS = ['publish', 'read', 'write'] as const;

export function Keys() {
  const { data, error, refetch } = useQuery(queries.keys(useApi()));
  const [creating, setCreating] = useState(false);
  const [deleting, setDeleting] = useState<KeyRow>();
  return (
    <Page
      title={text.title}
      about={text.about}
      actions={
        <Button
          variant="filled"
          onClick={() => setCreating(true)}
          leftSection={<Icon name="plus" size={14} />}
        >
          {text.create}
        </Button>
      }
    >
      {!data && !error && <Loading />}
      {!data && error && <Failed error={error} retry={() => void refetch()} />}
      {data?.length === 0 && <Empty icon="key" title={text.empty} />}
      {data && data.length > 0 && (
        <Table
          label={text.title}
          columns={columns(setDeleting)}
          rows={data}
          keyOf={(key) => key.id}
        />
      )}
      {creating && <Create onClose={() => setCreating(false)} />}
      {deleting && <Delete apiKey={deleting} onClose={() => setDeleting(undefined)} />}
    </Page>
  );
}

function columns(onDelete: (key: KeyRow) => void): Column<KeyRow>[] {
  return [
    { head: text.name, cell: ({ name, id }) => name || <span className="mono">{id}</span> },
    { head: text.tenant, cell: ({ tenant }) => tenant ?? text.everyTenant },
    {
      head: text.scopes,
      wide: true,
      cell: ({ scopes }) => scopes.map((scope) => text.scopeNames[scope]).join(', '),
    },
    { head: text.key, wide: true, cell: ({ hint }) => hint && <code>{hint}…</code> },
    { head: text.createdAt, wide: true, cell: ({ createdAt }) => <Ago at={createdAt} /> },
    {
      head: text.expires,
      wide: true,
      cell: ({ expiresAt }) => (expiresAt === null ? common.never : formatMoment(expiresAt)),
    },
    {
      head: '',
      align: 'end',
      cell: (key) => (
        <IconButton
          icon="trash"
          label={`${common.delete} ${key.name}`}
          onClick={() => onDelete(key)}
        />
      ),
    },
  ];
}

function Create({ onClose }: { onClose: () => void }) {
  const api = useApi();
  const [name, setName] = useState('');
  const [tenant, setTenant] = useState('');
  const [scopes, setScopes] = useState<string[]>(['publish']);
  const [days, setDays] = useState('');
  const { data: tenants = [] } = useQuery(queries.tenants(api));
  const create = useAction({
    run: () =>
      api.createKey({
        body: {
          name: name.trim(),
          tenant: tenant === '' ? null : tenant,
          scopes: tenant === '' ? ['admin'] : OF_TENANTS.filter((scope) => scopes.includes(scope)),
          expiresAt:
            days === '' ? null : new Date(Date.now() + Number(days) * DAY_MS).toISOString(),
        },
      }),
    touches: [['keys']],
  });
  if (create.data) return <Created text={create.data.key} onClose={onClose} />;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate(undefined);
  };
  return (
    <Dialog title={text.create} onClose={onClose}>
      <form className={confirm.form} onSubmit={submit}>
        <TextInput
          data-autofocus
          label={text.name}
          value={name}
          maxLength={200}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Select
          label={text.tenant}
          data={[
            { value: '', label: text.everyTenant },
            ...tenants.map(({ id }) => ({ value: id, label: id })),
          ]}
          value={tenant}
          searchable
          onChange={(value) => setTenant(value ?? '')}
        />
        {tenant !== '' && (
          <Checkbox.Group label={text.scopes} value={scopes} onChange={setScopes}>
            {OF_TENANTS.map((scope) => (
              <Checkbox key={scope} mt={6} value={scope} label={text.scopeNames[scope]} />
            ))}
          </Checkbox.Group>
        )}
        <Select
          label={text.expires}
          data={text.lifetimes}
          value={days}
          onChange={(value) => setDays(value ?? '')}
        />
        <div className={confirm.buttons}>
          <Button onClick={onClose}>{common.cancel}</Button>
          <Button
            type="submit"
            variant="filled"
            loading={create.isPending}
            disabled={tenant !== '' && scopes.length === 0}
          >
            {common.create}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Created({ text: key, onClose }: { text: string; onClose: () => void }) {
  return (
    <Dialog title={text.create} onClose={onClose}>
      <div className={confirm.form}>
        <p>{text.shownOnce}</p>
        <Copyable text={key} />
        <div className={confirm.buttons}>
          <Button variant="filled" onClick={onClose}>
            {common.close}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}

function Delete({ apiKey, onClose }: { apiKey: KeyRow; onClose: () => void }) {
  const api = useApi();
  const remove = useAction({
    run: () => api.deleteKey({ key: apiKey.id }),
    done: () => text.deleted,
    touches: [['keys']],
    after: onClose,
  });
  return (
    <Confirm
      title={text.deleteTitle}
      action={common.delete}
      busy={remove.isPending}
      onConfirm={() => remove.mutate(undefined)}
      onClose={onClose}
    >
      {text.deleteText} {apiKey.id === 'key_environment' && text.environment}
    </Confirm>
  );
}
