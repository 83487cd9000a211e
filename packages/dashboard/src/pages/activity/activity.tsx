import { Button, SegmentedControl } from '@mantine/core';
import { getRouteApi, Outlet, useChildMatches, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useRights } from '../../app/context.tsx';
import { useShortcut } from '../../app/shortcuts.tsx';
import { type ActivitySearch, VIEWS, type View } from '../../data/activity-search.ts';
import { Icon } from '../../parts/icon.tsx';
import { Page } from '../../parts/page.tsx';
import { SearchBox } from '../../parts/search-box.tsx';
import { activity } from '../../strings/activity.ts';
import { compose } from '../../strings/compose.ts';
import { keys } from '../../strings/keys.ts';
import { replays } from '../../strings/replays.ts';
import { ReplayDialog } from '../replays/replay-dialog.tsx';
import { RunningReplays } from '../replays/running-replays.tsx';
import classes from './activity.module.css';
import { AttemptList } from './attempt-list.tsx';
import { EventList } from './event-list.tsx';
import { Filters } from './filters.tsx';
import { WaitingList } from './waiting-list.tsx';

const route = getRouteApi('/$tenant/activity');
const SEARCH_CHARS_MAX = 200;

export function Activity() {
  const search = route.useSearch();
  const navigate = useNavigate();
  const { tenant } = route.useParams();
  const { write, publish } = useRights();
  const [paused, setPaused] = useState(false);
  const [replaying, setReplaying] = useState(false);
  const view = search.view ?? 'attempts';
  const open = useChildMatches().length > 0;
  const setSearch = (next: ActivitySearch) =>
    void navigate({ to: '/$tenant/activity', params: { tenant }, search: next });
  const togglePaused = () => setPaused(!paused);
  useShortcut({ keys: 'p', label: keys.pause, group: keys.lists, run: togglePaused });
  return (
    <Page
      title={activity.title}
      fixed
      live
      actions={
        <>
          {publish && (
            <Button
              onClick={() => void navigate({ to: '/$tenant/events/new', params: { tenant } })}
              leftSection={<Icon name="send" size={14} />}
            >
              {compose.title}
            </Button>
          )}
          {write && (
            <Button
              onClick={() => setReplaying(true)}
              leftSection={<Icon name="retry" size={14} />}
            >
              {replays.title}
            </Button>
          )}
          <Button
            onClick={togglePaused}
            leftSection={<Icon name={paused ? 'play' : 'pause'} size={14} />}
          >
            {paused ? activity.resume : activity.pause}
          </Button>
        </>
      }
    >
      <RunningReplays />
      <div className={classes.split} data-open={open}>
        <div className={classes.list}>
          <div className={classes.tools}>
            <SegmentedControl
              aria-label={activity.view}
              data={VIEWS.map((value) => ({ value, label: activity.views[value] }))}
              value={view}
              onChange={(value) => setSearch(switched(search, value as View))}
            />
            <SearchBox
              label={activity.searchLabel}
              placeholder={activity.search}
              maxLength={SEARCH_CHARS_MAX}
              value={search.q ?? ''}
              onSearch={(q) => setSearch(searched(search, q))}
            />
            <Filters search={search} onChange={setSearch} />
          </div>
          <List search={search} view={view} paused={paused} />
        </div>
        <Outlet />
      </div>
      {replaying && (
        <ReplayDialog
          endpoints={search.endpoint === undefined ? [] : [search.endpoint]}
          types={search.type === undefined ? [] : [search.type]}
          onClose={() => setReplaying(false)}
        />
      )}
    </Page>
  );
}

function searched({ q: _, ...rest }: ActivitySearch, q: string): ActivitySearch {
  return q === '' ? rest : { ...rest, q };
}

/** Keeps what the other view can filter by too. */
function switched(search: ActivitySearch, view: View): ActivitySearch {
  const { view: _, state: _state, status: _status, endpoint, ...rest } = search;
  if (view === 'attempts') return { ...rest, ...(endpoint === undefined ? {} : { endpoint }) };
  if (view === 'events') return { ...rest, view };
  return { ...rest, view, ...(endpoint === undefined ? {} : { endpoint }) };
}

interface ListProps {
  readonly search: ActivitySearch;
  readonly view: View;
  readonly paused: boolean;
}

/** A new list for each filter: rows of one never stand among those of another. */
function List({ search, view, paused }: ListProps) {
  const key = JSON.stringify(search);
  if (view === 'waiting') return <WaitingList key={key} search={search} />;
  if (view === 'events') return <EventList key={key} search={search} paused={paused} />;
  return <AttemptList key={key} search={search} paused={paused} />;
}
