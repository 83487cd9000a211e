// caisy's webhooks with Hono, on Node; `export default app` makes the same a Worker, or runs under Bun
// and Deno. caisy signs nothing: set a header `x-auth` with a secret in the webhook's settings. Webhooks
// of Posthorn's own format are taken on the same route.
//
//   CAISY_SECRET=… WEBHOOK_SECRET=whsec_… node examples/receivers/hono-caisy.js        (PORT, 3000)
import { serve } from '@hono/node-server';
import { createReceiver, schemes } from '@posthorn/wire';
import { hono as receive } from '@posthorn/wire/hono';
import { Hono } from 'hono';

const secrets = [process.env.CAISY_SECRET, process.env.WEBHOOK_SECRET].filter(Boolean);
const receiver = createReceiver({
  scheme: schemes.anyOf(schemes.standard(), schemes.caisy({ header: 'x-auth' })),
  secrets,
})
  .on('document_*', ({ type, payload }) => {
    console.log(`${type}: rebuild what shows ${payload.document_id}`);
  })
  .on('*.*', ({ type, id }) => console.log(`${type} ${id}`));

const app = new Hono();
app.post('/webhook', receive(receiver));

serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000), hostname: '127.0.0.1' }, (info) =>
  console.log(`listening on http://127.0.0.1:${info.port}/webhook`),
);
