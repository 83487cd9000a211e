import { useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useApi, useTenant } from '../../app/context.tsx';
import { formatMs } from '../../app/format.ts';
import type { CaptureFeed } from '../../data/capture-feed.ts';
import { RowLog } from '../../data/row-log.ts';
import type { CaptureRow, InboxRow } from '../../data/types.ts';
import { Empty } from '../../parts/faces.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Cell, Rows } from '../../parts/rows.tsx';
import { type Mark, Status } from '../../parts/status.tsx';
import { Ago } from '../../parts/time.tsx';
import { inboxes } from '../../strings/inboxes.ts';
import lists from '../activity/lists.module.css';
import { useRecovery } from '../activity/use-log.ts';
import { answeredBy } from './answer.ts';
import classes from './inboxes.module.css';
import { Waiting } from './waiting.tsx';

const PAGE = 200;
/** A capture is shown before it is answered; then the answer is looked for. */
const UNANSWERED_MS = 1000;
const NEWEST = 50;
const CLASSES = [undefined, undefined, lists.wide, lists.wide, lists.when];
const HEADS = inboxes.columns.map((text, i) => ({ text, className: CLASSES[i] }));

export interface CaptureListProps {
  readonly inbox: InboxRow;
  readonly feed: CaptureFeed;
  readonly q: string | undefined;
  readonly paused: boolean;
}

export function CaptureList({ inbox, feed, q, paused }: CaptureListProps) {
  const tenant = useTenant();
  const navigate = useNavigate();
  const { capture } = useParams({ strict: false });
  const log = useCaptures({ inbox, feed, q });
  return (
    <Rows
      log={log}
      label={inboxes.listLabel}
      rowClass={classes.captures}
      heads={HEADS}
      idOf={({ id }) => id}
      selected={capture}
      paused={paused}
      onOpen={(row) =>
        void navigate({
          to: '/$tenant/inboxes/$inbox/$capture',
          params: { tenant, inbox: inbox.id, capture: row.id },
          search: q === undefined ? {} : { q },
          replace: capture !== undefined,
        })
      }
      cells={(row) => <Cells row={row} />}
      empty={
        q === undefined ? (
          <Waiting inbox={inbox} />
        ) : (
          <Empty icon="search" title={inboxes.nothingFound} />
        )
      }
    />
  );
}

function useCaptures({ inbox, feed, q }: Omit<CaptureListProps, 'paused'>): RowLog<CaptureRow> {
  const api = useApi();
  const tenant = useTenant();
  const client = useQueryClient();
  const { id, newest } = inbox;
  const list = (query: { limit: number; cursor?: string | undefined }, signal?: AbortSignal) =>
    api.listCaptures({ tenant, inbox: id, q, ...query }, signal ? { signal } : {});
  const [log] = useState(
    () =>
      new RowLog<CaptureRow>({
        idOf: (row) => row.id,
        fetchPage: (cursor, signal) => list({ limit: PAGE, cursor }, signal),
      }),
  );
  useRecovery(log);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a list and its feed are made together.
  useEffect(() => {
    const begin = async () => {
      await log.reload();
      // From the newest one in the list on: what came meanwhile is told, and recognised.
      await feed.open(log.row(0)?.seq ?? (q === undefined ? 0 : newest), (rows) =>
        log.prepend(rows),
      );
    };
    void begin();
    const timer = setInterval(() => {
      if (!hasUnanswered(log)) return;
      void list({ limit: NEWEST }).then(
        ({ items }) => {
          for (const row of items) if (row.status !== null) log.replace(row);
        },
        () => {},
      );
    }, UNANSWERED_MS);
    const stop = client.getQueryCache().subscribe((event) => {
      // Every capture was deleted, here or by whoever else said so.
      const [, what] = event.query.queryKey;
      if (event.type === 'updated' && event.action.type === 'invalidate' && what === 'captures') {
        void log.reload();
      }
    });
    return () => {
      log.close();
      feed.close();
      clearInterval(timer);
      stop();
    };
  }, [log, feed]);
  return log;
}

function hasUnanswered(log: RowLog<CaptureRow>): boolean {
  for (let index = 0; index < Math.min(log.count, NEWEST); index++) {
    if (log.row(index)?.status === null) return true;
  }
  return false;
}

function Cells({ row }: { row: CaptureRow }) {
  return (
    <>
      <Cell className={lists.main}>
        <span className="cut">
          {row.type !== null && <b className={classes.type}>{row.type}</b>}
          <span className={row.type === null ? undefined : 'secondary'}>
            {row.method} {row.path}
          </span>
        </span>
        <Badges row={row} />
      </Cell>
      <Cell className={lists.outcome}>
        <AnswerMark row={row} />
      </Cell>
      <Cell className={`${lists.wide} cut secondary`}>{answeredBy(row)}</Cell>
      <Cell className={`${lists.wide} secondary`}>
        {row.durationMs !== null && formatMs(row.durationMs)}
      </Cell>
      <Cell className={`${lists.when} secondary`}>
        <Ago at={row.receivedAt} />
      </Cell>
    </>
  );
}

export function AnswerMark({ row }: { row: CaptureRow }) {
  const { status, error } = row;
  if (status === null) return <Status mark="pending" text={error ?? inboxes.row.unanswered} />;
  return <Status mark={status < 400 ? 'succeeded' : 'failed'} text={String(status)} />;
}

const SIGNED: Readonly<Record<CaptureRow['signature']['state'], Mark>> = {
  valid: 'succeeded',
  invalid: 'failed',
  unchecked: 'idle',
  unsigned: 'off',
};

export function SignatureMark({ signature }: Pick<CaptureRow, 'signature'>) {
  const { state, scheme } = signature;
  const word = inboxes.signed[state];
  return <Status mark={SIGNED[state]} text={scheme === null ? word : `${word}, ${scheme}`} />;
}

function Badges({ row }: { row: CaptureRow }) {
  return (
    <span className={classes.badges}>
      {row.bookmarked && (
        <span title={inboxes.row.bookmarked}>
          <Icon name="star" size={12} />
          <span className="visually-hidden">{inboxes.row.bookmarked}</span>
        </span>
      )}
      {row.note !== '' && (
        <span title={row.note}>
          <Icon name="edit" size={12} />
          <span className="visually-hidden">{inboxes.row.note}</span>
        </span>
      )}
    </span>
  );
}
