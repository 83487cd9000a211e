import { dialects } from 'virtual:contract';
import { Select, Switch, TagsInput, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useApi, useTenant } from '../../../app/context.tsx';
import { CUSTOM } from '../../../data/custom-format.ts';
import { mistakeOf } from '../../../data/mistakes.ts';
import { queries } from '../../../data/queries.ts';
import { form } from '../../../strings/webhook-form.ts';
import type { Draft } from '../draft.ts';
import { CustomFormat } from './custom.tsx';
import type { Part } from './part.ts';

const text = form.format;
/** Mantine's select knows texts only; this one stands for null. */
const INHERITED = '';

export function Format({ draft, set, mistakes }: Part) {
  const { data } = useQuery(queries.tenant(useApi(), useTenant()));
  const inherited = text.dialects[data?.defaults.dialect ?? 'standard']?.[0] ?? '';
  return (
    <>
      <Select
        label={text.dialect}
        description={text.dialects[draft.dialect ?? '']?.[1]}
        data={[
          { value: INHERITED, label: text.inherited(inherited) },
          ...dialects.map((value) => ({ value, label: text.dialects[value]?.[0] ?? value })),
        ]}
        value={draft.dialect ?? INHERITED}
        error={mistakeOf(mistakes, 'dialect')}
        onChange={(value) => {
          const dialect = (value || null) as Draft['dialect'];
          set({ dialect, custom: dialect === 'custom' ? (draft.custom ?? CUSTOM) : draft.custom });
        }}
      />
      {draft.dialect === 'custom' && <CustomFormat draft={draft} set={set} mistakes={mistakes} />}
      <Select
        label={text.contentType}
        data={[
          { value: INHERITED, label: text.contentTypeOwn },
          ...Object.entries(text.contentTypes).map(([value, label]) => ({ value, label })),
        ]}
        value={draft.contentType ?? INHERITED}
        error={mistakeOf(mistakes, 'contentType')}
        onChange={(value) => set({ contentType: value || null })}
      />
      <TagsInput
        label={text.fields}
        description={text.fieldsAbout}
        splitChars={[',', ' ']}
        acceptValueOnBlur
        value={[...draft.fields]}
        error={mistakeOf(mistakes, 'fields')}
        onChange={(fields) => set({ fields })}
      />
      <Actor draft={draft} set={set} mistakes={mistakes} />
      <Switch
        label={text.standardHeaders}
        checked={draft.standardHeaders}
        onChange={(event) => set({ standardHeaders: event.currentTarget.checked })}
      />
      <TextInput
        label={text.alias}
        description={text.aliasAbout}
        value={draft.alias}
        error={mistakeOf(mistakes, 'alias')}
        onChange={(event) => set({ alias: event.currentTarget.value })}
      />
    </>
  );
}

function Actor({ draft, set, mistakes }: Part) {
  return (
    <>
      <Select
        label={text.actor}
        data={[
          { value: 'none', label: text.actorNone },
          { value: 'all', label: text.actorAll },
          { value: 'some', label: text.actorSome },
        ]}
        value={draft.actor}
        onChange={(value) => set({ actor: value as Draft['actor'] })}
      />
      {draft.actor === 'some' && (
        <TagsInput
          label={text.actorFields}
          splitChars={[',', ' ']}
          acceptValueOnBlur
          value={[...draft.actorFields]}
          error={mistakeOf(mistakes, 'actorFields')}
          onChange={(actorFields) => set({ actorFields })}
        />
      )}
    </>
  );
}
