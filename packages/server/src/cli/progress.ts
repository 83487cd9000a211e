import { printable, type Stream } from './output.ts';

const WIDTH = 24;
const ERASE = '\r\u001b[K';

export interface ProgressBar {
  /** `done`: 0 to 1; undefined = nobody knows how far it is. */
  show(step: { readonly what: string; readonly done: number | undefined }): void;
  /** Leaves nothing on the line. */
  end(): void;
}

/** One line that is drawn over itself; on anything but a terminal it is silent. */
export function createProgress(
  stream: Stream,
  { quiet }: { readonly quiet: boolean },
): ProgressBar {
  if (quiet || stream.isTTY !== true) return { show() {}, end() {} };
  return {
    show({ what, done }) {
      const filled = Math.round((done ?? 0) * WIDTH);
      const bar = `[${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}] ${percent(done)}  `;
      stream.write(`${ERASE}${done === undefined ? '' : bar}${printable(what)}`);
    },
    end: () => void stream.write(ERASE),
  };
}

function percent(done: number | undefined): string {
  return `${Math.floor((done ?? 0) * 100)} %`.padStart(5);
}
