import { Select, Textarea, TextInput } from '@mantine/core';
import confirm from '../../parts/confirm.module.css';
import { inboxes } from '../../strings/inboxes.ts';
import { type AnswerDraft, answerMistakes } from './answer.ts';

const text = inboxes.answer;

export interface AnswerFieldsProps {
  readonly draft: AnswerDraft;
  readonly set: (change: Partial<AnswerDraft>) => void;
}

/** How an inbox, or one of its rules, answers. */
export function AnswerFields({ draft, set }: AnswerFieldsProps) {
  const mistakes = answerMistakes(draft);
  const live = draft.kind === 'live';
  return (
    <>
      <div className={confirm.two}>
        <Select
          label={text.kind}
          data={Object.entries(text.kinds).map(([value, label]) => ({ value, label }))}
          value={draft.kind}
          onChange={(value) => set({ kind: value as AnswerDraft['kind'] })}
        />
        {live ? (
          <TextInput
            label={text.wait}
            inputMode="decimal"
            value={draft.waitS}
            error={mistakes.waitS}
            onChange={(event) => set({ waitS: event.currentTarget.value })}
          />
        ) : (
          <Status draft={draft} set={set} />
        )}
      </div>
      {live && <p className="secondary">{text.fallback}</p>}
      <div className={confirm.two}>
        {live && <Status draft={draft} set={set} />}
        <TextInput
          label={text.delay}
          inputMode="numeric"
          value={draft.delayMs}
          error={mistakes.delayMs}
          onChange={(event) => set({ delayMs: event.currentTarget.value })}
        />
        <Select
          label={text.fault}
          data={Object.entries(text.faults).map(([value, label]) => ({ value, label }))}
          value={draft.fault}
          onChange={(value) => set({ fault: value as AnswerDraft['fault'] })}
        />
      </div>
      <Textarea
        label={text.headers}
        autosize
        minRows={1}
        value={draft.headers}
        error={mistakes.headers}
        onChange={(event) => set({ headers: event.currentTarget.value })}
      />
      <Textarea
        label={text.body}
        description={text.bodyAbout}
        autosize
        minRows={2}
        maxRows={12}
        value={draft.body}
        onChange={(event) => set({ body: event.currentTarget.value })}
      />
    </>
  );
}

function Status({ draft, set }: AnswerFieldsProps) {
  return (
    <TextInput
      label={text.status}
      inputMode="numeric"
      value={draft.status}
      error={answerMistakes(draft).status}
      onChange={(event) => set({ status: event.currentTarget.value })}
    />
  );
}
