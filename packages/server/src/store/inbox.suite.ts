import { describe, test } from 'vitest';
import { captureCases, durableCaptureCases } from './suite/captures.suite.ts';
import { type InboxCases, InboxWorld, type OpenInbox } from './suite/inbox-world.suite.ts';
import { durableListenerCases, listenerCases } from './suite/listeners.suite.ts';

/** What every engine of the inbox store must do; one that forgets when closed says `durable: false`. */
export function inboxSuite(name: string, open: OpenInbox, { durable = true } = {}): void {
  describe(name, () => {
    describe('captures', () => add(captureCases, open));
    describe('listeners', () => add(listenerCases, open));
    if (durable) {
      describe('opened again', () =>
        add({ ...durableCaptureCases, ...durableListenerCases }, open));
    }
  });
}

function add(cases: InboxCases, open: OpenInbox): void {
  for (const [title, run] of Object.entries(cases)) {
    test(title, async () => {
      await using world = new InboxWorld(open);
      await world.open();
      await run(world);
    });
  }
}
