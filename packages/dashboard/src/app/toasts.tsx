import { createContext, type ReactNode, useCallback, useContext, useState } from 'react';
import { Icon } from '../parts/icon.tsx';
import { IconButton } from '../parts/icon-button.tsx';
import { common } from '../strings/common.ts';
import classes from './toasts.module.css';

export interface Toast {
  readonly text: string;
  readonly kind?: 'done' | 'failed';
}

const SHOWN_MS = 5000;
const SHOWN_MAX = 4;

const Context = createContext<(toast: Toast) => void>(() => {});

/** What happened, said once at the edge of the page and to screen readers; a failure stays. */
export function ToastProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<readonly (Toast & { id: number })[]>([]);
  const drop = useCallback((id: number) => {
    setToasts((shown) => shown.filter((toast) => toast.id !== id));
  }, []);
  const add = useCallback(
    (toast: Toast) => {
      const id = performance.now() + Math.random();
      setToasts((shown) => [...shown.slice(1 - SHOWN_MAX), { ...toast, id }]);
      if (toast.kind !== 'failed') setTimeout(() => drop(id), SHOWN_MS);
    },
    [drop],
  );
  return (
    <Context value={add}>
      {children}
      <output className={classes.stack} aria-live="polite">
        {toasts.map(({ id, text, kind = 'done' }) => (
          <div key={id} className={classes.toast} data-kind={kind}>
            <Icon name={kind === 'done' ? 'check' : 'cross'} />
            <span className={classes.text}>{text}</span>
            <IconButton icon="close" label={common.dismiss} onClick={() => drop(id)} size={20} />
          </div>
        ))}
      </output>
    </Context>
  );
}

export function useToast(): (toast: Toast) => void {
  return useContext(Context);
}
