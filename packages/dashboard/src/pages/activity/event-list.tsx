import { useNavigate } from '@tanstack/react-router';
import { useApi, useTenant } from '../../app/context.tsx';
import { formatBytes } from '../../app/format.ts';
import type { ActivitySearch } from '../../data/activity-search.ts';
import type { EventRow } from '../../data/types.ts';
import { Empty } from '../../parts/faces.tsx';
import { Cell } from '../../parts/rows.tsx';
import { Ago } from '../../parts/time.tsx';
import { activity } from '../../strings/activity.ts';
import classes from './lists.module.css';
import { FoundRows } from './searching.tsx';
import { useRefresh, useRowLog } from './use-log.ts';

const CLASSES = [undefined, undefined, undefined, classes.wide, classes.when];
const HEADS = activity.heads.events.map((text, i) => ({ text, className: CLASSES[i] }));
const PAGE = 200;
const LOOK_MS = 2000;

export function EventList({ search, paused }: { search: ActivitySearch; paused: boolean }) {
  const api = useApi();
  const tenant = useTenant();
  const navigate = useNavigate();
  const { view: _, state: _state, status: _status, endpoint: _endpoint, ...filter } = search;
  const log = useRowLog<EventRow>({
    idOf: (row) => row.id,
    fetchPage: (cursor, signal) =>
      api.listEvents({ tenant, limit: PAGE, cursor, ...filter }, { signal }),
  });
  // Events that go nowhere make no attempts, so the list looks by itself too.
  useRefresh(log, LOOK_MS);
  return (
    <FoundRows
      search={search}
      log={log}
      label={activity.listLabel.events}
      rowClass={classes.events}
      heads={HEADS}
      idOf={(row) => row.id}
      selected={undefined}
      paused={paused}
      onOpen={(row) =>
        void navigate({ to: '/$tenant/events/$event', params: { tenant, event: row.id } })
      }
      cells={(row) => <Cells row={row} />}
      empty={
        <Empty icon="types" title={activity.emptyTitle.events}>
          <p>{activity.emptyText.events}</p>
        </Empty>
      }
    />
  );
}

function Cells({ row }: { row: EventRow }) {
  const { type, subject, deliveries, sizeBytes, createdAt } = row;
  return (
    <>
      <Cell className={classes.main}>
        <span className="cut">{type}</span>
      </Cell>
      <Cell className={`${classes.second} cut secondary`}>{subject}</Cell>
      <Cell className={`${classes.outcome} secondary`}>
        {deliveries === 0 ? activity.nowhere : activity.toWebhooks(deliveries)}
      </Cell>
      <Cell className={`${classes.wide} secondary`}>{formatBytes(sizeBytes)}</Cell>
      <Cell className={`${classes.when} secondary`}>
        <Ago at={createdAt} />
      </Cell>
    </>
  );
}
