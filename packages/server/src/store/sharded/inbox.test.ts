import { inboxSuite } from '../inbox.suite.ts';
import { createMemoryInbox } from '../memory/inbox.ts';
import { createShardedInbox } from './inbox.ts';
import { SlotMap } from './slot-map.ts';

/** So many that the two inboxes of the suite, in the slots 7 and 9, fall on different ones. */
const map = new SlotMap(64);

inboxSuite(
  'shards in memory',
  async () => createShardedInbox(Array.from({ length: map.count }, createMemoryInbox), map),
  { durable: false },
);
