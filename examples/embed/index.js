// Posthorn inside a program: one process that has an API of its own, sends webhooks and, to show that
// they arrive, receives one.
//
//   npm run build && node examples/embed/index.js
import { createServer } from 'node:http';
import { createClient } from '@posthorn/api';
import { createReceiver, schemes } from '@posthorn/wire';
import { node } from '@posthorn/wire/node';
import { createPosthorn } from 'posthorn';

// Loopback and plain http only because the receiver below is on this machine.
const hooks = await createPosthorn({
  dataDirectory: process.argv[2] ?? '.posthorn-example',
  listen: false,
  allowHttp: true,
  allowLoopback: true,
});

// The program's own server: its routes, and everything else is Posthorn's.
const app = createServer((req, res) => {
  if (req.url === '/hello') res.end('hello\n');
  else hooks.handler(req, res);
});
const url = await listen(app);
const api = createClient({ baseUrl: url, key: hooks.adminKey });

const received = deferred();
// The endpoint's secret is only known when it was created, and that needs the receiver's URL.
const secret = deferred();
const webhooks = createReceiver({ scheme: schemes.standard(), secrets: () => secret.promise })
  .on('user.*', (delivery) => received.resolve(delivery))
  .onError((error) => console.error(error));
const receiver = createServer(node(webhooks));

const created = await api.createEndpoint({
  tenant: 'default',
  body: { name: 'Example', url: await listen(receiver), eventTypes: ['user.*'] },
});
secret.resolve(created.secret);
const published = await hooks.publish({ type: 'user.created', data: { id: 1, name: 'Ada' } });
console.log(`published ${published.id} to ${published.deliveries} webhook`);

const { id, type, payload } = await received.promise;
console.log(`received ${type} ${id}, signature valid: ${JSON.stringify(payload)}`);

await api.deleteEndpoint({ tenant: 'default', endpoint: created.id });
await hooks.close();
for (const server of [app, receiver]) {
  server.close();
  server.closeAllConnections();
}

function listen(server) {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}/`));
  });
}

/** What Promise.withResolvers gives, which Node 20 does not have. */
function deferred() {
  const made = {};
  made.promise = new Promise((resolve) => {
    made.resolve = resolve;
  });
  return made;
}
