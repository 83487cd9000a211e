import { Button, SegmentedControl } from '@mantine/core';
import { getRouteApi, Outlet, useChildMatches, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useShortcut } from '../../app/shortcuts.tsx';
import { type ActivitySearch, VIEWS, type View } from '../../data/activity-search.ts';
import { Icon } from '../../parts/icon.tsx';
import { Page } from '../../parts/page.tsx';
import { activity } from '../../strings/activity.ts';
import { keys } from '../../strings/keys.ts';
import classes from './activity.module.css';
import { AttemptList } from './attempt-list.tsx';
import { EventList } from './event-list.tsx';
import { Filters } from './filters.tsx';
import { WaitingList } from './waiting-list.tsx';

const route = getRouteApi('/$tenant/activity');

export function Activity() {
  const search = route.useSearch();
  const navigate = useNavigate();
  const { tenant } = route.useParams();
  const [paused, setPaused] = useState(false);
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
        <Button
          onClick={togglePaused}
          leftSection={<Icon name={paused ? 'play' : 'pause'} size={14} />}
        >
          {paused ? activity.resume : activity.pause}
        </Button>
      }
    >
      <div className={classes.split} data-open={open}>
        <div className={classes.list}>
          <div className={classes.tools}>
            <SegmentedControl
              aria-label={activity.view}
              data={VIEWS.map((value) => ({ value, label: activity.views[value] }))}
              value={view}
              onChange={(value) => setSearch(switched(search, value as View))}
            />
            <Filters search={search} onChange={setSearch} />
          </div>
          <List search={search} view={view} paused={paused} />
        </div>
        <Outlet />
      </div>
    </Page>
  );
}

/** Keeps what both views can filter by. */
function switched(search: ActivitySearch, view: View): ActivitySearch {
  const { view: _, state: _state, ...rest } = search;
  return view === 'attempts' ? rest : { ...rest, view };
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
