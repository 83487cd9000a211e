import { SegmentedControl } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import type { BodyText } from '../../data/bytes.ts';
import { headerOf, parseHead } from '../../data/head.ts';
import { exchange } from '../../strings/exchange.ts';
import { BodyView } from './body-view.tsx';
import classes from './exchange.module.css';

export interface MessageViewProps {
  readonly title: string;
  readonly head: string;
  readonly body: BodyText;
  readonly truncated?: boolean;
  /** In place of the body. */
  readonly instead?: ReactNode;
  /** Beside the title. */
  readonly children?: ReactNode;
}

/** One side of an exchange: its first line, then body or headers. */
export function MessageView(props: MessageViewProps) {
  const { title, head: text, body, truncated, instead, children } = props;
  const head = parseHead(text);
  const [part, setPart] = useState<'body' | 'headers'>('body');
  const parts = (
    <SegmentedControl
      aria-label={exchange.part}
      data={[
        { value: 'body', label: exchange.body },
        { value: 'headers', label: exchange.headers(head.headers.length) },
      ]}
      value={part}
      onChange={(value) => setPart(value as typeof part)}
    />
  );
  return (
    <section className={classes.message} aria-label={title}>
      <div className={classes.title}>
        <h2>{title}</h2>
        <code className={classes.first}>{head.line}</code>
        {children !== undefined && <div className={classes.actions}>{children}</div>}
      </div>
      {part === 'body' && !instead ? (
        <BodyView
          body={body}
          contentType={headerOf(head, 'content-type')}
          truncated={truncated ?? false}
          lead={parts}
        />
      ) : (
        <>
          <div className={classes.tools}>{parts}</div>
          {part === 'headers' ? <Headers headers={head.headers} /> : instead}
        </>
      )}
    </section>
  );
}

function Headers({ headers }: { headers: readonly { name: string; value: string }[] }) {
  return (
    <dl className={classes.headers}>
      {headers.map(({ name, value }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: headers repeat, and never move.
        <div key={index}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
