// Casdoor's webhooks with Express: what its documentation shows, done right. Casdoor signs nothing, so
// a secret in a custom header has to do; set the same one under "Headers" of the webhook.
//
//   CASDOOR_SECRET=… node examples/receivers/express-casdoor.js        (PORT, 3000)
import { createReceiver, schemes } from '@posthorn/wire';
import { express as receive } from '@posthorn/wire/express';
import express from 'express';

const receiver = createReceiver({
  scheme: schemes.casdoor({ header: 'casdoor-secret' }),
  secrets: process.env.CASDOOR_SECRET,
})
  // The payload is Casdoor's `object`, parsed: JSON in a string, whatever the content type says.
  .on(['signup', 'new-user'], ({ payload, context }) => {
    console.log(`welcome ${payload.name ?? payload.username}, from ${context.clientIp}`);
  })
  .on('update-user', ({ payload, actor }) => {
    console.log(`${actor?.name} changed ${payload.name}`);
  })
  .onUnhandled(({ type }) => console.log(`nothing to do for ${type}`));

const app = express();
// Before any body parser: the receiver reads the body itself.
app.all('/webhook', receive(receiver));
app.use(express.json());
app.get('/', (_req, res) => res.send('the rest of the application'));

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/webhook`);
});
