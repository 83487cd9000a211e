import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useApi, useRights, useTenant } from '../../app/context.tsx';
import { queries } from '../../data/queries.ts';
import type { GrantRow } from '../../data/types.ts';
import { useAction } from '../../parts/actions.tsx';
import { Confirm } from '../../parts/confirm.tsx';
import { Failed } from '../../parts/faces.tsx';
import { Section } from '../../parts/page.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { Ago } from '../../parts/time.tsx';
import { apps } from '../../strings/apps.ts';

const text = apps.grants;

/** What people of this tenant agreed to. */
export function Grants() {
  const tenant = useTenant();
  const { write } = useRights();
  const { data, error, refetch } = useQuery(queries.grants(useApi(), tenant));
  const [revoking, setRevoking] = useState<GrantRow>();
  return (
    <Section title={text.title}>
      {!data && error && <Failed error={error} retry={() => void refetch()} />}
      {data?.length === 0 && <p className="secondary">{text.none}</p>}
      {data && data.length > 0 && (
        <Table
          label={text.title}
          columns={columns(tenant, write ? setRevoking : undefined)}
          rows={data}
          keyOf={({ id }) => id}
        />
      )}
      {revoking && <Revoke grant={revoking} onClose={() => setRevoking(undefined)} />}
    </Section>
  );
}

function columns(
  tenant: string,
  onRevoke: ((grant: GrantRow) => void) | undefined,
): Column<GrantRow>[] {
  return [
    { head: text.app, cell: ({ app }) => app.name },
    {
      head: text.by,
      cell: ({ person, role }) => (
        <>
          {person.name || person.id} <span className="secondary">{text.roles[role]}</span>
        </>
      ),
    },
    { head: text.scopes, wide: true, cell: ({ scopes }) => scopes.join(', ') },
    {
      head: text.webhook,
      wide: true,
      cell: ({ endpoint, eventTypes }) =>
        endpoint !== null && (
          <Link
            to="/$tenant/webhooks/$endpoint"
            params={{ tenant, endpoint }}
            title={eventTypes.join('\n')}
          >
            {text.webhook}
          </Link>
        ),
    },
    { head: text.since, wide: true, cell: ({ createdAt }) => <Ago at={createdAt} /> },
    ...(onRevoke
      ? [
          {
            head: '',
            align: 'end' as const,
            cell: (grant: GrantRow) => (
              <Button onClick={() => onRevoke(grant)}>{text.revoke}</Button>
            ),
          },
        ]
      : []),
  ];
}

function Revoke({ grant, onClose }: { grant: GrantRow; onClose: () => void }) {
  const api = useApi();
  const tenant = useTenant();
  const revoke = useAction({
    run: () => api.revokeGrant({ tenant, grant: grant.id }),
    done: () => text.revoked,
    touches: [
      [tenant, 'grants'],
      [tenant, 'apps'],
      [tenant, 'audit'],
      [tenant, 'endpoints', 'list'],
    ],
    after: onClose,
  });
  return (
    <Confirm
      title={text.revokeTitle}
      action={text.revoke}
      busy={revoke.isPending}
      onConfirm={() => revoke.mutate(undefined)}
      onClose={onClose}
    >
      {text.revokeText(grant.app.name)}
    </Confirm>
  );
}
