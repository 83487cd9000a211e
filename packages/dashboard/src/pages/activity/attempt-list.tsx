import { matchesPattern } from '@posthorn/wire';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useApi, useLive, useTenant } from '../../app/context.tsx';
import { formatMs } from '../../app/format.ts';
import type { ActivitySearch } from '../../data/activity-search.ts';
import { useEndpointNames } from '../../data/queries.ts';
import type { AttemptRow } from '../../data/types.ts';
import { Empty } from '../../parts/faces.tsx';
import { Cell } from '../../parts/rows.tsx';
import { Outcome } from '../../parts/status.tsx';
import { Ago } from '../../parts/time.tsx';
import { activity } from '../../strings/activity.ts';
import classes from './lists.module.css';
import { FoundRows } from './searching.tsx';
import { useRefresh, useRowLog } from './use-log.ts';

const CLASSES = [undefined, undefined, undefined, classes.wide, classes.wide, classes.when];
const HEADS = activity.heads.attempts.map((text, i) => ({ text, className: CLASSES[i] }));
const PAGE = 200;
const LOOK_MS = 10_000;

export function AttemptList({ search, paused }: { search: ActivitySearch; paused: boolean }) {
  const api = useApi();
  const tenant = useTenant();
  const live = useLive();
  const navigate = useNavigate();
  const { attempt } = useParams({ strict: false });
  const nameOf = useEndpointNames();
  const { view: _, ...filter } = search;
  // A row tells neither the subject nor the words of its event: then the server is asked for what is new.
  const told = search.subject === undefined && search.q === undefined;
  const log = useRowLog<AttemptRow>({
    idOf: (row) => row.id,
    // What is looked up in an index stands beside the other attempts of its event.
    newestFirst: told,
    fetchPage: (cursor, signal) =>
      api.listAttempts({ tenant, limit: PAGE, cursor, ...filter }, { signal }),
  });
  useRefresh(log, LOOK_MS, !told);
  useEffect(() => {
    if (!told) return undefined;
    return live.onAttempts((rows) => log.prepend(rows.filter((row) => fits(row, search))));
  }, [live, log, search, told]);
  useEffect(() => live.onGap(() => void log.reload()), [live, log]);
  return (
    <FoundRows
      search={search}
      log={log}
      label={activity.listLabel.attempts}
      rowClass={classes.attempts}
      heads={HEADS}
      idOf={(row) => row.id}
      selected={attempt}
      paused={paused}
      onOpen={(row) =>
        void navigate({
          to: '/$tenant/activity/$attempt',
          params: { tenant, attempt: row.id },
          search,
          replace: attempt !== undefined,
        })
      }
      cells={(row) => <Cells row={row} name={nameOf(row.endpoint)} />}
      empty={
        <Empty icon="activity" title={activity.emptyTitle.attempts}>
          <p>{activity.emptyText.attempts}</p>
        </Empty>
      }
    />
  );
}

function Cells({ row, name }: { row: AttemptRow; name: string }) {
  const { state, status, fault, type, n, run, durationMs, startedAt } = row;
  return (
    <>
      <Cell className={classes.outcome}>
        <Outcome state={state} status={status} fault={fault} />
      </Cell>
      <Cell className={classes.main}>
        <span className="cut">{type}</span>
      </Cell>
      <Cell className={`${classes.second} cut secondary`}>{name}</Cell>
      <Cell className={`${classes.wide} secondary`}>
        {activity.attempt(n)}
        {run > 0 && <span title={activity.run(run)}> ↻</span>}
      </Cell>
      <Cell className={`${classes.wide} secondary`}>{n === 0 ? '' : formatMs(durationMs)}</Cell>
      <Cell className={`${classes.when} secondary`}>
        <Ago at={startedAt} />
      </Cell>
    </>
  );
}

/** The server filters the pages; what comes live is filtered here, by the same rules. */
function fits(row: AttemptRow, search: ActivitySearch): boolean {
  const { endpoint, type, state, status, from, to } = search;
  const at = Date.parse(row.startedAt);
  return (
    (endpoint === undefined || row.endpoint === endpoint) &&
    (type === undefined || matchesPattern(type, row.type)) &&
    (state === undefined || row.state === state) &&
    (status === undefined || hasStatus(row.status, status)) &&
    (from === undefined || at >= Date.parse(from)) &&
    (to === undefined || at < Date.parse(to))
  );
}

function hasStatus(status: number | null, wanted: string): boolean {
  return wanted.endsWith('xx') ? String(status)[0] === wanted[0] : String(status) === wanted;
}
