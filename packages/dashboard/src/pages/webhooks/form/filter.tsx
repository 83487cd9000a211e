import { Button, SegmentedControl, Select, TextInput } from '@mantine/core';
import { mistakeOf } from '../../../data/mistakes.ts';
import { JsonEditor } from '../../../parts/editor/json-editor.tsx';
import formClasses from '../../../parts/form.module.css';
import { Icon } from '../../../parts/icon.tsx';
import { IconButton } from '../../../parts/icon-button.tsx';
import { common } from '../../../strings/common.ts';
import { form } from '../../../strings/webhook-form.ts';
import {
  FIRST_ROW,
  type FilterDraft,
  type FilterRow,
  filterOf,
  OPERATORS,
} from '../filter-draft.ts';
import { FilterTrial } from './filter-trial.tsx';
import classes from './form.module.css';
import type { Part } from './part.ts';

const text = form.filter;

/** Which of the events of its types: conditions on what an event says. */
export function EventFilter({ draft, set, mistakes }: Part) {
  const { filter } = draft;
  const change = (part: Partial<FilterDraft>) => set({ filter: { ...filter, ...part } });
  return (
    <>
      <SegmentedControl
        aria-label={text.which}
        data={[
          { value: 'none', label: text.none },
          { value: 'rows', label: text.rows },
          { value: 'json', label: text.json },
        ]}
        value={filter.mode}
        onChange={(mode) => change(switched(filter, mode as FilterDraft['mode']))}
      />
      {filter.mode === 'rows' && (
        <Rows filter={filter} change={change} error={mistakeOf(mistakes, 'filter')} />
      )}
      {filter.mode === 'json' && (
        <JsonEditor
          label={text.json}
          description={text.jsonAbout}
          error={mistakeOf(mistakes, 'filter')}
          value={filter.json}
          onChange={(json) => change({ json })}
        />
      )}
      {filter.mode !== 'none' && <FilterTrial draft={draft} />}
    </>
  );
}

/** What the rows say is taken along as JSON. */
function switched(filter: FilterDraft, mode: FilterDraft['mode']): Partial<FilterDraft> {
  if (mode === 'rows' && filter.rows.length === 0) return { mode, rows: [FIRST_ROW] };
  if (mode !== 'json') return { mode };
  const said = filter.mode === 'rows' ? filterOf(filter) : null;
  return { mode, json: said ? JSON.stringify(said, null, 2) : filter.json || '{}' };
}

interface RowsProps {
  readonly filter: FilterDraft;
  readonly change: (part: Partial<FilterDraft>) => void;
  readonly error: string | undefined;
}

function Rows({ filter, change, error }: RowsProps) {
  const { rows, match } = filter;
  const replace = (index: number, part: Partial<FilterRow>) =>
    change({ rows: rows.map((row, i) => (i === index ? { ...row, ...part } : row)) });
  const add = () => {
    const key = Math.max(-1, ...rows.map((row) => row.key)) + 1;
    change({ rows: [...rows, { ...FIRST_ROW, key }] });
  };
  return (
    <>
      {rows.length > 1 && (
        <Select
          aria-label={text.match}
          data={Object.entries(text.matches).map(([value, label]) => ({ value, label }))}
          value={match}
          onChange={(value) => change({ match: value as FilterDraft['match'] })}
        />
      )}
      {rows.map((row, index) => (
        <div key={row.key} className={classes.condition}>
          <TextInput
            aria-label={`${text.path} ${index + 1}`}
            placeholder="data.total"
            value={row.path}
            error={index === 0 && error !== undefined}
            onChange={(event) => replace(index, { path: event.currentTarget.value })}
          />
          <Select
            aria-label={`${text.operator} ${index + 1}`}
            data={OPERATORS.map((value) => ({ value, label: text.operators[value] }))}
            value={row.operator}
            onChange={(value) => replace(index, { operator: value as FilterRow['operator'] })}
          />
          <TextInput
            aria-label={`${text.value} ${index + 1}`}
            placeholder={text.placeholders[row.operator] ?? text.value}
            value={row.value}
            onChange={(event) => replace(index, { value: event.currentTarget.value })}
          />
          <IconButton
            icon="trash"
            label={common.remove}
            disabled={rows.length === 1}
            onClick={() => change({ rows: rows.filter((_, i) => i !== index) })}
          />
        </div>
      ))}
      {error !== undefined && <p className={formClasses.error}>{error}</p>}
      <div>
        <Button onClick={add} leftSection={<Icon name="plus" size={14} />}>
          {text.add}
        </Button>
      </div>
    </>
  );
}
