import { type ReactNode, useState } from 'react';
import { type Mistakes, mistakesOf } from '../data/mistakes.ts';
import { messageOf } from './faces.tsx';
import classes from './form.module.css';
import { Icon } from './icon.tsx';

/** Fields that belong together, under their heading. */
export function FormSection({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={classes.section} aria-label={title}>
      <h2>{title}</h2>
      <div className={classes.fields}>{children}</div>
    </section>
  );
}

export interface FormFootProps {
  /** What keeps it from being saved. */
  readonly error: string | undefined;
  /** The buttons. */
  readonly children: ReactNode;
}

export function FormFoot({ error, children }: FormFootProps) {
  return (
    <div className={classes.foot}>
      {error !== undefined && (
        <p className={classes.error} role="alert">
          <Icon name="warning" /> {error}
        </p>
      )}
      {children}
    </div>
  );
}

const NONE: Mistakes = {};

/**
 * Saves what a form holds. What the form itself finds wrong (`own`) is said before anything is sent;
 * what the server refuses is said at its fields.
 */
export function useSaving<Value>(store: (value: Value) => Promise<unknown>) {
  const [busy, setBusy] = useState(false);
  const [saved, setSaved] = useState(false);
  const [error, setError] = useState<string>();
  const [mistakes, setMistakes] = useState(NONE);
  const save = async (value: Value, own: Mistakes = NONE) => {
    setMistakes(own);
    setError(Object.values(own)[0]);
    if (Object.keys(own).length > 0) return;
    setBusy(true);
    try {
      // Before it is: the page may move on while it is stored.
      setSaved(true);
      await store(value);
    } catch (err) {
      setSaved(false);
      setMistakes(mistakesOf(err));
      setError(messageOf(err));
    } finally {
      setBusy(false);
    }
  };
  return { save, busy, saved, error, mistakes };
}
