import { inboxSuite } from './inbox.suite.ts';
import { createMemoryInbox } from './memory/inbox.ts';

inboxSuite('memory', async () => createMemoryInbox(), { durable: false });
