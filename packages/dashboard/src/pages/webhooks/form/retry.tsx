import { Select, TextInput } from '@mantine/core';
import { formatSpan } from '../../../app/format.ts';
import { mistakeOf } from '../../../data/mistakes.ts';
import classes from '../../../parts/form.module.css';
import { form } from '../../../strings/webhook-form.ts';
import { type DraftRetry, spanOf } from '../sending-draft.ts';
import type { SendingPart } from './part.ts';

const text = form.sending;

export function Retry({ draft, set, mistakes, inherited = text.unlimited }: SendingPart) {
  const { retry } = draft;
  const change = (part: Partial<DraftRetry>) => set({ retry: { ...retry, ...part } });
  const part = { retry, change, mistakes };
  const span = spanOf(retry);
  return (
    <>
      <Select
        label={text.retry}
        description={span && text.total(span.attempts, formatSpan(span.ms))}
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        data={Object.entries({ ...text.retryModes, inherited }).map(([value, label]) => ({
          value,
          label,
        }))}
        value={retry.mode}
        error={mistakes['retryPolicy'] ?? mistakeOf(mistakes, 'defaults.retryPolicy')}
        onChange={(value) => change({ mode: value as DraftRetry['mode'] })}
      />
      {retry.mode === 'backoff' && (
        <div className={classes.four}>
          <Field {...part} name="attempts" label={text.attempts} />
          <Field {...part} name="base" label={text.base} />
          <Field {...part} name="factor" label={text.factor} />
          <Field {...part} name="max" label={text.max} />
        </div>
      )}
      {retry.mode === 'schedule' && (
        <Field {...part} name="schedule" label={text.schedule} about={text.scheduleAbout} />
      )}
      {(retry.mode === 'backoff' || retry.mode === 'schedule') && (
        <div className={classes.two}>
          <Field {...part} name="jitterPercent" label={text.jitter} />
          <Select
            label={text.retryOn}
            data={[
              { value: 'any', label: text.retryOnAny },
              { value: 'transient', label: text.retryOnTransient },
            ]}
            value={retry.retryOn}
            onChange={(value) => change({ retryOn: value as DraftRetry['retryOn'] })}
          />
        </div>
      )}
    </>
  );
}

interface FieldProps {
  readonly retry: DraftRetry;
  readonly change: (part: Partial<DraftRetry>) => void;
  readonly mistakes: SendingPart['mistakes'];
  readonly name: 'attempts' | 'base' | 'factor' | 'max' | 'schedule' | 'jitterPercent';
  readonly label: string;
  readonly about?: string;
}

function Field({ retry, change, mistakes, name, label, about }: FieldProps) {
  return (
    <TextInput
      label={label}
      description={about}
      value={retry[name]}
      error={mistakes[`retryPolicy.${name === 'jitterPercent' ? 'jitter' : name}`]}
      onChange={(event) => change({ [name]: event.currentTarget.value })}
    />
  );
}
