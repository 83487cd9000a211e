import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useApi, useRights, useTenant } from '../../app/context.tsx';
import { formatNumber } from '../../app/format.ts';
import { queries } from '../../data/queries.ts';
import type { AppRow } from '../../data/types.ts';
import { Copyable } from '../../parts/copy.tsx';
import { Empty, Failed, Loading } from '../../parts/faces.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Page } from '../../parts/page.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { Ago } from '../../parts/time.tsx';
import { apps } from '../../strings/apps.ts';
import { AppForm } from './app-form.tsx';
import { AppMenu } from './app-menu.tsx';
import { Audit } from './audit.tsx';
import { Grants } from './grants.tsx';

export function Apps() {
  const tenant = useTenant();
  const { write } = useRights();
  const { data, error, refetch } = useQuery(queries.apps(useApi(), tenant));
  const [editing, setEditing] = useState<AppRow | 'new'>();
  const button = write && (
    <Button
      variant="filled"
      onClick={() => setEditing('new')}
      leftSection={<Icon name="plus" size={14} />}
    >
      {apps.create}
    </Button>
  );
  return (
    <Page title={apps.title} about={apps.about} actions={button}>
      {!data && !error && <Loading />}
      {!data && error && <Failed error={error} retry={() => void refetch()} />}
      {data?.length === 0 && (
        <Empty icon="apps" title={apps.emptyTitle}>
          <p>{apps.emptyText}</p>
        </Empty>
      )}
      {data && data.length > 0 && (
        <Table
          label={apps.title}
          columns={columns(write ? setEditing : undefined)}
          rows={data}
          keyOf={({ id }) => id}
        />
      )}
      <Grants />
      <Audit />
      {editing !== undefined && (
        <AppForm
          app={editing === 'new' ? undefined : editing}
          onClose={() => setEditing(undefined)}
        />
      )}
    </Page>
  );
}

/** `onEdit` undefined = the person only looks. */
function columns(onEdit: ((app: AppRow) => void) | undefined): Column<AppRow>[] {
  const { heads } = apps;
  return [
    {
      head: heads.app,
      cell: ({ name, website }) => (
        <>
          <b>{name}</b>
          {website !== null && <div className="secondary cut">{website}</div>}
        </>
      ),
    },
    { head: heads.clientId, wide: true, cell: ({ clientId }) => <Copyable text={clientId} /> },
    { head: heads.grants, align: 'end', cell: ({ grants }) => formatNumber(grants) },
    { head: heads.changed, wide: true, cell: ({ updatedAt }) => <Ago at={updatedAt} /> },
    ...(onEdit
      ? [
          {
            head: '',
            align: 'end' as const,
            cell: (app: AppRow) => <AppMenu app={app} onEdit={() => onEdit(app)} />,
          },
        ]
      : []),
  ];
}
