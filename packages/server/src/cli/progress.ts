import { CLEAR_LINE, progressBar } from './bar.ts';
import { printable, type Stream } from './output.ts';

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
      const bar = done === undefined ? '' : `${progressBar(done)}  `;
      stream.write(`${CLEAR_LINE}${bar}${printable(what)}`);
    },
    end: () => void stream.write(CLEAR_LINE),
  };
}
