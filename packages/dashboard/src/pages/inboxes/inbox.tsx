import { Button, Menu } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Outlet, useChildMatches, useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { useApi, useRights, useTenant } from '../../app/context.tsx';
import { useShortcut } from '../../app/shortcuts.tsx';
import { CaptureFeed } from '../../data/capture-feed.ts';
import { queries } from '../../data/queries.ts';
import type { InboxRow } from '../../data/types.ts';
import { useAction } from '../../parts/actions.tsx';
import { Confirm } from '../../parts/confirm.tsx';
import { Copyable } from '../../parts/copy.tsx';
import { Failed, Loading } from '../../parts/faces.tsx';
import { Icon } from '../../parts/icon.tsx';
import { MoreMenu } from '../../parts/more-menu.tsx';
import { Page } from '../../parts/page.tsx';
import { QrButton } from '../../parts/qr-button.tsx';
import { SearchBox } from '../../parts/search-box.tsx';
import { activity } from '../../strings/activity.ts';
import { common } from '../../strings/common.ts';
import { inboxes } from '../../strings/inboxes.ts';
import { keys } from '../../strings/keys.ts';
import split from '../activity/activity.module.css';
import { answerSummary } from './answer.ts';
import { CaptureList } from './capture-list.tsx';
import classes from './inboxes.module.css';
import { Listeners } from './listeners.tsx';
import { ShareDialog } from './share.tsx';

const route = getRouteApi('/$tenant/inboxes/$inbox');
const SEARCH_CHARS_MAX = 1000;

export function InboxPage() {
  const { inbox: id } = route.useParams();
  const tenant = useTenant();
  const { data, error, refetch } = useQuery(queries.inbox(useApi(), tenant, id as InboxRow['id']));
  if (!data) return error ? <Failed error={error} retry={() => void refetch()} /> : <Loading />;
  return <Opened key={data.id} inbox={data} />;
}

function Opened({ inbox }: { inbox: InboxRow }) {
  const api = useApi();
  const tenant = useTenant();
  const { q } = route.useSearch();
  const [paused, setPaused] = useState(false);
  const open = useChildMatches().length > 0;
  const { id } = inbox;
  // A new feed and a new list for each search.
  const feed = useMemo(() => new CaptureFeed({ api, tenant, inbox: id, q }), [api, tenant, id, q]);
  const togglePaused = () => setPaused(!paused);
  useShortcut({ keys: 'p', label: keys.pause, group: keys.lists, run: togglePaused });
  return (
    <Page
      title={inbox.title || inbox.name}
      fixed
      live={feed}
      back={{ label: inboxes.title, link: { to: '/$tenant/inboxes', params: { tenant } } }}
      about={
        <>
          <span className={classes.about}>
            <span className={classes.address}>
              <Copyable text={inbox.url} />
              <QrButton text={inbox.url} />
            </span>
            <span>{answerSummary(inbox.answer)}</span>
          </span>
          <Listeners inbox={inbox.id} />
        </>
      }
      actions={
        <>
          <Button
            onClick={togglePaused}
            leftSection={<Icon name={paused ? 'play' : 'pause'} size={14} />}
          >
            {paused ? activity.resume : activity.pause}
          </Button>
          <Actions inbox={inbox} />
        </>
      }
    >
      <div className={split.split} data-open={open}>
        <div className={split.list}>
          <div className={split.tools}>
            <Search q={q} inbox={inbox} />
          </div>
          <CaptureList key={q ?? ''} inbox={inbox} feed={feed} q={q} paused={paused} />
        </div>
        <Outlet />
      </div>
    </Page>
  );
}

function Search({ q = '', inbox }: { q: string | undefined; inbox: InboxRow }) {
  const tenant = useTenant();
  const navigate = useNavigate();
  const search = (wanted: string) =>
    void navigate({
      to: '/$tenant/inboxes/$inbox',
      params: { tenant, inbox: inbox.id },
      search: wanted === '' ? {} : { q: wanted },
    });
  return (
    <SearchBox
      label={inboxes.searchLabel}
      placeholder={inboxes.search}
      maxLength={SEARCH_CHARS_MAX}
      value={q}
      onSearch={search}
    />
  );
}

function Actions({ inbox }: { inbox: InboxRow }) {
  const tenant = useTenant();
  const { write } = useRights();
  const navigate = useNavigate();
  const [dialog, setDialog] = useState<'share' | 'clear' | 'delete'>();
  const close = () => setDialog(undefined);
  const params = { tenant, inbox: inbox.id };
  if (!write) return null;
  return (
    <>
      <Button onClick={() => setDialog('share')} leftSection={<Icon name="link" size={14} />}>
        {inboxes.share.open}
      </Button>
      <Button onClick={() => void navigate({ to: '/$tenant/inboxes/$inbox/rules', params })}>
        {inboxes.rules}
      </Button>
      <Button onClick={() => void navigate({ to: '/$tenant/inboxes/$inbox/settings', params })}>
        {inboxes.settings}
      </Button>
      <MoreMenu>
        <Menu.Item leftSection={<Icon name="trash" />} onClick={() => setDialog('clear')}>
          {inboxes.clear}
        </Menu.Item>
        <Menu.Item
          color="red"
          leftSection={<Icon name="trash" />}
          onClick={() => setDialog('delete')}
        >
          {inboxes.delete}
        </Menu.Item>
      </MoreMenu>
      {dialog === 'share' && <ShareDialog inbox={inbox.id} capture={null} onClose={close} />}
      {dialog === 'clear' && <Clear inbox={inbox} onClose={close} />}
      {dialog === 'delete' && <Delete inbox={inbox} onClose={close} />}
    </>
  );
}

interface DialogProps {
  readonly inbox: InboxRow;
  readonly onClose: () => void;
}

function Clear({ inbox, onClose }: DialogProps) {
  const api = useApi();
  const tenant = useTenant();
  const clear = useAction({
    run: () => api.deleteCaptures({ tenant, inbox: inbox.id }),
    done: ({ deleted }) => inboxes.cleared(deleted),
    touches: [
      [tenant, 'inboxes'],
      [tenant, 'captures'],
    ],
    after: onClose,
  });
  return (
    <Confirm
      title={inboxes.clearTitle}
      action={common.delete}
      busy={clear.isPending}
      onConfirm={() => clear.mutate(undefined)}
      onClose={onClose}
    >
      {inboxes.clearText}
    </Confirm>
  );
}

function Delete({ inbox, onClose }: DialogProps) {
  const api = useApi();
  const tenant = useTenant();
  const navigate = useNavigate();
  const remove = useAction({
    run: () => api.deleteInbox({ tenant, inbox: inbox.id }),
    done: () => inboxes.deleted,
    touches: [[tenant, 'inboxes', 'list']],
    after: () => void navigate({ to: '/$tenant/inboxes', params: { tenant } }),
  });
  return (
    <Confirm
      title={inboxes.deleteTitle}
      action={common.delete}
      name={inbox.name}
      busy={remove.isPending}
      onConfirm={() => remove.mutate(undefined)}
      onClose={onClose}
    >
      {inboxes.deleteText}
    </Confirm>
  );
}
