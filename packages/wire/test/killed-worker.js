// Claims a key, says so, and hangs in the work until it is killed.
import { createRequire } from 'node:module';
import { sqlite } from '@posthorn/wire/idempotency/sqlite';

const [major] = process.versions.node.split('.').map(Number);
const require = createRequire(import.meta.url);
const { DatabaseSync } = require(major >= 24 ? 'node:sqlite' : '@photostructure/sqlite');

const store = sqlite(new DatabaseSync(process.argv[2]));
await store.claim('killed', { leaseMs: 60_000 });
process.send('claimed');
setInterval(() => undefined, 1000);
