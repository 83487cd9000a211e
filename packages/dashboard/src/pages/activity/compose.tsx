import { Autocomplete, Button, TagsInput, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { useApp, useTenant } from '../../app/context.tsx';
import { useEventTypes, useSubscribers } from '../../data/catalogue.ts';
import { memberText } from '../../data/member-text.ts';
import { nameOf } from '../../data/queries.ts';
import type { EventRow, WholeEvent } from '../../data/types.ts';
import { useAction } from '../../parts/actions.tsx';
import { JsonEditor, jsonProblem } from '../../parts/editor/json-editor.tsx';
import { Failed, Loading } from '../../parts/faces.tsx';
import form from '../../parts/form.module.css';
import { Icon } from '../../parts/icon.tsx';
import { Page } from '../../parts/page.tsx';
import { activity } from '../../strings/activity.ts';
import { compose } from '../../strings/compose.ts';

interface Draft {
  readonly type: string;
  readonly data: string;
  readonly subject: string;
  readonly actor: string;
  readonly context: string;
  readonly orderingKey: string;
  readonly channels: readonly string[];
}

const EMPTY: Draft = {
  type: '',
  data: '{}',
  subject: '',
  actor: '',
  context: '',
  orderingKey: '',
  channels: [],
};

/** An event written by hand, or one that was sent before and is changed a little. */
export function Compose() {
  const { from } = useSearch({ from: '/$tenant/events/new' });
  return from === undefined ? <Composer initial={EMPTY} /> : <Again event={from} />;
}

function Again({ event }: { event: EventRow['id'] }) {
  const { apiText } = useApp();
  const tenant = useTenant();
  const { data, error, refetch } = useQuery({
    queryKey: [tenant, 'events', event, 'draft'],
    queryFn: async ({ signal }): Promise<Draft> => {
      const text = await apiText('getEvent', { tenant, event }, { signal });
      return draftOf(JSON.parse(text) as WholeEvent, memberText(text, 'data') ?? '');
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (!data) return error ? <Failed error={error} retry={() => void refetch()} /> : <Loading />;
  return <Composer initial={data} />;
}

function draftOf(event: WholeEvent, data: string): Draft {
  const json = (value: object | undefined) => (value ? JSON.stringify(value, null, 2) : '');
  return {
    type: event.type,
    data: pretty(data),
    subject: event.subject ?? '',
    actor: json(event.actor),
    context: json(event.context),
    orderingKey: event.orderingKey ?? '',
    channels: event.channels ?? [],
  };
}

/** Laid out to be read, unless that would change a number. */
function pretty(json: string): string {
  const parsed: unknown = JSON.parse(json);
  return JSON.stringify(parsed) === json ? JSON.stringify(parsed, null, 2) : json;
}

function Composer({ initial }: { initial: Draft }) {
  const tenant = useTenant();
  const [draft, setDraft] = useState(initial);
  const set = (change: Partial<Draft>) => setDraft((now) => ({ ...now, ...change }));
  const problems = problemsOf(draft);
  const post = usePost(draft);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (Object.keys(problems).length === 0) post.mutate(undefined);
  };
  return (
    <Page
      title={compose.title}
      about={compose.about}
      back={{ label: activity.title, link: { to: '/$tenant/activity', params: { tenant } } }}
    >
      <form className={form.form} onSubmit={submit} noValidate>
        <div className={form.fields}>
          <TypeField draft={draft} set={set} />
          <JsonEditor
            label={compose.data}
            error={problems.data}
            value={draft.data}
            onChange={(data) => set({ data })}
            minLines={12}
          />
          <details>
            <summary>{compose.more}</summary>
            <div className={form.fields}>
              <More draft={draft} set={set} problems={problems} />
            </div>
          </details>
        </div>
        <div className={form.foot}>
          <Button
            type="submit"
            variant="filled"
            loading={post.isPending}
            disabled={draft.type.trim() === '' || Object.keys(problems).length > 0}
            leftSection={<Icon name="send" size={14} />}
          >
            {compose.send}
          </Button>
        </div>
      </form>
    </Page>
  );
}

/** Data goes out as it was typed: parsed and printed again, 1.0 would be 1. */
function usePost(draft: Draft) {
  const { apiText } = useApp();
  const tenant = useTenant();
  const navigate = useNavigate();
  return useAction({
    run: async () => {
      const answer = await apiText('publishEvents', { tenant }, { body: bodyOf(draft) });
      return JSON.parse(answer) as { id: EventRow['id']; deliveries: number };
    },
    done: ({ deliveries }) => compose.sent(deliveries),
    touches: [[tenant, 'events']],
    after: ({ id }) =>
      void navigate({ to: '/$tenant/events/$event', params: { tenant, event: id } }),
  });
}

function bodyOf({ type, data, channels, ...rest }: Draft): string {
  const members = [`"type":${JSON.stringify(type.trim())}`, `"data":${data}`];
  for (const name of ['subject', 'orderingKey'] as const) {
    const text = rest[name].trim();
    if (text !== '') members.push(`"${name}":${JSON.stringify(text)}`);
  }
  for (const name of ['actor', 'context'] as const) {
    const json = rest[name].trim();
    if (json !== '') members.push(`"${name}":${json}`);
  }
  if (channels.length > 0) members.push(`"channels":${JSON.stringify(channels)}`);
  return `{${members.join(',')}}`;
}

type Problems = Partial<Record<'data' | 'actor' | 'context', string>>;

function problemsOf(draft: Draft): Problems {
  const problems: Problems = {};
  for (const field of ['data', 'actor', 'context'] as const) {
    const text = draft[field];
    const problem = text.trim() === '' && field !== 'data' ? undefined : jsonProblem(text);
    if (problem !== undefined) problems[field] = compose.invalid(problem);
  }
  return problems;
}

interface Part {
  readonly draft: Draft;
  readonly set: (change: Partial<Draft>) => void;
}

function TypeField({ draft, set }: Part) {
  const { data = [] } = useEventTypes();
  const subscribers = useSubscribers()(draft.type.trim());
  const names = subscribers.map(nameOf).join(', ');
  const choose = (name: string) => {
    const example = data.find((type) => type.name === name)?.example;
    const untouched = draft.data === EMPTY.data;
    const data_ = example && untouched ? JSON.stringify(example.data, null, 2) : draft.data;
    set({ type: name, data: data_ });
  };
  return (
    <Autocomplete
      label={compose.type}
      placeholder="user.created"
      size="xs"
      description={
        draft.type.trim() === '' ? undefined : names === '' ? compose.nobody : compose.goesTo(names)
      }
      inputWrapperOrder={['label', 'input', 'description', 'error']}
      data={data.filter(({ archived }) => !archived).map(({ name }) => name)}
      limit={50}
      value={draft.type}
      onChange={(type) => set({ type })}
      onOptionSubmit={choose}
    />
  );
}

function More({ draft, set, problems }: Part & { problems: Problems }) {
  return (
    <>
      <TextInput
        label={compose.subject}
        value={draft.subject}
        onChange={(event) => set({ subject: event.currentTarget.value })}
      />
      <JsonEditor
        label={compose.actor}
        error={problems.actor}
        value={draft.actor}
        onChange={(actor) => set({ actor })}
        minLines={3}
      />
      <JsonEditor
        label={compose.context}
        error={problems.context}
        value={draft.context}
        onChange={(context) => set({ context })}
        minLines={3}
      />
      <div className={form.two}>
        <TextInput
          label={compose.orderingKey}
          value={draft.orderingKey}
          onChange={(event) => set({ orderingKey: event.currentTarget.value })}
        />
        <TagsInput
          label={compose.channels}
          splitChars={[',']}
          acceptValueOnBlur
          value={[...draft.channels]}
          onChange={(channels) => set({ channels })}
        />
      </div>
    </>
  );
}
