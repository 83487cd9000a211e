// The suite over the runtime's node:http, behind a parser too.
import { createServer } from 'node:http';
import process from 'node:process';
import { node } from '@posthorn/wire/node';
import { conformance } from '@posthorn/wire/testkit';

async function listen(handle) {
  const server = createServer(handle);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}/`, close };
}

const suite = conformance({
  mount: (receiver) => listen(node(receiver)),
  mountBehindParser: (receiver) => {
    const handle = node(receiver);
    return listen(async (req, res) => {
      for await (const _ of req) {
        // Somebody else read it.
      }
      handle(req, res);
    });
  },
});
const failures = await suite.run();
for (const { name, error } of failures) console.error(`${name}: ${error.message}`);
console.log(`${suite.cases.length - failures.length} passed, ${failures.length} failed`);
process.exit(failures.length === 0 ? 0 : 1);
