import { useState } from 'react';
import { type QrMatrix, qrCode } from '../data/qr.ts';
import { common } from '../strings/common.ts';
import { Copyable } from './copy.tsx';
import { Dialog } from './dialog.tsx';
import { IconButton } from './icon-button.tsx';
import classes from './qr.module.css';

/** Takes an address to a phone. */
export function QrButton({ text }: { text: string }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <IconButton icon="qr" label={common.qr} onClick={() => setOpen(true)} size={24} />
      {open && (
        <Dialog title={common.qr} onClose={() => setOpen(false)}>
          <div className={classes.dialog}>
            <QrCode text={text} />
            <Copyable text={text} />
          </div>
        </Dialog>
      )}
    </>
  );
}

/** The standard wants as much room around it. */
const QUIET = 4;

function QrCode({ text }: { text: string }) {
  const matrix = qrCode(text);
  const size = matrix.length + 2 * QUIET;
  return (
    <svg
      className={classes.code}
      viewBox={`${-QUIET} ${-QUIET} ${size} ${size}`}
      role="img"
      aria-label={common.qrOf(text)}
    >
      <path d={pathOf(matrix)} />
    </svg>
  );
}

/** Each dark module a square. */
function pathOf(matrix: QrMatrix): string {
  return matrix
    .flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : '')))
    .join('');
}
