import { Switch, Textarea } from '@mantine/core';
import { useRights } from '../../../app/context.tsx';
import { form } from '../../../strings/webhook-form.ts';
import { mistakeOf, type Part } from './part.ts';

const text = form.more;

export function More({ draft, set, mistakes }: Part) {
  const { admin } = useRights();
  return (
    <>
      {admin && (
        <Switch
          label={text.scope}
          description={text.scopeAbout}
          checked={draft.scope === 'all'}
          error={mistakeOf(mistakes, 'scope')}
          onChange={(event) => set({ scope: event.currentTarget.checked ? 'all' : 'tenant' })}
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
