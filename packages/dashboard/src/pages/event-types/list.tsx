import { Button, Menu, TextInput } from '@mantine/core';
import { Link, useNavigate } from '@tanstack/react-router';
import { useDeferredValue, useRef, useState } from 'react';
import { useApp, useRights, useTenant } from '../../app/context.tsx';
import { useShortcut } from '../../app/shortcuts.tsx';
import { fitsType, grouped, useEventTypes, useSubscribers } from '../../data/catalogue.ts';
import type { EventTypeRow } from '../../data/types.ts';
import { Empty, Failed, Loading } from '../../parts/faces.tsx';
import { Icon } from '../../parts/icon.tsx';
import { MoreMenu } from '../../parts/more-menu.tsx';
import { Page } from '../../parts/page.tsx';
import { saveFile } from '../../parts/save-file.ts';
import { eventTypes } from '../../strings/event-types.ts';
import { keys } from '../../strings/keys.ts';
import classes from './event-types.module.css';
import { ImportDocument } from './import.tsx';
import { LoadPreset } from './preset.tsx';

export function EventTypes() {
  const { write } = useRights();
  const { data, error, refetch } = useEventTypes();
  const [dialog, setDialog] = useState<'preset' | 'import'>();
  const close = () => setDialog(undefined);
  return (
    <Page title={eventTypes.title} actions={<Actions open={setDialog} />}>
      {!data && error && <Failed error={error} retry={() => void refetch()} />}
      {!data && !error && <Loading />}
      {data?.length === 0 && (
        <Empty icon="types" title={eventTypes.emptyTitle}>
          <p>{eventTypes.emptyText}</p>
          {write && (
            <Button variant="filled" onClick={() => setDialog('preset')}>
              {eventTypes.menu.preset}
            </Button>
          )}
        </Empty>
      )}
      {data && data.length > 0 && <Found types={data} />}
      {dialog === 'preset' && <LoadPreset onClose={close} />}
      {dialog === 'import' && <ImportDocument onClose={close} />}
    </Page>
  );
}

function Actions({ open }: { open: (dialog: 'preset' | 'import') => void }) {
  const { apiText } = useApp();
  const { write } = useRights();
  const tenant = useTenant();
  const navigate = useNavigate();
  const create = () => void navigate({ to: '/$tenant/event-types/new', params: { tenant } });
  useShortcut({ keys: 'n', label: keys.create, group: keys.lists, run: create }, write);
  const save = async (format: 'openapi' | 'json-schema') => {
    const text = await apiText('exportCatalogue', { tenant, format });
    saveFile({ name: `${tenant}-${format}.json`, type: 'application/json', content: text });
  };
  const { menu } = eventTypes;
  return (
    <>
      <MoreMenu>
        {write && (
          <>
            <Menu.Item onClick={() => open('preset')}>{menu.preset}</Menu.Item>
            <Menu.Item onClick={() => open('import')}>{menu.import}</Menu.Item>
          </>
        )}
        <Menu.Item onClick={() => void save('openapi')}>{menu.exportOpenApi}</Menu.Item>
        <Menu.Item onClick={() => void save('json-schema')}>{menu.exportJsonSchema}</Menu.Item>
      </MoreMenu>
      {write && (
        <Button variant="filled" onClick={create} leftSection={<Icon name="plus" size={14} />}>
          {eventTypes.create}
        </Button>
      )}
    </>
  );
}

function Found({ types }: { types: readonly EventTypeRow[] }) {
  const [text, setText] = useState('');
  const wanted = useDeferredValue(text);
  const input = useRef<HTMLInputElement>(null);
  const focus = () => input.current?.focus();
  useShortcut({ keys: '/', label: keys.filter, group: keys.lists, run: focus });
  const groups = grouped(types.filter((type) => fitsType(type, wanted)));
  return (
    <>
      <TextInput
        ref={input}
        aria-label={eventTypes.search}
        placeholder={eventTypes.search}
        leftSection={<Icon name="search" size={14} />}
        className={classes.search}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      {groups.length === 0 && <Empty icon="search" title={eventTypes.nothingFound} />}
      {groups.map(({ name, types: members }) => (
        <section key={name} aria-label={name || eventTypes.ungrouped}>
          <h2 className={classes.group}>
            {name || eventTypes.ungrouped}
            <span className="secondary"> {members.length}</span>
          </h2>
          <ul className={classes.rows}>
            {members.map((type) => (
              <Row key={type.name} type={type} />
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}

function Row({ type }: { type: EventTypeRow }) {
  const tenant = useTenant();
  const subscribers = useSubscribers();
  const { name, label, description, archived } = type;
  return (
    <li>
      <Link
        to="/$tenant/event-types/$type"
        params={{ tenant, type: name }}
        className={classes.row}
        data-archived={archived}
      >
        <span className={classes.name}>{name}</span>
        <span className={`${classes.label} cut secondary`}>{label || description}</span>
        <span className="secondary">
          {archived ? eventTypes.archived : eventTypes.subscribers(subscribers(name).length)}
        </span>
      </Link>
    </li>
  );
}
