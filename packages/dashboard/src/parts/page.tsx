import { Link, type LinkProps } from '@tanstack/react-router';
import { type ReactNode, useEffect, useSyncExternalStore } from 'react';
import { useApp, useLive } from '../app/context.tsx';
import type { LiveState } from '../data/live.ts';
import { common } from '../strings/common.ts';
import { shell } from '../strings/shell.ts';
import { Icon } from './icon.tsx';
import classes from './page.module.css';

export interface PageProps {
  readonly title: string;
  /** The browser's; the page's own title unless given. */
  readonly documentTitle?: string;
  readonly back?: { readonly label: string; readonly link: LinkProps };
  readonly actions?: ReactNode;
  /** Under the title. */
  readonly about?: ReactNode;
  /** The content scrolls by itself and takes what room there is. */
  readonly fixed?: boolean;
  /** Whose state is shown: the tenant's feed, or another one. */
  readonly live?: boolean | Feed;
  readonly children: ReactNode;
}

export function Page(props: PageProps) {
  const { title, back, actions, about, fixed = false, live = false, children } = props;
  const documentTitle = props.documentTitle ?? title;
  useEffect(() => {
    document.title = `${documentTitle} · ${common.product}`;
  }, [documentTitle]);
  return (
    <div className={classes.page} data-fixed={fixed}>
      <header className={classes.header}>
        <div className={classes.heading}>
          {back && (
            <Link {...back.link} className={classes.back}>
              <Icon name="left" size={14} />
              {back.label}
            </Link>
          )}
          <div className={classes.titleLine}>
            <h1>{title}</h1>
            {live === true && <TenantLiveMark />}
            {typeof live === 'object' && <LiveMark feed={live} />}
            {live === false && <OfflineMark />}
          </div>
          {about !== undefined && <div className={classes.about}>{about}</div>}
        </div>
        {actions !== undefined && <div className={classes.actions}>{actions}</div>}
      </header>
      <div className={classes.content}>{children}</div>
    </div>
  );
}

export interface Feed {
  readonly subscribe: (listener: () => void) => () => void;
  readonly getState: () => LiveState;
}

function TenantLiveMark() {
  return <LiveMark feed={useLive()} />;
}

/** Whether what is shown is what is. */
function LiveMark({ feed }: { feed: Feed }) {
  return <Mark state={useSyncExternalStore(feed.subscribe, feed.getState)} />;
}

/** What does not change by itself is marked only while the server is gone. */
function OfflineMark() {
  const { reach } = useApp().session;
  const gone = useSyncExternalStore(reach.subscribe, reach.isGone);
  return gone && <Mark state="offline" />;
}

function Mark({ state }: { state: LiveState }) {
  return (
    <span className={classes.live} data-state={state} role="status">
      <span className={classes.dot} aria-hidden="true" />
      {shell.live[state]}
    </span>
  );
}

/** A part of a page with a name of its own. */
export function Section(props: { title: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <section className={classes.section} aria-label={props.title}>
      <div className={classes.sectionHead}>
        <h2>{props.title}</h2>
        {props.actions}
      </div>
      {props.children}
    </section>
  );
}
