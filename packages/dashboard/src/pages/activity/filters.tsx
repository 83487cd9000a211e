import { Button, Popover, Select, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useShortcut } from '../../app/shortcuts.tsx';
import { type ActivitySearch, OUTCOMES, withoutGaps } from '../../data/activity-search.ts';
import { nameOf, useEndpoints } from '../../data/queries.ts';
import { Icon } from '../../parts/icon.tsx';
import { activity } from '../../strings/activity.ts';
import { keys } from '../../strings/keys.ts';
import classes from './filters.module.css';

export interface FiltersProps {
  readonly search: ActivitySearch;
  readonly onChange: (search: ActivitySearch) => void;
}

const text = activity.filters;
type Field = 'state' | 'endpoint' | 'type' | 'from' | 'to';

/** What is filtered by stands beside the button, and goes away by a click. */
export function Filters({ search, onChange }: FiltersProps) {
  const [open, setOpen] = useState(false);
  useShortcut({ keys: '/', label: keys.filter, group: keys.lists, run: () => setOpen(true) });
  const set = (change: Partial<Record<Field, string | undefined>>) =>
    onChange(withoutGaps({ ...search, ...change }) as ActivitySearch);
  return (
    <>
      <Popover opened={open} onChange={setOpen} position="bottom-start" trapFocus returnFocus>
        <Popover.Target>
          <Button onClick={() => setOpen(!open)} leftSection={<Icon name="filter" size={14} />}>
            {text.title}
          </Button>
        </Popover.Target>
        <Popover.Dropdown>
          <Fields search={search} set={set} />
        </Popover.Dropdown>
      </Popover>
      <Chosen search={search} set={set} />
    </>
  );
}

interface Part {
  readonly search: ActivitySearch;
  readonly set: (change: Partial<Record<Field, string | undefined>>) => void;
}

function Fields({ search, set }: Part) {
  const { data = [] } = useEndpoints();
  return (
    <div className={classes.fields}>
      <TypeField search={search} set={set} />
      <Select
        label={text.endpoint}
        placeholder={text.any}
        data={data.map((endpoint) => ({ value: endpoint.id as string, label: nameOf(endpoint) }))}
        value={search.endpoint ?? null}
        searchable
        clearable
        limit={100}
        comboboxProps={{ withinPortal: false }}
        onChange={(value) => set({ endpoint: value ?? undefined })}
      />
      {search.view === undefined && (
        <Select
          label={text.state}
          placeholder={text.any}
          data={OUTCOMES.map((value) => ({ value, label: text.outcomes[value] }))}
          value={search.state ?? null}
          clearable
          comboboxProps={{ withinPortal: false }}
          onChange={(value) => set({ state: value ?? undefined })}
        />
      )}
      <div className={classes.times}>
        <TimeField label={text.from} value={search.from} onChange={(from) => set({ from })} />
        <TimeField label={text.to} value={search.to} onChange={(to) => set({ to })} />
      </div>
    </div>
  );
}

/** Applied when it is left or confirmed, not with every letter. */
function TypeField({ search, set }: Part) {
  const [value, setValue] = useState(search.type ?? '');
  const apply = () => set({ type: value.trim() === '' ? undefined : value.trim() });
  return (
    <TextInput
      label={text.type}
      placeholder="user.created"
      value={value}
      data-autofocus
      onChange={(event) => setValue(event.currentTarget.value)}
      onBlur={apply}
      onKeyDown={(event) => event.key === 'Enter' && apply()}
    />
  );
}

function TimeField(props: {
  label: string;
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}) {
  const { label, value, onChange } = props;
  return (
    <TextInput
      label={label}
      type="datetime-local"
      defaultValue={value === undefined ? '' : localTime(value)}
      onChange={({ currentTarget: { value: local } }) =>
        onChange(local === '' ? undefined : new Date(local).toISOString())
      }
    />
  );
}

/** As `datetime-local` wants it: local, to the minute. */
function localTime(iso: string): string {
  const at = new Date(iso);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function Chosen({ search, set }: Part) {
  const { data = [] } = useEndpoints();
  const endpoint = data.find(({ id }) => id === search.endpoint);
  const chosen: [Field, string][] = [];
  if (search.type !== undefined) chosen.push(['type', search.type]);
  if (search.endpoint !== undefined) {
    chosen.push(['endpoint', endpoint ? nameOf(endpoint) : search.endpoint]);
  }
  if (search.state !== undefined) chosen.push(['state', text.outcomes[search.state]]);
  if (search.from !== undefined)
    chosen.push(['from', `≥ ${localTime(search.from).replace('T', ' ')}`]);
  if (search.to !== undefined) chosen.push(['to', `< ${localTime(search.to).replace('T', ' ')}`]);
  return chosen.map(([field, label]) => (
    <button
      key={field}
      type="button"
      className={classes.chip}
      aria-label={`${text.clear} ${label}`}
      onClick={() => set({ [field]: undefined })}
    >
      <span className="cut">{label}</span>
      <Icon name="close" size={12} />
    </button>
  ));
}
