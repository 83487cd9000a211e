// canD's webhooks with Express. canD wants an answer at once, so the message is put into a durable queue,
// answered, and worked on behind that: nothing is lost if the process dies in between. The URL is the
// only secret, so it holds one.
//
//   CAND_SECRET=… node examples/receivers/express-cand.js        (PORT, 3000; DATABASE, cand.db)
//
// Register https://…/webhook/<CAND_SECRET> as the app's webhook URL.
import { createRequire } from 'node:module';
import { createReceiver, schemes } from '@posthorn/wire';
import { express as receive } from '@posthorn/wire/express';
import { sqlite } from '@posthorn/wire/idempotency/sqlite';
import { sqliteQueue } from '@posthorn/wire/queue/sqlite';
import express from 'express';

const db = openDatabase(process.env.DATABASE ?? 'cand.db');
const queue = sqliteQueue(db);

const receiver = createReceiver({
  scheme: schemes.cand(),
  secrets: process.env.CAND_SECRET,
  ack: 'queued',
  queue,
  idempotency: sqlite(db),
})
  // `module:type`, as canD's documentation dispatches. Payloads hold ids: fetch the rest with your
  // bot's token.
  .on('MOIM:product.created', ({ payload, context }) => {
    console.log(`product ${payload.id} in ${context.communityId}`);
  })
  .on('MOIM:member.*', ({ type, payload }) => console.log(`${type}: ${payload.id}`))
  .onUnhandled(({ type }) => console.warn(`no handler for ${type}`));

const worker = queue.start(receiver, {
  onFailure: ({ error, attempts }) => console.error(`attempt ${attempts} failed: ${error.message}`),
});

const app = express();
app.post('/webhook/:secret', receive(receiver));

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/webhook/<secret>`);
});

process.once('SIGTERM', async () => {
  server.close();
  await worker.stop();
  db.close();
});

/** `node:sqlite` is stable from Node 24 on; below, a package has its interface. */
function openDatabase(path) {
  const [major] = process.versions.node.split('.').map(Number);
  const require = createRequire(import.meta.url);
  const { DatabaseSync } = require(major >= 24 ? 'node:sqlite' : '@photostructure/sqlite');
  const db = new DatabaseSync(path);
  db.exec('pragma journal_mode = wal; pragma synchronous = full');
  return db;
}
