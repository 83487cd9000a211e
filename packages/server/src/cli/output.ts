import { CLEAR_LINE, progressBar } from './bar.ts';

/** What a command prints: data to stdout, everything else to stderr, exit codes that scripts trust. */

/** 0 = done; 1 = tried and failed; 2 = asked for in a way that cannot work. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface Stream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

export interface OutputOptions {
  readonly stdout: Stream;
  readonly stderr: Stream;
  /** Writes to stdout what is not text. Left out: as UTF-8. */
  readonly writeBytes?: (bytes: Uint8Array) => void;
  /** Data as JSON, for programs. */
  readonly json: boolean;
  /** Colours on stdout; the caller has looked at NO_COLOR and the terminal. */
  readonly colors: boolean;
}

export type State = 'ok' | 'warn' | 'fail';
const STATE_COLORS: Readonly<Record<State, number>> = { ok: 32, warn: 33, fail: 31 };

export interface Output {
  /**
   * The command's result: `value` with `--json`, `text` without. `states` colours the first word
   * of each line.
   */
  data(value: unknown, text: string, states?: readonly State[]): void;
  /** The same for a result that is bytes: a file or a program gets them as they are. */
  bytes(value: unknown, bytes: Uint8Array): void;
  /** One line for people; never part of the result. */
  note(text: string): void;
  /** How far long work is. A terminal shows it until the next note or result; nobody else sees it. */
  progress(part: Progress): void;
}

export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly what: string;
}

export function createOutput(options: OutputOptions): Output {
  const { stdout, stderr, json, colors } = options;
  let drawn = false;
  const clear = () => {
    if (drawn) stderr.write(CLEAR_LINE);
    drawn = false;
  };
  return {
    data: (value, text, states = []) => {
      clear();
      const lines = printable(text).split('\n');
      const painted = lines.map((line, index) => {
        const state = states[index];
        return colors && state !== undefined ? paint(STATE_COLORS[state], line) : line;
      });
      stdout.write(`${json ? JSON.stringify(value) : painted.join('\n')}\n`);
    },
    bytes: (value, bytes) => {
      clear();
      if (json) stdout.write(`${JSON.stringify(value)}\n`);
      else if (stdout.isTTY !== true && options.writeBytes) options.writeBytes(bytes);
      else stdout.write(`${printable(Buffer.from(bytes).toString('utf8').replaceAll('\r', ''))}\n`);
    },
    note: (text) => {
      clear();
      stderr.write(`${printable(text)}\n`);
    },
    progress: (part) => {
      if (json || stderr.isTTY !== true) return;
      stderr.write(`${CLEAR_LINE}${printable(progressLine(part))}`);
      drawn = true;
    },
  };
}

function progressLine({ done, total, what }: Progress): string {
  const bar = progressBar(total === 0 ? 1 : done / total);
  return `${bar}  ${done.toLocaleString('en')} of ${total.toLocaleString('en')} ${what}`;
}

/** Local time of day. */
export function timeOfDay(at: Date): string {
  return at.toTimeString().slice(0, 8);
}

/** Green, cyan, yellow and red by class; null = there was no answer. */
export function statusColor(status: number | null): number {
  if (status === null || status >= 500) return 31;
  if (status >= 400) return 33;
  return status >= 300 ? 36 : 32;
}

function paint(color: number, line: string): string {
  return line.replace(/^\S+/, (word) => `\u001b[${color}m${word}\u001b[0m`);
}

/** Columns as wide as their longest cell; the last one is left as it is. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) {
      widths[index] = Math.max(widths[index] ?? 0, cell.length);
    }
  }
  return rows
    .map((row) =>
      row
        .map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
        .join('  '),
    )
    .join('\n');
}

/** A terminal obeys control characters, and text may be a stranger's: only line ends get through. */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n]|[\u2028-\u202e\u2066-\u2069]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
