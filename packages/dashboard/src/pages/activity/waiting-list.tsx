import { useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useApi, useLive, useTenant } from '../../app/context.tsx';
import type { ActivitySearch } from '../../data/activity-search.ts';
import { useEndpointNames } from '../../data/queries.ts';
import type { DeliveryRow } from '../../data/types.ts';
import { Empty } from '../../parts/faces.tsx';
import { Cell } from '../../parts/rows.tsx';
import { Outcome } from '../../parts/status.tsx';
import { Ago, useNow } from '../../parts/time.tsx';
import { activity } from '../../strings/activity.ts';
import classes from './lists.module.css';
import { FoundRows } from './searching.tsx';
import { useRowLog } from './use-log.ts';

const CLASSES = [undefined, undefined, undefined, classes.wide, classes.wide, classes.when];
const HEADS = activity.heads.waiting.map((text, i) => ({ text, className: CLASSES[i] }));
const PAGE = 200;
/** What waits changes with every attempt; it is read again at most this often. */
const AGAIN_MS = 5000;

export function WaitingList({ search }: { search: ActivitySearch }) {
  const api = useApi();
  const tenant = useTenant();
  const live = useLive();
  const navigate = useNavigate();
  const nameOf = useEndpointNames();
  const { view: _, state: _state, status: _status, ...filter } = search;
  const log = useRowLog<DeliveryRow>({
    idOf: (row) => row.id,
    fetchPage: (cursor, signal) =>
      api.listDeliveries({ tenant, limit: PAGE, cursor, ...filter, state: 'pending' }, { signal }),
  });
  useEffect(() => {
    let stale = false;
    const timer = setInterval(() => {
      if (stale) void log.reload();
      stale = false;
    }, AGAIN_MS);
    const stop = live.onAttempts(() => {
      stale = true;
    });
    return () => {
      clearInterval(timer);
      stop();
    };
  }, [live, log]);
  return (
    <FoundRows
      search={search}
      log={log}
      label={activity.listLabel.waiting}
      rowClass={classes.waiting}
      heads={HEADS}
      idOf={(row) => row.id}
      selected={undefined}
      paused={false}
      onOpen={(row) =>
        void navigate({ to: '/$tenant/events/$event', params: { tenant, event: row.event } })
      }
      cells={(row) => <Cells row={row} name={nameOf(row.endpoint)} />}
      empty={
        <Empty icon="check" title={activity.emptyTitle.waiting}>
          <p>{activity.emptyText.waiting}</p>
        </Empty>
      }
    />
  );
}

/** What is overdue waits for its turn, or for a person: there is no telling when. */
function Due({ at }: { at: string }) {
  return Date.parse(at) <= useNow() ? activity.due : <Ago at={at} />;
}

function Cells({ row, name }: { row: DeliveryRow; name: string }) {
  const { state, status, fault, attempts, type, nextAt, createdAt } = row;
  return (
    <>
      <Cell className={classes.outcome}>
        <Outcome state={state} status={status} fault={fault} attempts={attempts} />
      </Cell>
      <Cell className={classes.main}>
        <span className="cut">{type}</span>
      </Cell>
      <Cell className={`${classes.second} cut secondary`}>{name}</Cell>
      <Cell className={`${classes.wide} secondary`}>{attempts}</Cell>
      <Cell className={`${classes.wide} secondary`}>{nextAt !== null && <Due at={nextAt} />}</Cell>
      <Cell className={`${classes.when} secondary`}>
        <Ago at={createdAt} />
      </Cell>
    </>
  );
}
