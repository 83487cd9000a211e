import { Select } from '@mantine/core';
import { mistakeOf } from '../../../data/mistakes.ts';
import { form } from '../../../strings/webhook-form.ts';
import type { Draft } from '../draft.ts';
import { Limits } from './limits.tsx';
import type { Part } from './part.ts';
import { Retry } from './retry.tsx';

const text = form.sending;

export function Sending({ draft, set, mistakes }: Part) {
  return (
    <>
      <Retry draft={draft} set={set} mistakes={mistakes} />
      <Limits draft={draft} set={set} mistakes={mistakes} />
      <Select
        label={text.ordering}
        description={draft.ordering === 'none' ? undefined : text.orderingAbout}
        data={Object.entries(text.orderings).map(([value, label]) => ({ value, label }))}
        value={draft.ordering}
        error={mistakeOf(mistakes, 'ordering')}
        onChange={(value) => set({ ordering: value as Draft['ordering'] })}
      />
    </>
  );
}
