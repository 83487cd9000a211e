import { createOutput, type Output } from './output.ts';

export interface Printed {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
  /** What is not text. */
  readonly bytes: Buffer;
}

/** What a command prints, and how it ends. */
export async function printed(
  run: (output: Output) => Promise<number>,
  { json = false, tty = false } = {},
): Promise<Printed> {
  const out: string[] = [];
  const err: string[] = [];
  const bytes: Uint8Array[] = [];
  const output = createOutput({
    stdout: { write: (text) => out.push(text), isTTY: tty },
    stderr: { write: (text) => err.push(text), isTTY: tty },
    writeBytes: (some) => void bytes.push(some),
    json,
    colors: false,
  });
  const exitCode = await run(output);
  return { exitCode, out: out.join(''), err: err.join(''), bytes: Buffer.concat(bytes) };
}
