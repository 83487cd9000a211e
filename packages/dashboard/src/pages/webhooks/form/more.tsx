import { Select, Textarea } from '@mantine/core';
import { useRights } from '../../../app/context.tsx';
import { form } from '../../../strings/webhook-form.ts';
import type { Draft } from '../draft.ts';
import { mistakeOf, type Part } from './part.ts';

const text = form.more;

export function More({ draft, set, mistakes }: Part) {
  const { admin } = useRights();
  return (
    <>
      {admin && (
        <Select
          label={text.scope}
          description={draft.scope === 'tenant' ? undefined : text.scopeAbout}
          data={Object.entries(text.scopes).map(([value, label]) => ({ value, label }))}
          value={draft.scope}
          error={mistakeOf(mistakes, 'scope')}
          onChange={(value) => set({ scope: value as Draft['scope'] })}
        />
      )}
      <Textarea
        label={text.metadata}
        description={text.metadataAbout}
        autosize
        minRows={2}
        value={draft.metadata}
        error={mistakeOf(mistakes, 'metadata')}
        onChange={(event) => set({ metadata: event.currentTarget.value })}
      />
    </>
  );
}
