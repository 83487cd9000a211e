// The conformance suite as somebody runs it with node:test; started by runners.test.ts.
import { createServer } from 'node:http';
import { describe, test } from 'node:test';
import { node } from '@posthorn/wire/node';
import { conformance } from '@posthorn/wire/testkit';

conformance({
  mount: async (receiver) => {
    const server = createServer(node(receiver));
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const close = () => {
      server.closeAllConnections();
      server.close();
    };
    return { url: `http://127.0.0.1:${server.address().port}/`, close };
  },
}).register('node:http', { describe, test });
