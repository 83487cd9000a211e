import { TextInput } from '@mantine/core';
import { mistakeOf } from '../../../data/mistakes.ts';
import classes from '../../../parts/form.module.css';
import { form } from '../../../strings/webhook-form.ts';
import type { SendingPart } from './part.ts';

const text = form.sending;
const FIELDS = [
  ['timeoutS', 'timeoutMs', text.timeout],
  ['rateLimit', 'rateLimit', text.rate],
  ['maxConcurrency', 'maxConcurrency', text.concurrency],
] as const;

export function Limits({ draft, set, mistakes, inherited = text.unlimited }: SendingPart) {
  return (
    <div className={classes.three}>
      {FIELDS.map(([field, sent, label]) => (
        <TextInput
          key={field}
          label={label}
          placeholder={inherited}
          inputMode="decimal"
          value={draft[field]}
          error={
            mistakes[field] ?? mistakeOf(mistakes, sent) ?? mistakeOf(mistakes, `defaults.${sent}`)
          }
          onChange={(event) => set({ [field]: event.currentTarget.value })}
        />
      ))}
    </div>
  );
}
