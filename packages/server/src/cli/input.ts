import { createReadStream } from 'node:fs';

const BYTES_MAX = 64 * 1024 * 1024;

/** A file's bytes; `-` = stdin. Rejects if it cannot be read or is larger than 64 MiB. */
export async function readInput(file: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Not read at once: a pipe that nobody has written to yet has nothing to give.
  const stream = file === '-' ? process.stdin : createReadStream(file);
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > BYTES_MAX) throw new Error('it is larger than 64 MiB');
  }
  return Buffer.concat(chunks, size);
}

/** What an argument gives: the file behind `@`, stdin for `-`, else its own text. Rejects as `readInput` does. */
export async function readGiven(given: string): Promise<Buffer> {
  if (given === '-') return readInput('-');
  return given.startsWith('@') ? readInput(given.slice(1)) : Buffer.from(given);
}
