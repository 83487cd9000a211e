import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { inboxSuite } from '../inbox.suite.ts';
import { remoteInbox, serveInbox } from '../remote-inbox.ts';
import { InboxWorld, type OpenInbox } from '../suite/inbox-world.suite.ts';
import { masterKey } from './open-for-suite.suite.ts';
import { openSqliteInbox } from './open-inbox.ts';

const open: OpenInbox = ({ directory }) => openSqliteInbox({ directory, masterKey });

inboxSuite('sqlite', open);

inboxSuite('sqlite behind a port', async (options) => {
  const { port1, port2 } = new MessageChannel();
  serveInbox(port2, await open(options));
  return remoteInbox(port1);
});

test('heads that hold a secret are not in the files, but come back', async () => {
  await using w = new InboxWorld(open);
  await w.open();
  const head = (text: string) => Buffer.from(`Authorization: ${text}\r\n`);
  await w.capture({ head: head('hidden-token'), secretHead: true }, { head: head('open-token') });
  await w.captures.record([
    w.exchange(1, { responseHead: head('hidden-answer'), secretHeads: true }),
  ]);
  const found = (text: string) =>
    readdirSync(w.directory).some((name) => readFileSync(join(w.directory, name)).includes(text));
  expect([found('open-token'), found('hidden-token'), found('hidden-answer')]).toEqual([
    true,
    false,
    false,
  ]);
  const [first] = await w.items({ after: 0 });
  expect(Buffer.from(first?.head ?? '').toString()).toContain('hidden-token');
});

test('the numbers and counts of a batch that failed are as before it', async () => {
  await using w = new InboxWorld(open);
  await w.open();
  await w.feed(2);
  const broken = { body: null as unknown as Uint8Array };
  await expect(
    w.captures.capture([w.request(), { ...w.request(), ...broken }], w.now),
  ).rejects.toThrow();
  expect(await w.seqs()).toEqual([1, 2]);
  expect((await w.feed(1))[0]?.seq).toBe(3);
});
