import { Button } from '@mantine/core';
import { useBlocker } from '@tanstack/react-router';
import { type FormEvent, type ReactNode, useState } from 'react';
import type { EndpointRow } from '../../../data/types.ts';
import classes from '../../../parts/form.module.css';
import { FormFoot, FormSection, useSaving } from '../../../parts/form.tsx';
import { form } from '../../../strings/webhook-form.ts';
import { type Draft, settingsOf } from '../draft.ts';
import { Events } from './events.tsx';
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
  /** Stands above the buttons: what is to be known before it is saved. */
  readonly notice?: ((draft: Draft) => ReactNode) | undefined;
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
  const { initial, endpoint, submitLabel, cancel } = props;
  const [draft, setDraft] = useState(initial);
  const { save, busy, saved, error, mistakes } = useSaving(props.save);
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
    const { settings, mistakes: own } = settingsOf(draft);
    void save(settings, own);
  };
  return (
    <form className={classes.form} onSubmit={onSubmit} noValidate>
      {SECTIONS.map(([name, Fields]) => (
        <FormSection key={name} title={form.sections[name]}>
          <Fields {...part} />
        </FormSection>
      ))}
      <Trial draft={draft} endpoint={endpoint} />
      {!saved && props.notice?.(draft)}
      <FormFoot error={error}>
        <Button type="submit" variant="filled" loading={busy}>
          {submitLabel}
        </Button>
        <Button onClick={cancel}>{form.cancel}</Button>
      </FormFoot>
    </form>
  );
}
