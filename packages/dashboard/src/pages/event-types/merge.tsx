import { Button, Select } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTenant } from '../../app/context.tsx';
import { useAction } from '../../parts/actions.tsx';
import confirm from '../../parts/confirm.module.css';
import { Dialog } from '../../parts/dialog.tsx';
import { common } from '../../strings/common.ts';
import { eventTypes } from '../../strings/event-types.ts';

export type Existing = 'keep' | 'replace';
export interface Merged {
  readonly added: number;
  readonly changed: number;
  readonly kept: number;
  readonly unchanged: number;
}

export interface MergeProps {
  readonly title: string;
  readonly apply: string;
  readonly ready: boolean;
  readonly existing: Existing;
  readonly onExisting: (existing: Existing) => void;
  readonly run: (dryRun: boolean) => Promise<Merged>;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** Many types at once: first what would become of each, then it is done. */
export function Merge(props: MergeProps) {
  const { title, apply, ready, existing, onExisting, run, onClose, children } = props;
  const tenant = useTenant();
  const { merge } = eventTypes;
  const preview = useAction({ run: () => run(true) });
  const change = useAction({
    run: () => run(false),
    done: (merged) => merge.done(merge.result(merged)),
    touches: [[tenant, 'event-types']],
    after: onClose,
  });
  return (
    <Dialog title={title} onClose={onClose}>
      <div className={confirm.form}>
        {children}
        <Select
          label={eventTypes.existing.label}
          data={[
            { value: 'keep', label: eventTypes.existing.keep },
            { value: 'replace', label: eventTypes.existing.replace },
          ]}
          value={existing}
          onChange={(value) => {
            preview.reset();
            onExisting(value as Existing);
          }}
        />
        <p role="status">{preview.data && merge.would(merge.result(preview.data))}</p>
        <div className={confirm.buttons}>
          <Button onClick={onClose}>{common.cancel}</Button>
          <Button
            disabled={!ready}
            loading={preview.isPending}
            onClick={() => preview.mutate(undefined)}
          >
            {merge.preview}
          </Button>
          <Button
            variant="filled"
            disabled={!ready}
            loading={change.isPending}
            onClick={() => change.mutate(undefined)}
          >
            {apply}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
