import { schemes } from 'virtual:contract';
import { Button, Select, Switch, TagsInput, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { useApi, useTenant } from '../../app/context.tsx';
import { useToast } from '../../app/toasts.tsx';
import { queries } from '../../data/queries.ts';
import type { InboxRow } from '../../data/types.ts';
import { Failed, Loading } from '../../parts/faces.tsx';
import classes from '../../parts/form.module.css';
import { FormFoot, FormSection, useSaving } from '../../parts/form.tsx';
import { Page } from '../../parts/page.tsx';
import { common } from '../../strings/common.ts';
import { inboxes } from '../../strings/inboxes.ts';
import { type AnswerDraft, answerDraftOf, answerMistakes, answerOf } from './answer.ts';
import { AnswerFields } from './answer-fields.tsx';

const text = inboxes.form;
const DAY_S = 86_400;
const MIB = 1_048_576;

interface Draft {
  readonly title: string;
  readonly name: string;
  readonly handshakes: boolean;
  readonly captures: string;
  readonly days: string;
  readonly megabytes: string;
  readonly scheme: InboxRow['signing']['scheme'];
  readonly secrets: readonly string[];
  readonly answer: AnswerDraft;
}

export function InboxSettings() {
  const { inbox: id } = useParams({ from: '/$tenant/inboxes/$inbox/settings' });
  const tenant = useTenant();
  const { data, error, refetch } = useQuery(queries.inbox(useApi(), tenant, id as InboxRow['id']));
  if (!data) return error ? <Failed error={error} retry={() => void refetch()} /> : <Loading />;
  return (
    <Page
      title={text.title}
      back={{
        label: data.title || data.name,
        link: { to: '/$tenant/inboxes/$inbox', params: { tenant, inbox: data.id } },
      }}
    >
      <Form key={data.id} inbox={data} />
    </Page>
  );
}

function draftOf(inbox: InboxRow): Draft {
  const { title, name, handshakes, keep, signing, answer } = inbox;
  return {
    title,
    name,
    handshakes,
    captures: String(keep.captures),
    days: String(Math.round((keep.ageS / DAY_S) * 100) / 100),
    megabytes: String(Math.round(keep.bytes / MIB)),
    scheme: signing.scheme,
    secrets: signing.secrets,
    answer: answerDraftOf(answer),
  };
}

function patchOf(draft: Draft) {
  return {
    title: draft.title.trim(),
    name: draft.name.trim(),
    handshakes: draft.handshakes,
    keep: {
      captures: Number(draft.captures),
      ageS: Math.round(Number(draft.days) * DAY_S),
      bytes: Math.round(Number(draft.megabytes) * MIB),
    },
    signing: { scheme: draft.scheme, secrets: [...draft.secrets] },
    answer: answerOf(draft.answer),
  };
}

function Form({ inbox }: { inbox: InboxRow }) {
  const [draft, setDraft] = useState(() => draftOf(inbox));
  const { save, busy, error, mistakes } = useSavingInbox(inbox);
  const set = (change: Partial<Draft>) => setDraft((now) => ({ ...now, ...change }));
  const part = { draft, set, mistakes };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (Object.keys(answerMistakes(draft.answer)).length === 0) void save(draft);
  };
  return (
    <form className={classes.form} onSubmit={submit} noValidate>
      <FormSection title={text.names}>
        <Names {...part} />
      </FormSection>
      <FormSection title={inboxes.heads.answer}>
        <AnswerFields
          draft={draft.answer}
          set={(change) => set({ answer: { ...draft.answer, ...change } })}
        />
      </FormSection>
      <FormSection title={text.keep}>
        <Keep {...part} />
      </FormSection>
      <FormSection title={text.signatures}>
        <Signing {...part} />
      </FormSection>
      <FormFoot error={error}>
        <Button type="submit" variant="filled" loading={busy}>
          {common.save}
        </Button>
      </FormFoot>
    </form>
  );
}

function useSavingInbox(latest: InboxRow) {
  // What was there when the person began: a change by somebody else is refused, not lost.
  const [inbox] = useState(latest);
  const api = useApi();
  const tenant = useTenant();
  const client = useQueryClient();
  const navigate = useNavigate();
  const toast = useToast();
  return useSaving(async (draft: Draft) => {
    const body = { ...patchOf(draft), version: inbox.version };
    await api.updateInbox({ tenant, inbox: inbox.id, body });
    await client.invalidateQueries({ queryKey: [tenant, 'inboxes'], refetchType: 'all' });
    toast({ text: text.saved });
    await navigate({ to: '/$tenant/inboxes/$inbox', params: { tenant, inbox: inbox.id } });
  });
}

interface Part {
  readonly draft: Draft;
  readonly set: (change: Partial<Draft>) => void;
  readonly mistakes: Readonly<Record<string, string>>;
}

function Names({ draft, set, mistakes }: Part) {
  return (
    <>
      <TextInput
        label={text.label}
        maxLength={200}
        value={draft.title}
        error={mistakes['title']}
        onChange={(event) => set({ title: event.currentTarget.value })}
      />
      <TextInput
        label={text.name}
        maxLength={63}
        value={draft.name}
        error={mistakes['name']}
        onChange={(event) => set({ name: event.currentTarget.value })}
      />
      <Switch
        label={text.handshakes}
        description={text.handshakesAbout}
        checked={draft.handshakes}
        onChange={(event) => set({ handshakes: event.currentTarget.checked })}
      />
    </>
  );
}

function Keep({ draft, set, mistakes }: Part) {
  const field = (name: 'captures' | 'days' | 'megabytes', sent: string) => (
    <TextInput
      label={text[name]}
      inputMode="decimal"
      value={draft[name]}
      error={mistakes[`keep.${sent}`]}
      onChange={(event) => set({ [name]: event.currentTarget.value })}
    />
  );
  return (
    <div className={classes.three}>
      {field('captures', 'captures')}
      {field('days', 'ageS')}
      {field('megabytes', 'bytes')}
    </div>
  );
}

function Signing({ draft, set, mistakes }: Part) {
  return (
    <>
      <Select
        label={text.scheme}
        data={[
          { value: '', label: text.schemeAny },
          ...schemes.map((value) => ({ value, label: value })),
        ]}
        value={draft.scheme ?? ''}
        error={mistakes['signing.scheme']}
        onChange={(value) => set({ scheme: (value || null) as Draft['scheme'] })}
      />
      <TagsInput
        label={text.secrets}
        description={text.secretsAbout}
        acceptValueOnBlur
        value={[...draft.secrets]}
        error={mistakes['signing.secrets']}
        onChange={(secrets) => set({ secrets })}
      />
    </>
  );
}
