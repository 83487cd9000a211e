import { useQuery } from '@tanstack/react-query';
import { useApi, useTenant } from '../../app/context.tsx';
import type { AuditRow } from '../../data/types.ts';
import { Section } from '../../parts/page.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { Ago } from '../../parts/time.tsx';
import { apps } from '../../strings/apps.ts';

const text = apps.audit;
const SHOWN = 50;

export function Audit() {
  const api = useApi();
  const tenant = useTenant();
  const { data } = useQuery({
    queryKey: [tenant, 'audit'],
    queryFn: ({ signal }) => api.listAudit({ tenant, limit: SHOWN }, { signal }),
  });
  if (!data) return null;
  return (
    <Section title={text.title}>
      {data.items.length === 0 ? (
        <p className="secondary">{text.none}</p>
      ) : (
        <Table label={text.title} columns={COLUMNS} rows={data.items} keyOf={({ id }) => id} />
      )}
    </Section>
  );
}

const COLUMNS: Column<AuditRow>[] = [
  { head: text.action, cell: ({ action }) => text.actions[action] },
  { head: text.app, cell: ({ app }) => app.name },
  { head: text.who, wide: true, cell: ({ actor }) => actor.name || actor.id },
  { head: text.scopes, wide: true, cell: ({ scopes }) => scopes.join(', ') },
  { head: text.at, align: 'end', cell: ({ at }) => <Ago at={at} /> },
];
