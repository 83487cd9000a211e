import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useApi, useApp } from '../../app/context.tsx';
import { formatMoment } from '../../app/format.ts';
import { queries } from '../../data/queries.ts';
import type { SessionRow } from '../../data/types.ts';
import { useAction } from '../../parts/actions.tsx';
import confirm from '../../parts/confirm.module.css';
import { CommandBlock } from '../../parts/copy.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Failed, Loading } from '../../parts/faces.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Page } from '../../parts/page.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { Ago } from '../../parts/time.tsx';
import { common } from '../../strings/common.ts';
import { operator } from '../../strings/operator.ts';

const text = operator.sessions;
const { scopeNames } = operator.keys;

export function Sessions() {
  const api = useApi();
  const { who } = useApp();
  const { data, error, refetch } = useQuery(queries.sessions(api));
  const link = useAction({ run: () => api.createLoginLink(), touches: [['sessions']] });
  const end = useAction({
    run: (session: SessionRow['id']) => api.deleteSession({ session }),
    done: () => text.ended,
    touches: [['sessions']],
  });
  return (
    <Page
      title={text.title}
      about={text.about}
      actions={
        <Button
          variant="filled"
          loading={link.isPending}
          onClick={() => link.mutate(undefined)}
          leftSection={<Icon name="link" size={14} />}
        >
          {text.link}
        </Button>
      }
    >
      {!data && !error && <Loading />}
      {!data && error && <Failed error={error} retry={() => void refetch()} />}
      {data && (
        <Table
          label={text.title}
          columns={columns(who.id, end.mutate)}
          rows={data}
          keyOf={({ id }) => id}
        />
      )}
      {link.data && (
        <Dialog title={text.linkTitle} onClose={link.reset}>
          <div className={confirm.form}>
            <p>{text.linkText}</p>
            <CommandBlock text={link.data.url} />
            <div className={confirm.buttons}>
              <Button variant="filled" onClick={link.reset}>
                {common.close}
              </Button>
            </div>
          </div>
        </Dialog>
      )}
    </Page>
  );
}

function columns(you: string, end: (id: SessionRow['id']) => void): Column<SessionRow>[] {
  return [
    {
      head: text.who,
      cell: ({ id, tenant }) => (
        <>
          {tenant === null ? text.operator : text.portal(tenant)}
          {id === you && <span className="secondary"> ({text.you})</span>}
        </>
      ),
    },
    { head: text.state, cell: ({ opened }) => (opened ? text.open : text.waiting) },
    {
      head: text.role,
      wide: true,
      cell: ({ scopes }) => scopes.map((scope) => scopeNames[scope]).join(', '),
    },
    { head: text.since, wide: true, cell: ({ createdAt }) => <Ago at={createdAt} /> },
    { head: text.until, wide: true, cell: ({ expiresAt }) => formatMoment(expiresAt) },
    {
      head: '',
      align: 'end',
      cell: ({ id }) => <Button onClick={() => end(id)}>{text.end}</Button>,
    },
  ];
}
