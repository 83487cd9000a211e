import { Button, SegmentedControl } from '@mantine/core';
import { useMemo, useState } from 'react';
import { formatBytes } from '../../app/format.ts';
import { type BodyText, bytesOf } from '../../data/bytes.ts';
import { layOut } from '../../data/json-lines.ts';
import { exchange } from '../../strings/exchange.ts';
import { CopyButton } from '../copy.tsx';
import classes from './exchange.module.css';
import { HexView } from './hex-view.tsx';
import { JsonView } from './json-view.tsx';

type View = 'pretty' | 'raw' | 'hex';

/** A browser lays out a long line slowly; more is shown when it is asked for. */
const RAW_MAX = 100_000;

export interface BodyViewProps {
  readonly body: BodyText;
  readonly contentType: string | undefined;
  readonly truncated?: boolean;
  /** Before the switch between its views, in one line with it. */
  readonly lead?: React.ReactNode;
}

export function BodyView({ body, contentType, truncated = false, lead }: BodyViewProps) {
  const bytes = useMemo(() => bytesOf(body), [body]);
  const pretty = useMemo(() => prettyOf(body, contentType), [body, contentType]);
  const [wanted, setWanted] = useState<View>('pretty');
  if (bytes.length === 0) {
    return (
      <>
        {lead && <div className={classes.tools}>{lead}</div>}
        <p className={classes.note}>{exchange.emptyBody}</p>
      </>
    );
  }
  const views: View[] = [
    ...(pretty ? (['pretty'] as const) : []),
    ...(body.encoding === 'utf8' ? (['raw'] as const) : []),
    'hex',
  ];
  const view = views.includes(wanted) ? wanted : (views[0] as View);
  return (
    <>
      <div className={classes.tools}>
        {lead}
        <SegmentedControl
          aria-label={exchange.view}
          data={views.map((value) => ({ value, label: exchange.views[value] }))}
          value={view}
          onChange={(value) => setWanted(value as View)}
        />
        <span className="small secondary">{formatBytes(bytes.length)}</span>
        {body.encoding === 'utf8' && <CopyButton text={body.text} />}
      </div>
      {view === 'pretty' && pretty}
      {view === 'raw' && <RawView text={body.text} />}
      {view === 'hex' && <HexView bytes={bytes} />}
      {truncated && <p className={classes.note}>{exchange.truncated}</p>}
    </>
  );
}

function prettyOf(body: BodyText, contentType: string | undefined) {
  if (body.encoding !== 'utf8') return undefined;
  if (contentType?.startsWith('application/x-www-form-urlencoded')) {
    const members = [...new URLSearchParams(body.text)];
    // Casdoor says "form" and sends JSON; then the JSON is what one wants to read.
    if (members.every(([name]) => !/[{"[]/.test(name))) return <FormView members={members} />;
  }
  const lines = layOut(body.text);
  return lines && <JsonView lines={lines} />;
}

function FormView({ members }: { members: readonly (readonly [string, string])[] }) {
  return (
    <dl className={classes.headers}>
      {members.map(([name, value], index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a form may repeat names, and never moves.
        <div key={index}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function RawView({ text }: { text: string }) {
  const [whole, setWhole] = useState(false);
  const cut = !whole && text.length > RAW_MAX;
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so keys must reach it. */}
      <pre className={classes.raw} tabIndex={0}>
        {cut ? text.slice(0, RAW_MAX) : text}
      </pre>
      {cut && (
        <Button onClick={() => setWhole(true)}>{exchange.showAll(formatBytes(text.length))}</Button>
      )}
    </>
  );
}
