import { Button, Popover, Select, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useShortcut } from '../../app/shortcuts.tsx';
import { type ActivitySearch, OUTCOMES, withoutGaps } from '../../data/activity-search.ts';
import { fromLocalTime, toLocalTime } from '../../data/local-time.ts';
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
type Field = 'state' | 'endpoint' | 'type' | 'status' | 'subject' | 'from' | 'to';
type TextField = Extract<Field, 'type' | 'status' | 'subject'>;

/** What is filtered by stands beside the button, and goes away by a click. */
export function Filters({ search, onChange }: FiltersProps) {
  const [open, setOpen] = useState(false);
  useShortcut({ keys: 'f', label: keys.filter, group: keys.lists, run: () => setOpen(true) });
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
  const view = search.view ?? 'attempts';
  return (
    <div className={classes.fields}>
      <Text field="type" placeholder="user.*" search={search} set={set} first />
      {view !== 'events' && (
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
      )}
      {view === 'attempts' && (
        <div className={classes.two}>
          <Select
            label={text.state}
            placeholder={text.any}
            data={OUTCOMES.map((value) => ({ value, label: text.outcomes[value] }))}
            value={search.state ?? null}
            clearable
            comboboxProps={{ withinPortal: false }}
            onChange={(value) => set({ state: value ?? undefined })}
          />
          <Text field="status" placeholder="5xx" search={search} set={set} />
        </div>
      )}
      <Text field="subject" search={search} set={set} />
      <div className={classes.two}>
        <TimeField label={text.from} value={search.from} onChange={(from) => set({ from })} />
        <TimeField label={text.to} value={search.to} onChange={(to) => set({ to })} />
      </div>
    </div>
  );
}

interface TextProps extends Part {
  readonly field: TextField;
  readonly placeholder?: string;
  readonly first?: boolean;
}

/** Applied when it is left or confirmed, not with every letter. */
function Text({ field, placeholder, first, search, set }: TextProps) {
  const [value, setValue] = useState(search[field] ?? '');
  const apply = () => set({ [field]: value.trim() === '' ? undefined : value.trim() });
  return (
    <TextInput
      label={text[field]}
      placeholder={placeholder}
      value={value}
      data-autofocus={first}
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
      defaultValue={value === undefined ? '' : toLocalTime(value)}
      onChange={({ currentTarget: { value: local } }) => onChange(fromLocalTime(local))}
    />
  );
}

function Chosen({ search, set }: Part) {
  const { data = [] } = useEndpoints();
  const endpoint = data.find(({ id }) => id === search.endpoint);
  const chosen: [Field, string][] = [];
  for (const field of ['type', 'status', 'subject'] as const) {
    if (search[field] !== undefined) chosen.push([field, search[field]]);
  }
  if (search.endpoint !== undefined) {
    chosen.push(['endpoint', endpoint ? nameOf(endpoint) : search.endpoint]);
  }
  if (search.state !== undefined) chosen.push(['state', text.outcomes[search.state]]);
  if (search.from !== undefined)
    chosen.push(['from', `≥ ${toLocalTime(search.from).replace('T', ' ')}`]);
  if (search.to !== undefined) chosen.push(['to', `< ${toLocalTime(search.to).replace('T', ' ')}`]);
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
