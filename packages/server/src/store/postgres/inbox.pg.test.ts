import { describe } from 'vitest';
import { inboxSuite } from '../inbox.suite.ts';
import { hasPostgres, needing, TestPostgres } from './cluster.suite.ts';

describe.skipIf(!hasPostgres)(needing('inboxes in PostgreSQL'), () => {
  const postgres = new TestPostgres();
  inboxSuite('postgresql', ({ directory }) => postgres.openInbox(directory));
});
