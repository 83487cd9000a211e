// Logto's webhooks with Fastify.
//
//   LOGTO_SIGNING_KEY=… node examples/receivers/fastify-logto.js        (PORT, 3000)
import { createReceiver, schemes } from '@posthorn/wire';
import { fastify as receive } from '@posthorn/wire/fastify';
import Fastify from 'fastify';

const receiver = createReceiver({
  scheme: schemes.logto(),
  secrets: process.env.LOGTO_SIGNING_KEY,
})
  .on('PostSignIn', ({ payload }) => console.log(`${payload.user?.username} signed in`))
  .on('User.*', ({ type, payload, at }) => {
    console.log(`${type} of ${payload?.id} at ${at.toISOString()}`);
  })
  .onUnhandled(({ type }) => console.log(`nothing to do for ${type}`));

const app = Fastify();
app.register(receive(receiver, { path: '/webhook' }));
// Other routes go on parsing JSON.
app.post('/echo', async (request) => request.body);

const url = await app.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' });
console.log(`listening on ${url}/webhook`);
