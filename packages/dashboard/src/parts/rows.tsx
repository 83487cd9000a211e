import { Button } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useVirtualizer, type Virtualizer } from '@tanstack/react-virtual';
import {
  type KeyboardEvent,
  type ReactNode,
  type RefObject,
  useEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import { formatCount } from '../app/format.ts';
import { useShortcut } from '../app/shortcuts.tsx';
import type { RowLog } from '../data/row-log.ts';
import { common } from '../strings/common.ts';
import { keys } from '../strings/keys.ts';
import { Failed, Loading } from './faces.tsx';
import { Icon } from './icon.tsx';
import classes from './rows.module.css';

/** The next page is asked for this many rows before the reader gets there. */
const AHEAD = 2000;
const OVERSCAN = 12;
const PAGE_KEYS_ROWS = 15;
const HEIGHT = 36;
/** Two lines: on a phone, or beside something. */
const HEIGHT_NARROW = 60;
/** The same as in the style sheets of the lists. */
const NARROW_PX = 560;

export interface Head {
  readonly text: string;
  /** Of its cells too: what is left out where there is little room. */
  readonly className?: string | undefined;
}

export interface RowsProps<T> {
  readonly log: RowLog<T>;
  /** Names the list to screen readers. */
  readonly label: string;
  /** Lays out heads and rows: `grid-template-columns`, by the width of the list. */
  readonly rowClass: string | undefined;
  readonly heads: readonly Head[];
  readonly idOf: (row: T) => string;
  readonly cells: (row: T) => ReactNode;
  readonly selected: string | undefined;
  readonly onOpen: (row: T) => void;
  /** New rows wait. */
  readonly paused: boolean;
  readonly empty: ReactNode;
  /** In place of a failure that trying again does not mend. */
  readonly refused?: ((error: unknown) => ReactNode | undefined) | undefined;
}

/** An endless list, of which only the rows in view exist. */
export function Rows<T>(props: RowsProps<T>) {
  const { log, paused } = props;
  useSyncExternalStore(log.subscribe, log.getVersion);
  const { ref, width } = useElementSize();
  const height = width > 0 && width < NARROW_PX ? HEIGHT_NARROW : HEIGHT;
  const pane = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: log.count,
    getScrollElement: () => pane.current,
    estimateSize: () => height,
    overscan: OVERSCAN,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another height is measured anew.
  useEffect(() => virtualizer.measure(), [virtualizer, height]);
  useReading({ log, virtualizer, pane, paused });
  const { active, setActive, onKeyDown } = useActive(props, virtualizer);
  return (
    <div ref={ref} className={classes.list}>
      {log.count === 0 ? (
        <NoRows {...props} />
      ) : (
        <>
          <div className={`${classes.heads} ${props.rowClass}`} aria-hidden="true">
            {props.heads.map(({ text, className }) => (
              <span key={text} className={className}>
                {text}
              </span>
            ))}
          </div>
          <NewRows log={log} pane={pane} />
          {/* biome-ignore lint/a11y/useSemanticElements: a table of rows that mostly do not exist. */}
          <div
            ref={pane}
            className={classes.pane}
            role="grid"
            aria-label={props.label}
            aria-rowcount={-1}
            aria-activedescendant={`row-${active}`}
            tabIndex={0}
            onKeyDown={onKeyDown}
          >
            <div style={{ height: virtualizer.getTotalSize() }} className={classes.all}>
              {virtualizer.getVirtualItems().map(({ index, start }) => (
                <Row
                  key={index}
                  list={props}
                  index={index}
                  top={start}
                  height={height}
                  active={index === active}
                  activate={setActive}
                />
              ))}
            </div>
            <Foot log={log} />
          </div>
        </>
      )}
    </div>
  );
}

interface RowProps<T> {
  readonly list: RowsProps<T>;
  readonly index: number;
  readonly top: number;
  readonly height: number;
  readonly active: boolean;
  readonly activate: (index: number) => void;
}

function Row<T>({ list, index, top, height, active, activate }: RowProps<T>) {
  const row = list.log.row(index);
  if (row === undefined) return null;
  return (
    // biome-ignore lint/a11y/useSemanticElements: as above.
    // biome-ignore lint/a11y/useFocusableInteractive: the grid has the focus and says which row.
    // biome-ignore lint/a11y/useKeyWithClickEvents: and the keys.
    <div
      id={`row-${index}`}
      role="row"
      aria-rowindex={index + 1}
      aria-selected={list.idOf(row) === list.selected}
      className={`${classes.row} ${list.rowClass}`}
      data-active={active}
      style={{ transform: `translateY(${top}px)`, height }}
      onClick={() => {
        activate(index);
        list.onOpen(row);
      }}
    >
      {list.cells(row)}
    </div>
  );
}

export function Cell({
  className,
  children,
}: {
  className?: string | undefined;
  children: ReactNode;
}) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: as above.
    // biome-ignore lint/a11y/useFocusableInteractive: as above.
    <span role="gridcell" className={className}>
      {children}
    </span>
  );
}

/** Which row the keys are at. */
function useActive<T>(list: RowsProps<T>, virtualizer: Virtualizer<HTMLDivElement, Element>) {
  const { log, selected, onOpen } = list;
  const [active, setActive] = useState(0);
  const move = (by: number) => {
    const next = Math.min(Math.max(active + by, 0), log.count - 1);
    setActive(next);
    virtualizer.scrollToIndex(next);
    // Here and not at some button: Enter means this row now.
    virtualizer.scrollElement?.focus({ preventScroll: true });
    const row = log.row(next);
    // With a row open beside the list, moving opens the next one.
    if (row !== undefined && selected !== undefined) onOpen(row);
  };
  const open = () => {
    const row = log.row(active);
    if (row !== undefined) onOpen(row);
  };
  useShortcut({ keys: 'j', label: keys.next, group: keys.lists, run: () => move(1) });
  useShortcut({ keys: 'k', label: keys.previous, group: keys.lists, run: () => move(-1) });
  useShortcut({ keys: 'Enter', label: keys.open, group: keys.lists, run: open });
  const steps: Readonly<Record<string, number>> = {
    ArrowDown: 1,
    ArrowUp: -1,
    PageDown: PAGE_KEYS_ROWS,
    PageUp: -PAGE_KEYS_ROWS,
    Home: -log.count,
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const by = steps[event.key];
    if (by === undefined) return;
    move(by);
    event.preventDefault();
  };
  return { active, setActive, onKeyDown };
}

/** Loads older rows ahead of the reader, and holds new ones back while somebody reads further down. */
function useReading<T>(of: {
  log: RowLog<T>;
  virtualizer: Virtualizer<HTMLDivElement, Element>;
  pane: RefObject<HTMLDivElement | null>;
  paused: boolean;
}): void {
  const { log, virtualizer, pane, paused } = of;
  const last = virtualizer.getVirtualItems().at(-1)?.index ?? 0;
  const away = (virtualizer.scrollOffset ?? 0) > 0;
  const idle = log.state === 'ready' && !log.isLoadingMore;
  const { count } = log;
  useEffect(() => {
    const element = pane.current;
    const fills = element !== null && element.scrollHeight > element.clientHeight;
    // What fills the view is enough until somebody scrolls: most look at the newest rows only.
    const near = away ? last + AHEAD > count : !fills;
    if (count > 0 && near && idle) void log.more();
  }, [log, count, last, away, idle, pane]);
  useEffect(() => log.hold(paused || away), [log, paused, away]);
}

function NewRows<T>({ log, pane }: { log: RowLog<T>; pane: RefObject<HTMLDivElement | null> }) {
  if (log.held === 0 && !log.overflowed) return null;
  const show = () => {
    log.take();
    pane.current?.scrollTo({ top: 0 });
  };
  return (
    <div className={classes.new}>
      <Button onClick={show} variant="filled" leftSection={<Icon name="up" size={14} />}>
        {log.overflowed ? common.manyNewRows : common.newRows(log.held)}
      </Button>
    </div>
  );
}

function NoRows<T>({ log, empty, refused }: RowsProps<T>) {
  if (log.state === 'failed') {
    const { error } = log;
    return refused?.(error) ?? <Failed error={error} retry={() => void log.reload()} />;
  }
  if (log.isEmpty) return empty;
  if (log.state === 'loading' || log.isLoadingMore) return <Loading />;
  // A page may be empty and still have a next one: the server looked at many rows that did not fit.
  return <SearchOn log={log} />;
}

function SearchOn<T>({ log }: { log: RowLog<T> }) {
  useEffect(() => void log.more(), [log]);
  return <Loading />;
}

function Foot<T>({ log }: { log: RowLog<T> }) {
  const text = () => {
    if (log.isFull) return common.tooMany(formatCount(log.count));
    if (log.atEnd) return common.endOfList;
    return log.isLoadingMore ? common.loadingMore : '';
  };
  if (log.state === 'failed') return <Failed error={log.error} retry={() => void log.more()} />;
  return <p className={classes.foot}>{text()}</p>;
}
