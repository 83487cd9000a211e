import { Button, SegmentedControl, Select, Textarea, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useApi } from '../../app/context.tsx';
import { mistakesOf } from '../../data/mistakes.ts';
import type { WholeCapture } from '../../data/types.ts';
import { useAction } from '../../parts/actions.tsx';
import confirm from '../../parts/confirm.module.css';
import { Dialog } from '../../parts/dialog.tsx';
import form from '../../parts/form.module.css';
import { common } from '../../strings/common.ts';
import { inboxes } from '../../strings/inboxes.ts';
import type { CaptureAddress } from './capture-parts.ts';

const text = inboxes.replay;

interface Draft {
  readonly to: 'listener' | 'url';
  readonly url: string;
  readonly signature: 'exact' | 'new';
  readonly times: string;
  /** null = as it came. */
  readonly body: string | null;
}

const FIRST: Draft = { to: 'listener', url: '', signature: 'exact', times: '1', body: null };

interface ReplayProps {
  readonly address: CaptureAddress;
  readonly capture: WholeCapture;
  readonly onClose: () => void;
}

/** Sends a capture again: to who listens, or to a URL; as it came, signed anew, or changed. */
export function ReplayCapture({ address, capture, onClose }: ReplayProps) {
  const [draft, setDraft] = useState(FIRST);
  const set = (change: Partial<Draft>) => setDraft((now) => ({ ...now, ...change }));
  const replay = useReplay(address, onClose);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    replay.mutate(draft);
  };
  return (
    <Dialog title={text.title} onClose={onClose}>
      <form className={confirm.form} onSubmit={submit} noValidate>
        <SegmentedControl
          aria-label={text.to}
          data={Object.entries(text.targets).map(([value, label]) => ({ value, label }))}
          value={draft.to}
          onChange={(value) => set({ to: value as Draft['to'] })}
        />
        {draft.to === 'url' && (
          <TextInput
            data-autofocus
            label={text.url}
            description={text.urlAbout}
            value={draft.url}
            error={mistakesOf(replay.error)['to.url']}
            onChange={(event) => set({ url: event.currentTarget.value })}
          />
        )}
        <div className={form.two}>
          <TextInput
            label={text.times}
            inputMode="numeric"
            value={draft.times}
            error={mistakesOf(replay.error)['times']}
            onChange={(event) => set({ times: event.currentTarget.value })}
          />
          <Select
            label={text.signature}
            data={Object.entries(text.signatures).map(([value, label]) => ({ value, label }))}
            value={draft.signature}
            onChange={(value) => set({ signature: value as Draft['signature'] })}
          />
        </div>
        {capture.body?.encoding === 'utf8' && (
          <Textarea
            label={text.body}
            autosize
            minRows={3}
            maxRows={12}
            value={draft.body ?? capture.body.text}
            onChange={(event) => set({ body: event.currentTarget.value })}
          />
        )}
        <div className={confirm.buttons}>
          <Button onClick={onClose}>{common.cancel}</Button>
          <Button
            type="submit"
            variant="filled"
            loading={replay.isPending}
            disabled={draft.to === 'url' && draft.url.trim() === ''}
          >
            {text.send}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function useReplay(address: CaptureAddress, onClose: () => void) {
  const api = useApi();
  return useAction({
    run: ({ to, url, signature, times, body }: Draft) =>
      api.replayCapture({
        ...address,
        body: {
          to: to === 'url' ? { url: url.trim() } : { listener: null },
          signature,
          times: Number(times),
          edit: body === null ? {} : { body: { text: body } },
        },
      }),
    done: ({ exchanges }) =>
      text.done(exchanges.map(({ status, error }) => status ?? error ?? '?')),
    touches: [[address.tenant, 'captures', address.capture]],
    after: onClose,
  });
}
