import { Button, TextInput } from '@mantine/core';
import { mistakeOf } from '../../../data/mistakes.ts';
import { Icon } from '../../../parts/icon.tsx';
import { IconButton } from '../../../parts/icon-button.tsx';
import { common } from '../../../strings/common.ts';
import { form } from '../../../strings/webhook-form.ts';
import type { DraftHeader } from '../draft.ts';
import classes from './form.module.css';
import type { Part } from './part.ts';

const text = form.headers;
/** How the API shows a value that may be a password; sent back it means "keep it". */
const MASK = '••••';

export function Headers({ draft, set, mistakes }: Part) {
  const { headers } = draft;
  const replace = (index: number, change: Partial<DraftHeader>) =>
    set({ headers: headers.map((header, i) => (i === index ? { ...header, ...change } : header)) });
  const move = (index: number, by: number) => {
    const next = [...headers];
    const [row] = next.splice(index, 1);
    if (row) next.splice(index + by, 0, row);
    set({ headers: next });
  };
  const add = () => {
    const key = Math.max(-1, ...headers.map((header) => header.key)) + 1;
    set({ headers: [...headers, { key, name: '', value: '' }] });
  };
  return (
    <>
      <p className="secondary">{text.about}</p>
      {headers.map((header, index) => (
        <div key={header.key} className={classes.header}>
          <TextInput
            aria-label={`${text.name} ${index + 1}`}
            placeholder={text.name}
            value={header.name}
            error={mistakeOf(mistakes, `headers.${index}`)}
            onChange={(event) => replace(index, { name: event.currentTarget.value })}
          />
          <TextInput
            aria-label={`${text.value} ${index + 1}`}
            placeholder={text.value}
            title={header.value === MASK ? text.masked : undefined}
            value={header.value}
            onChange={(event) => replace(index, { value: event.currentTarget.value })}
          />
          <IconButton
            icon="up"
            label={common.moveUp}
            disabled={index === 0}
            onClick={() => move(index, -1)}
          />
          <IconButton
            icon="down"
            label={common.moveDown}
            disabled={index === headers.length - 1}
            onClick={() => move(index, 1)}
          />
          <IconButton
            icon="trash"
            label={common.remove}
            onClick={() => set({ headers: headers.filter((_, i) => i !== index) })}
          />
        </div>
      ))}
      <div>
        <Button onClick={add} leftSection={<Icon name="plus" size={14} />}>
          {text.add}
        </Button>
      </div>
    </>
  );
}
