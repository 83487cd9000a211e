// The suite over the runtime's own server.
import { fetchHandler } from '@posthorn/wire/fetch';
import { conformance } from '@posthorn/wire/testkit';

function serve(fetch) {
  if (globalThis.Bun) {
    const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch });
    return { url: `http://127.0.0.1:${server.port}/`, close: () => server.stop(true) };
  }
  const options = { port: 0, hostname: '127.0.0.1', onListen: () => undefined };
  const server = Deno.serve(options, fetch);
  return { url: `http://127.0.0.1:${server.addr.port}/`, close: () => server.shutdown() };
}

const suite = conformance({ mount: async (receiver) => serve(fetchHandler(receiver)) });
const failures = await suite.run();
for (const { name, error } of failures) console.error(`${name}: ${error.message}`);
console.log(`${suite.cases.length - failures.length} passed, ${failures.length} failed`);
const code = failures.length === 0 ? 0 : 1;
if (globalThis.Deno) Deno.exit(code);
process.exit(code);
