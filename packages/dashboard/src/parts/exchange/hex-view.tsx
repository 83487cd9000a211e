import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef } from 'react';
import { hexRow, hexRowCount } from '../../data/bytes.ts';
import classes from './exchange.module.css';

const LINE_HEIGHT = 20;

export function HexView({ bytes }: { bytes: Uint8Array }) {
  const pane = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: hexRowCount(bytes),
    getScrollElement: () => pane.current,
    estimateSize: () => LINE_HEIGHT,
    overscan: 20,
  });
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so keys must reach it.
    <div ref={pane} className={classes.longCode} tabIndex={0}>
      <div style={{ height: virtualizer.getTotalSize(), position: 'relative' }}>
        {virtualizer.getVirtualItems().map(({ index, start }) => {
          const { offset, hex, text } = hexRow(bytes, index);
          return (
            <div
              key={index}
              className={classes.hexLine}
              style={{ transform: `translateY(${start}px)` }}
            >
              <span className="secondary">{offset}</span> <span>{hex}</span>{' '}
              <span className="secondary">{text}</span>
            </div>
          );
        })}
      </div>
    </div>
  );
}
