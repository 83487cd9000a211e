import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Harness, start, startReceiver } from '../../delivery/harness.suite.ts';

/** What a disk turned is not sent. */

const MARK = 'a-payload-that-lies-in-the-file';
const HOURLY = { retryPolicy: { schedule: [3600, 3600], jitter: 0 } };

/** Turns one bit of each place in the database where the text stands. */
function turn(directory: string, text: string): number {
  const path = join(directory, 'posthorn.db');
  const bytes = readFileSync(path);
  let found = 0;
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) {
    bytes.writeUInt8(bytes.readUInt8(at + 2) ^ 1, at + 2);
    found += 1;
  }
  writeFileSync(path, bytes);
  return found;
}

/** With one delivery that is tried again in an hour. */
async function failing(dialect: 'standard' | 'casdoor') {
  const app = await start();
  const receiver = await startReceiver(app.clock, () => 500);
  await app.endpoint({ url: receiver.url, dialect, ...HOURLY });
  await app.publish({ data: { text: MARK } });
  await app.attempted(1);
  await app.close();
  return { app, receiver };
}

async function retried({ directory, clock }: Harness): Promise<Harness> {
  const next = await start({ directory, clock });
  clock.advance(3_600_000);
  await next.attempted(2);
  return next;
}

test.each(['standard', 'casdoor'] as const)(
  'a payload in which a bit was turned is not sent, and says why (%s)',
  async (dialect) => {
    const { app, receiver } = await failing(dialect);
    expect(turn(app.directory, MARK)).toBeGreaterThan(0);
    const next = await retried(app);
    expect(receiver.requests).toHaveLength(1);
    expect((await next.attempts()).at(-1)).toMatchObject({
      fault: 'render_failed',
      detail: expect.stringMatching(/is damaged, so nothing was sent/),
    });
    // The others are.
    await next.publish({ data: { text: 'fine' } });
    await receiver.request(2);
  },
);

test('what was not damaged is sent as it was', async () => {
  const { app, receiver } = await failing('standard');
  await retried(app);
  const [first, second] = receiver.requests;
  expect(second?.body.equals(first?.body ?? Buffer.alloc(0))).toBe(true);
});

test('the event of a body that was frozen may be whole, and the body is not', async () => {
  const { app, receiver } = await failing('casdoor');
  // Casdoor's record carries the data as text of its own, with quotes escaped.
  expect(turn(app.directory, `{\\"text\\":\\"${MARK}`)).toBeGreaterThan(0);
  const next = await retried(app);
  expect(receiver.requests).toHaveLength(1);
  expect((await next.attempts()).at(-1)).toMatchObject({ fault: 'render_failed' });
});
