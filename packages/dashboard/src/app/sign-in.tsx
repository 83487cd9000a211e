import { Button, PasswordInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { CommandBlock } from '../parts/copy.tsx';
import { messageOf } from '../parts/faces.tsx';
import { Icon } from '../parts/icon.tsx';
import { common } from '../strings/common.ts';
import { shell } from '../strings/shell.ts';
import type { Session, SessionState } from './session.ts';
import classes from './sign-in.module.css';

const text = shell.signIn;

interface SignInProps {
  readonly session: Session;
  readonly why: Extract<SessionState, { kind: 'out' }>['why'];
}

export function SignIn({ session, why }: SignInProps) {
  const reason = text.why[why];
  return (
    <main className={classes.page}>
      <div className={classes.box}>
        <p className={classes.name}>
          <Logo /> {common.product}
        </p>
        <h1>{text.title}</h1>
        {reason !== '' && (
          <p className={classes.why} role="alert">
            <Icon name="warning" /> {reason}
          </p>
        )}
        <p>{text.link}</p>
        <CommandBlock text={text.command} />
        <KeyForm session={session} />
      </div>
    </main>
  );
}

function KeyForm({ session }: { session: Session }) {
  const [key, setKey] = useState('');
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      await session.enterWith(key.trim());
    } catch (err) {
      setError(messageOf(err));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form className={classes.form} onSubmit={(event) => void submit(event)}>
      <PasswordInput
        label={text.key}
        description={text.or}
        autoComplete="off"
        value={key}
        error={error}
        onChange={(event) => setKey(event.currentTarget.value)}
      />
      <Button type="submit" variant="filled" loading={busy} disabled={key.trim() === ''}>
        {text.submit}
      </Button>
    </form>
  );
}

/** The portal's people have no key and no server: they come from somebody else's page. */
export function PortalEnded() {
  return (
    <main className={classes.page}>
      <div className={classes.box}>
        <h1>{text.portalTitle}</h1>
        <p>{text.portalText}</p>
      </div>
    </main>
  );
}

export function Logo() {
  return (
    <svg width="20" height="20" viewBox="0 0 16 16" aria-hidden="true" className={classes.logo}>
      <rect width="16" height="16" rx="4" />
      <path d="M4 9.5a3 3 0 1 0 3-3h5l-2-2m2 2-2 2" />
    </svg>
  );
}
