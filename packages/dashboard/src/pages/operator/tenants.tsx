import { Button, Select, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { useApi } from '../../app/context.tsx';
import { queries } from '../../data/queries.ts';
import type { TenantRow } from '../../data/types.ts';
import { useAction } from '../../parts/actions.tsx';
import confirm from '../../parts/confirm.module.css';
import { Confirm } from '../../parts/confirm.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Failed, Loading } from '../../parts/faces.tsx';
import { Icon } from '../../parts/icon.tsx';
import { IconButton } from '../../parts/icon-button.tsx';
import { Page } from '../../parts/page.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { Ago } from '../../parts/time.tsx';
import { common } from '../../strings/common.ts';
import { operator } from '../../strings/operator.ts';

const text = operator.tenants;

export function Tenants() {
  const { data, error, refetch } = useQuery(queries.tenants(useApi()));
  const [creating, setCreating] = useState(false);
  const [deleting, setDeleting] = useState<TenantRow>();
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
      {data && (
        <Table
          label={text.title}
          columns={columns(setDeleting)}
          rows={data}
          keyOf={({ id }) => id}
        />
      )}
      {creating && <Create tenants={data ?? []} onClose={() => setCreating(false)} />}
      {deleting && <Delete tenant={deleting} onClose={() => setDeleting(undefined)} />}
    </Page>
  );
}

function columns(onDelete: (tenant: TenantRow) => void): Column<TenantRow>[] {
  return [
    {
      head: text.id,
      cell: ({ id }) => (
        <Link to="/$tenant" params={{ tenant: id }}>
          {id}
        </Link>
      ),
    },
    { head: text.name, cell: ({ name }) => name },
    { head: text.parent, wide: true, cell: ({ parent }) => parent },
    { head: text.updated, wide: true, cell: ({ updatedAt }) => <Ago at={updatedAt} /> },
    {
      head: '',
      align: 'end',
      cell: (tenant) =>
        tenant.id !== 'default' && (
          <IconButton
            icon="trash"
            label={`${common.delete} ${tenant.id}`}
            onClick={() => onDelete(tenant)}
          />
        ),
    },
  ];
}

function Create({ tenants, onClose }: { tenants: readonly TenantRow[]; onClose: () => void }) {
  const api = useApi();
  const [id, setId] = useState('');
  const [name, setName] = useState('');
  const [parent, setParent] = useState('');
  const create = useAction({
    // The version of what does not exist yet: a tenant of this name is never replaced by mistake.
    run: () =>
      api.putTenant({
        tenant: id.trim(),
        body: { name: name.trim(), parent: parent === '' ? null : parent, version: 0 },
      }),
    done: () => text.created,
    touches: [['tenants']],
    after: onClose,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate(undefined);
  };
  return (
    <Dialog title={text.create} onClose={onClose}>
      <form className={confirm.form} onSubmit={submit}>
        <TextInput
          data-autofocus
          label={text.id}
          description={text.idAbout}
          value={id}
          maxLength={64}
          onChange={(event) => setId(event.currentTarget.value)}
        />
        <TextInput
          label={text.name}
          value={name}
          maxLength={200}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Select
          label={text.parent}
          data={[
            { value: '', label: text.parentNone },
            ...tenants.map((tenant) => ({ value: tenant.id, label: tenant.id })),
          ]}
          value={parent}
          searchable
          onChange={(value) => setParent(value ?? '')}
        />
        <div className={confirm.buttons}>
          <Button onClick={onClose}>{common.cancel}</Button>
          <Button
            type="submit"
            variant="filled"
            loading={create.isPending}
            disabled={id.trim() === ''}
          >
            {common.create}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Delete({ tenant, onClose }: { tenant: TenantRow; onClose: () => void }) {
  const api = useApi();
  const remove = useAction({
    run: () => api.deleteTenant({ tenant: tenant.id }),
    done: () => text.deleted,
    touches: [['tenants']],
    after: onClose,
  });
  return (
    <Confirm
      title={text.deleteTitle}
      action={common.delete}
      name={tenant.id}
      busy={remove.isPending}
      onConfirm={() => remove.mutate(undefined)}
      onClose={onClose}
    >
      {text.deleteText}
    </Confirm>
  );
}
