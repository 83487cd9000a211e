import { Button } from '@mantine/core';
import { ApiError } from '@posthorn/api/browser';
import type { ReactNode } from 'react';
import { common } from '../strings/common.ts';
import classes from './faces.module.css';
import { Icon, type IconName } from './icon.tsx';

/** What a list or a page shows in place of its content: nothing yet, nothing at all, a failure. */

export function Empty(props: { icon: IconName; title: string; children?: ReactNode }) {
  return (
    <div className={classes.face}>
      <span className={classes.icon}>
        <Icon name={props.icon} size={24} />
      </span>
      <h2>{props.title}</h2>
      {props.children !== undefined && <div className={classes.text}>{props.children}</div>}
    </div>
  );
}

export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  const requestId = error instanceof ApiError ? error.problem?.requestId : undefined;
  return (
    <div className={classes.face} role="alert">
      <span className={classes.icon} data-tone="bad">
        <Icon name="warning" size={24} />
      </span>
      <h2>{common.failed}</h2>
      <div className={classes.text}>
        <p>{messageOf(error)}</p>
        {requestId !== undefined && (
          <p className="small mono secondary">{common.requestId(requestId)}</p>
        )}
      </div>
      {retry && <Button onClick={retry}>{common.tryAgain}</Button>}
    </div>
  );
}

/** Grey rows; they appear after a moment, so that quick answers do not flicker. */
export function Loading({ rows = 8 }: { rows?: number }) {
  return (
    <div className={classes.loading} role="status" aria-label={common.loading}>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike and never move.
        <span key={row} style={{ width: `${88 - ((row * 37) % 40)}%` }} />
      ))}
    </div>
  );
}

/** What to tell people; a server that is not there is said in our words. */
export function messageOf(error: unknown): string {
  if (error instanceof ApiError) return error.message;
  return error instanceof TypeError ? common.offline : String(error);
}
