import { Button, TextInput } from '@mantine/core';
import { type FormEvent, type ReactNode, useState } from 'react';
import { common } from '../strings/common.ts';
import classes from './confirm.module.css';
import { Dialog } from './dialog.tsx';

export interface ConfirmProps {
  readonly title: string;
  readonly children: ReactNode;
  readonly action: string;
  /** Must be typed first: for what cannot be undone. */
  readonly name?: string;
  readonly busy: boolean;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}

export function Confirm(props: ConfirmProps) {
  const { title, children, action, name, busy, onConfirm, onClose } = props;
  const [typed, setTyped] = useState('');
  const sure = name === undefined || typed === name;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (sure) onConfirm();
  };
  return (
    <Dialog onClose={onClose} title={title}>
      <form className={classes.form} onSubmit={submit}>
        <div>{children}</div>
        {name !== undefined && (
          <TextInput
            data-autofocus
            label={common.confirmName(name)}
            autoComplete="off"
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
        )}
        <div className={classes.buttons}>
          <Button onClick={onClose}>{common.cancel}</Button>
          <Button type="submit" variant="filled" color="red" disabled={!sure} loading={busy}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
