import { Button } from '@mantine/core';
import { ApiError } from '@posthorn/api/browser';
import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useEffect, useSyncExternalStore } from 'react';
import { useTenant } from '../../app/context.tsx';
import { formatMoment } from '../../app/format.ts';
import type { ActivitySearch } from '../../data/activity-search.ts';
import type { RowLog } from '../../data/row-log.ts';
import { Empty } from '../../parts/faces.tsx';
import { Rows, type RowsProps } from '../../parts/rows.tsx';
import { activity } from '../../strings/activity.ts';
import classes from './lists.module.css';

const AGAIN_MS = 2000;

export interface FoundRowsProps<T> extends Omit<RowsProps<T>, 'refused'> {
  readonly search: ActivitySearch;
}

/** Rows that may be of a search: how far it has looked, what it found, and what stands there if nothing. */
export function FoundRows<T>({ search, empty, ...rows }: FoundRowsProps<T>) {
  return (
    <>
      <SearchedTo log={rows.log} />
      <Rows
        {...rows}
        empty={<NoRows search={search}>{empty}</NoRows>}
        refused={(error) => refusalOf(search, error)}
      />
    </>
  );
}

/** The index reads the log from behind: how far it has come, as long as it is not there. */
function SearchedTo<T>({ log }: { log: RowLog<T> }) {
  useSyncExternalStore(log.subscribe, log.getVersion);
  const { searchedTo } = log;
  const behind = searchedTo !== undefined;
  useEffect(() => {
    if (!behind) return undefined;
    const timer = setInterval(() => void log.refresh(), AGAIN_MS);
    return () => clearInterval(timer);
  }, [log, behind]);
  return (
    <p role="status" className={classes.searched}>
      {behind && activity.searchedTo(formatMoment(searchedTo))}
    </p>
  );
}

/** What a list shows in place of rows: nothing at all, nothing that fits, nothing that was found. */
function NoRows({ search, children }: { search: ActivitySearch; children: ReactNode }) {
  const { view: _, q, ...filter } = search;
  if (q !== undefined) {
    return (
      <Empty icon="search" title={activity.nothingFound}>
        <p>{activity.nothingFoundText}</p>
        <ShowAll search={search} />
      </Empty>
    );
  }
  if (Object.keys(filter).length > 0) return <Empty icon="filter" title={activity.emptyFiltered} />;
  return children;
}

/** A search that the server does not make is answered by its reason, and by the way back. */
function refusalOf(search: ActivitySearch, error: unknown): ReactNode {
  if (search.q === undefined || !(error instanceof ApiError && error.status === 400))
    return undefined;
  return (
    <Empty icon="search" title={activity.notSearched}>
      <p role="alert">{error.problem?.detail ?? error.message}</p>
      <ShowAll search={search} />
    </Empty>
  );
}

function ShowAll({ search }: { search: ActivitySearch }) {
  const navigate = useNavigate();
  const tenant = useTenant();
  const { q: _, ...rest } = search;
  const show = () => void navigate({ to: '/$tenant/activity', params: { tenant }, search: rest });
  return <Button onClick={show}>{activity.showAll}</Button>;
}
