import { PasswordInput, Select, Textarea } from '@mantine/core';
import { useRights } from '../../../app/context.tsx';
import { mistakeOf } from '../../../data/mistakes.ts';
import { form } from '../../../strings/webhook-form.ts';
import type { Draft } from '../draft.ts';
import type { FormPart } from './part.ts';

const text = form.more;

export function More({ draft, set, mistakes, isNew }: FormPart) {
  const { admin } = useRights();
  return (
    <>
      {isNew && (
        <PasswordInput
          label={text.secret}
          description={text.secretAbout}
          autoComplete="off"
          value={draft.secret}
          error={mistakeOf(mistakes, 'secret')}
          onChange={(event) => set({ secret: event.currentTarget.value })}
        />
      )}
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
