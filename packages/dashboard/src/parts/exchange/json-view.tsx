import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef, useState } from 'react';
import type { JsonLine } from '../../data/json-lines.ts';
import { exchange } from '../../strings/exchange.ts';
import { Icon } from '../icon.tsx';
import classes from './exchange.module.css';

/** Longer ones scroll by themselves, and only the lines in view exist. */
const WHOLE_MAX = 400;
/** As high as a target under a finger must be, at the least (WCAG 2.2, 2.5.8). */
const LINE_HEIGHT = 24;

export function JsonView({ lines }: { lines: readonly JsonLine[] }) {
  const [folded, setFolded] = useState<ReadonlySet<number>>(new Set());
  const visible = useMemo(() => visibleLines(lines, folded), [lines, folded]);
  const toggle = (index: number) => {
    const next = new Set(folded);
    if (!next.delete(index)) next.add(index);
    setFolded(next);
  };
  const line = (index: number) => (
    <Line
      line={lines[index] as JsonLine}
      last={lines[lines[index]?.closes ?? -1]}
      folded={folded.has(index)}
      toggle={() => toggle(index)}
    />
  );
  if (visible.length > WHOLE_MAX) return <LongJson visible={visible} line={line} />;
  return (
    <div className={classes.code}>
      {visible.map((index) => (
        <div key={index} className={classes.line}>
          {line(index)}
        </div>
      ))}
    </div>
  );
}

function LongJson(props: { visible: readonly number[]; line: (index: number) => React.ReactNode }) {
  const { visible, line } = props;
  const pane = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: visible.length,
    getScrollElement: () => pane.current,
    estimateSize: () => LINE_HEIGHT,
    overscan: 20,
  });
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so keys must reach it.
    <div ref={pane} className={classes.longCode} tabIndex={0}>
      <div style={{ height: virtualizer.getTotalSize(), position: 'relative' }}>
        {virtualizer.getVirtualItems().map(({ index, start }) => (
          <div
            key={index}
            className={classes.fixedLine}
            style={{ transform: `translateY(${start}px)` }}
          >
            {line(visible[index] as number)}
          </div>
        ))}
      </div>
    </div>
  );
}

function visibleLines(lines: readonly JsonLine[], folded: ReadonlySet<number>): number[] {
  const visible: number[] = [];
  for (let index = 0; index < lines.length; index++) {
    visible.push(index);
    const closes = folded.has(index) ? lines[index]?.closes : undefined;
    if (closes !== undefined) index = closes;
  }
  return visible;
}

interface LineProps {
  readonly line: JsonLine;
  /** The line that closes it. */
  readonly last: JsonLine | undefined;
  readonly folded: boolean;
  readonly toggle: () => void;
}

function Line({ line, last, folded, toggle }: LineProps) {
  const tokens = folded && last ? [...line.tokens, FOLD, ...last.tokens] : line.tokens;
  return (
    <>
      {line.closes === undefined ? (
        <span className={classes.gutter} />
      ) : (
        <button
          type="button"
          className={classes.gutter}
          aria-label={folded ? exchange.unfold : exchange.fold}
          aria-expanded={!folded}
          onClick={toggle}
        >
          <Icon name={folded ? 'right' : 'down'} size={12} />
        </button>
      )}
      <span style={{ paddingLeft: line.depth * 16 }} className={classes.tokens}>
        {tokens.map((token, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a line's tokens never move.
          <span key={index} data-kind={token.kind}>
            {token.text}
          </span>
        ))}
        {folded && <span className={classes.count}>{exchange.members(line.count ?? 0)}</span>}
      </span>
    </>
  );
}

const FOLD = { kind: 'mark', text: ' … ' } as const;
