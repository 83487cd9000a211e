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
  /** One line for people; never part of the result. */
  note(text: string): void;
}

export function createOutput({ stdout, stderr, json, colors }: OutputOptions): Output {
  return {
    data: (value, text, states = []) => {
      const lines = printable(text).split('\n');
      const painted = lines.map((line, index) => {
        const state = states[index];
        return colors && state !== undefined ? paint(STATE_COLORS[state], line) : line;
      });
      stdout.write(`${json ? JSON.stringify(value) : painted.join('\n')}\n`);
    },
    note: (text) => void stderr.write(`${printable(text)}\n`),
  };
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
