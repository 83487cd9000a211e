import { Button } from '@mantine/core';
import { useBlocker } from '@tanstack/react-router';
import { type FormEvent, type ReactNode, useState } from 'react';
import { mistakesOf } from '../../../data/mistakes.ts';
import type { EndpointRow } from '../../../data/types.ts';
import { messageOf } from '../../../parts/faces.tsx';
import { Icon } from '../../../parts/icon.tsx';
import { form } from '../../../strings/webhook-form.ts';
import { type Draft, settingsOf } from '../draft.ts';
import type { Mistakes } from '../sending-draft.ts';
import { Events } from './events.tsx';
import classes from './form.module.css';
import { Format } from './format.tsx';
import { Headers } from './headers.tsx';
import { More } from './more.tsx';
import type { FormPart } from './part.ts';
import { Sending } from './sending.tsx';
import { Trial } from './trial.tsx';
import { Where } from './where.tsx';

export type Settings = ReturnType<typeof settingsOf>['settings'];

export interface WebhookFormProps {
  readonly initial: Draft;
  /** The one that is changed; undefined: a new one. */
  readonly endpoint?: EndpointRow['id'];
  readonly submitLabel: string;
  /** Resolves when it is stored and the page has moved on. */
  readonly save: (settings: Settings) => Promise<void>;
  readonly cancel: () => void;
}

const SECTIONS: readonly [keyof typeof form.sections, (part: FormPart) => ReactNode][] = [
  ['where', Where],
  ['events', Events],
  ['format', Format],
  ['headers', Headers],
  ['sending', Sending],
  ['more', More],
];

export function WebhookForm(props: WebhookFormProps) {
  const { initial, endpoint, submitLabel, save, cancel } = props;
  const [draft, setDraft] = useState(initial);
  const { submit, busy, saved, error, mistakes } = useSaving(save);
  const dirty = draft !== initial && !saved && !busy;
  useBlocker({
    shouldBlockFn: () => dirty && !window.confirm(form.leave),
    enableBeforeUnload: () => dirty,
  });
  const part: FormPart = {
    draft,
    isNew: endpoint === undefined,
    mistakes,
    set: (change) => setDraft((current) => ({ ...current, ...change })),
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    void submit(draft);
  };
  return (
    <form className={classes.form} onSubmit={onSubmit} noValidate>
      {SECTIONS.map(([name, Fields]) => (
        <section key={name} className={classes.section} aria-label={form.sections[name]}>
          <h2>{form.sections[name]}</h2>
          <div className={classes.fields}>
            <Fields {...part} />
          </div>
        </section>
      ))}
      <Trial draft={draft} endpoint={endpoint} />
      <div className={classes.foot}>
        {error !== undefined && (
          <p className={classes.error} role="alert">
            <Icon name="warning" /> {error}
          </p>
        )}
        <Button type="submit" variant="filled" loading={busy}>
          {submitLabel}
        </Button>
        <Button onClick={cancel}>{form.cancel}</Button>
      </div>
    </form>
  );
}

function useSaving(save: (settings: Settings) => Promise<void>) {
  const [busy, setBusy] = useState(false);
  const [saved, setSaved] = useState(false);
  const [error, setError] = useState<string>();
  const [mistakes, setMistakes] = useState<Mistakes>({});
  const submit = async (draft: Draft) => {
    const { settings, mistakes: own } = settingsOf(draft);
    setMistakes(own);
    setError(Object.values(own)[0]);
    if (Object.keys(own).length > 0) return;
    setBusy(true);
    try {
      setSaved(true);
      await save(settings);
    } catch (err) {
      setSaved(false);
      setMistakes(mistakesOf(err));
      setError(messageOf(err));
    } finally {
      setBusy(false);
    }
  };
  return { submit, busy, saved, error, mistakes };
}
