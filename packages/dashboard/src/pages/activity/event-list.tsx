import { useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useApi, useLive, useTenant } from '../../app/context.tsx';
import { formatBytes } from '../../app/format.ts';
import type { ActivitySearch } from '../../data/activity-search.ts';
import type { EventRow } from '../../data/types.ts';
import { Empty } from '../../parts/faces.tsx';
import { Cell, Rows } from '../../parts/rows.tsx';
import { Ago } from '../../parts/time.tsx';
import { activity } from '../../strings/activity.ts';
import classes from './lists.module.css';
import { useRowLog } from './use-log.ts';

const CLASSES = [undefined, undefined, undefined, classes.wide, classes.when];
const HEADS = activity.heads.events.map((text, i) => ({ text, className: CLASSES[i] }));
const PAGE = 200;
const LOOK_MS = 2000;
const LOOK_ROWS = 50;

export function EventList({ search, paused }: { search: ActivitySearch; paused: boolean }) {
  const api = useApi();
  const tenant = useTenant();
  const navigate = useNavigate();
  const { view: _, state: _state, ...filter } = search;
  const list = (page: { limit: number; cursor?: string | undefined }, signal?: AbortSignal) =>
    api.listEvents({ tenant, ...filter, ...page }, signal ? { signal } : {});
  const log = useRowLog<EventRow>({
    idOf: (row) => row.id,
    fetchPage: (cursor, signal) => list({ limit: PAGE, cursor }, signal),
  });
  // Ids of events grow, so what is newer than the newest is new.
  const look = async () => {
    const newest = log.row(0)?.id ?? '';
    const { items } = await list({ limit: LOOK_ROWS });
    log.prepend(items.filter(({ id }) => id > newest).reverse());
  };
  useLooking(look);
  return (
    <Rows
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

/** Events that go nowhere make no attempts, so the list looks by itself too. */
function useLooking(look: () => Promise<void>): void {
  const live = useLive();
  useEffect(() => {
    const safely = () => void look().catch(() => {});
    const timer = setInterval(safely, LOOK_MS);
    const stop = live.onAttempts(safely);
    return () => {
      clearInterval(timer);
      stop();
    };
  });
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
