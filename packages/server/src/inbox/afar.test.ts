import { expect, test } from 'vitest';
import { VirtualClock } from '../delivery/harness.suite.ts';
import type { AnswerStore } from '../store/inbox.ts';
import { SendersWaiting } from './afar.ts';
import type { LiveSink } from './live-answer.ts';

/** Nothing ever comes. */
const SILENT: AnswerStore = {
  begin: async () => false,
  decline: async () => false,
  write: async () => 'gone',
  ahead: async () => 'gone',
  take: async (places) => places.map(() => []),
  taken: async () => {},
  giveUp: async () => true,
  forget: async () => {},
};

const SENDER: LiveSink = {
  head() {},
  write: () => undefined,
  end() {},
  abort() {},
  fallback() {},
};

/** How long a sender waited, and why no longer, when the listener's lease ends after `aliveMs`. */
async function wait(aliveMs: number) {
  const clock = new VirtualClock();
  const began = clock.now();
  const senders = new SendersWaiting({
    store: SILENT,
    clock,
    warn: (error) => expect.unreachable(String(error)),
    answered: async (inboxes) => inboxes.map(() => clock.now() - began < aliveMs),
  });
  let end: { how: string; afterMs: number } | undefined;
  const key = { slot: 1, inbox: 'inb_00000000000000000000000001', seq: 1 } as const;
  const live = senders.expect(key, 30_000, (how) => {
    end = { how, afterMs: clock.now() - began };
  });
  live.deliver(SENDER);
  while (!end) {
    clock.advance(10);
    await new Promise(setImmediate);
  }
  return end;
}

test('a sender whose listener’s node died gets the fallback when its lease has ended', async () => {
  const { how, afterMs } = await wait(9000);
  expect(how).toBe('fallback');
  expect(afterMs).toBeGreaterThan(9000);
  expect(afterMs).toBeLessThan(12_000);
});

test('one who is listened to waits to the end', async () => {
  const { how, afterMs } = await wait(60_000);
  expect(how).toBe('fallback');
  expect(afterMs).toBeGreaterThanOrEqual(30_000);
});
