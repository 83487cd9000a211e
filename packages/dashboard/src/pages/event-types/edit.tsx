import { Button, Textarea, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { useApi, useTenant } from '../../app/context.tsx';
import { useToast } from '../../app/toasts.tsx';
import type { EventTypeRow } from '../../data/types.ts';
import { JsonEditor, jsonProblem } from '../../parts/editor/json-editor.tsx';
import { Failed, Loading } from '../../parts/faces.tsx';
import { FormFoot, useSaving } from '../../parts/form.tsx';
import { Page } from '../../parts/page.tsx';
import { common } from '../../strings/common.ts';
import { eventTypes } from '../../strings/event-types.ts';
import classes from './event-types.module.css';

const text = eventTypes.form;

interface Draft {
  readonly name: string;
  readonly group: string;
  readonly label: string;
  readonly description: string;
  readonly schema: string;
  readonly example: string;
}

const EMPTY: Draft = { name: '', group: '', label: '', description: '', schema: '', example: '{}' };

export function NewEventType() {
  const tenant = useTenant();
  return (
    <Page
      title={text.newTitle}
      back={{ label: eventTypes.title, link: { to: '/$tenant/event-types', params: { tenant } } }}
    >
      <Form initial={EMPTY} before={undefined} />
    </Page>
  );
}

export function EditEventType() {
  const { type } = useParams({ from: '/$tenant/event-types/$type/edit' });
  const api = useApi();
  const tenant = useTenant();
  const { data, error, refetch } = useQuery({
    queryKey: [tenant, 'event-types', type],
    queryFn: ({ signal }) => api.getEventType({ tenant, type }, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (!data) return error ? <Failed error={error} retry={() => void refetch()} /> : <Loading />;
  return (
    <Page
      title={data.name}
      back={{
        label: data.name,
        link: { to: '/$tenant/event-types/$type', params: { tenant, type } },
      }}
    >
      <Form key={data.name} initial={draftOf(data)} before={data} />
    </Page>
  );
}

function draftOf({ name, group, label, description, schema, example }: EventTypeRow): Draft {
  const print = (value: unknown) => JSON.stringify(value, null, 2);
  return {
    name,
    group,
    label,
    description,
    schema: schema === null ? '' : print(schema),
    example: example === null ? '' : print(example.data),
  };
}

function Form({ initial, before }: { initial: Draft; before: EventTypeRow | undefined }) {
  const tenant = useTenant();
  const navigate = useNavigate();
  const [draft, setDraft] = useState(initial);
  const { save, busy, error, mistakes } = useSavingType(before);
  const set = (change: Partial<Draft>) => setDraft((now) => ({ ...now, ...change }));
  const problems = { schema: problemOf(draft.schema), example: problemOf(draft.example) };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!problems.schema && !problems.example) void save(draft);
  };
  const cancel = () => void navigate({ to: '/$tenant/event-types', params: { tenant } });
  return (
    <form className={classes.form} onSubmit={submit} noValidate>
      {!before && (
        <TextInput
          label={text.name}
          description={text.nameAbout}
          autoFocus
          value={draft.name}
          maxLength={128}
          error={mistakes['name']}
          onChange={(event) => set({ name: event.currentTarget.value })}
        />
      )}
      <Words draft={draft} set={set} />
      <JsonEditor
        label={text.example}
        description={text.exampleAbout}
        error={problems.example ?? mistakes['example']}
        value={draft.example}
        onChange={(example) => set({ example })}
      />
      <JsonEditor
        label={text.schema}
        description={text.schemaAbout}
        error={problems.schema ?? mistakes['schema']}
        value={draft.schema}
        onChange={(schema) => set({ schema })}
        minLines={10}
      />
      <FormFoot error={error}>
        <Button type="submit" variant="filled" loading={busy} disabled={draft.name.trim() === ''}>
          {common.save}
        </Button>
        <Button onClick={cancel}>{common.cancel}</Button>
      </FormFoot>
    </form>
  );
}

function Words({ draft, set }: { draft: Draft; set: (change: Partial<Draft>) => void }) {
  return (
    <>
      <div className={classes.short}>
        <TextInput
          label={text.group}
          value={draft.group}
          maxLength={100}
          onChange={(event) => set({ group: event.currentTarget.value })}
        />
        <TextInput
          label={text.label}
          value={draft.label}
          maxLength={200}
          onChange={(event) => set({ label: event.currentTarget.value })}
        />
      </div>
      <Textarea
        label={text.description}
        autosize
        minRows={2}
        maxLength={4000}
        value={draft.description}
        onChange={(event) => set({ description: event.currentTarget.value })}
      />
    </>
  );
}

function problemOf(json: string): string | undefined {
  const problem = json.trim() === '' ? undefined : jsonProblem(json);
  return problem === undefined ? undefined : text.invalidJson(problem);
}

function useSavingType(latest: EventTypeRow | undefined) {
  // What was there when the person began: a change by somebody else is refused, not lost.
  const [before] = useState(latest);
  const api = useApi();
  const tenant = useTenant();
  const client = useQueryClient();
  const navigate = useNavigate();
  const toast = useToast();
  return useSaving(async (draft: Draft) => {
    const type = draft.name.trim();
    // Of the tenant's own the version is known; what is new, or a parent's, must not be here yet.
    const version = before && !before.inherited ? before.version : 0;
    const body = { ...bodyOf(draft, before), version };
    await api.putEventType({ tenant, type, body });
    await client.invalidateQueries({ queryKey: [tenant, 'event-types'], refetchType: 'all' });
    toast({ text: eventTypes.detail.saved });
    await navigate({ to: '/$tenant/event-types/$type', params: { tenant, type } });
  });
}

function bodyOf(draft: Draft, before: EventTypeRow | undefined) {
  const { group, label, description, schema, example } = draft;
  return {
    group: group.trim(),
    label: label.trim(),
    description: description.trim(),
    schema: schema.trim() === '' ? null : (JSON.parse(schema) as Record<string, unknown>),
    // Subject, actor and context of an example are not in the form: they stay.
    example: example.trim() === '' ? null : { ...before?.example, data: JSON.parse(example) },
    archived: before?.archived ?? false,
  };
}
