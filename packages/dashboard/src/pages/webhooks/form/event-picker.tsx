import { Checkbox, TagsInput, TextInput } from '@mantine/core';
import { matchesPattern } from '@posthorn/wire';
import { useDeferredValue, useState } from 'react';
import { fitsType, type Group, grouped, useEventTypes } from '../../../data/catalogue.ts';
import { Icon } from '../../../parts/icon.tsx';
import { eventTypes } from '../../../strings/event-types.ts';
import { form } from '../../../strings/webhook-form.ts';
import classes from './event-picker.module.css';

const text = form.events;

export interface EventPickerProps {
  readonly value: readonly string[];
  readonly onChange: (patterns: string[]) => void;
  readonly error?: string | undefined;
}

/** What is typed, patterns included, and the catalogue to choose from: two ways to the same list. */
export function EventPicker({ value, onChange, error }: EventPickerProps) {
  const { data = [] } = useEventTypes();
  const types = data.filter(({ archived, name }) => !archived || value.includes(name));
  return (
    <>
      <TagsInput
        label={text.types}
        description={text.typesAbout}
        placeholder={value.length === 0 ? text.typesPlaceholder : ''}
        splitChars={[',', ' ']}
        acceptValueOnBlur
        value={[...value]}
        error={error}
        onChange={onChange}
      />
      {types.length > 0 && <Catalogue groups={grouped(types)} value={value} onChange={onChange} />}
    </>
  );
}

interface CatalogueProps {
  readonly groups: readonly Group[];
  readonly value: readonly string[];
  readonly onChange: (patterns: string[]) => void;
}

function Catalogue({ groups, value, onChange }: CatalogueProps) {
  const [search, setSearch] = useState('');
  const wanted = useDeferredValue(search);
  const shown = groups
    .map((group) => ({ ...group, types: group.types.filter((type) => fitsType(type, wanted)) }))
    .filter(({ types }) => types.length > 0);
  const set = (names: readonly string[], chosen: boolean) => {
    const others = value.filter((pattern) => !names.includes(pattern));
    onChange(chosen ? [...others, ...names] : others);
  };
  return (
    <div className={classes.box}>
      <TextInput
        aria-label={eventTypes.search}
        placeholder={eventTypes.search}
        leftSection={<Icon name="search" size={14} />}
        value={search}
        onChange={(event) => setSearch(event.currentTarget.value)}
      />
      <div className={classes.groups}>
        {shown.length === 0 && <p className="secondary">{eventTypes.nothingFound}</p>}
        {shown.map((group) => (
          <GroupBox key={group.name} group={group} value={value} set={set} />
        ))}
      </div>
    </div>
  );
}

interface GroupBoxProps {
  readonly group: Group;
  readonly value: readonly string[];
  readonly set: (names: readonly string[], chosen: boolean) => void;
}

function GroupBox({ group, value, set }: GroupBoxProps) {
  const names = group.types.map(({ name }) => name);
  const coveredBy = (name: string) =>
    value.find((pattern) => pattern.includes('*') && matchesPattern(pattern, name));
  const chosen = names.filter((name) => value.includes(name) || coveredBy(name) !== undefined);
  const all = chosen.length === names.length;
  return (
    <fieldset className={classes.group}>
      <legend className="visually-hidden">{group.name || eventTypes.ungrouped}</legend>
      <Checkbox
        className={classes.head}
        label={group.name || eventTypes.ungrouped}
        checked={all}
        indeterminate={!all && chosen.length > 0}
        onChange={() => set(names, !all)}
      />
      {group.types.map(({ name, label, description }) => {
        const pattern = coveredBy(name);
        return (
          <Checkbox
            key={name}
            className={classes.type}
            label={name}
            description={pattern === undefined ? label || description : text.by(pattern)}
            checked={pattern !== undefined || value.includes(name)}
            disabled={pattern !== undefined}
            onChange={(event) => set([name], event.currentTarget.checked)}
          />
        );
      })}
    </fieldset>
  );
}
