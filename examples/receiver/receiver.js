// Receives webhooks, verifies them and prints them. No framework, one file.
//
//   node examples/receiver/receiver.js whsec_…        (or WEBHOOK_SECRET=whsec_…)
//
// PORT (4500) is where it listens; FAIL=1 makes it fail, to see retries.
import { createServer } from 'node:http';
import { createReceiver, schemes } from '@posthorn/wire';
import { node } from '@posthorn/wire/node';

const secret = process.argv[2] ?? process.env.WEBHOOK_SECRET;
if (secret === undefined) {
  console.error('usage: node examples/receiver/receiver.js whsec_…');
  process.exit(2);
}

const receiver = createReceiver({ scheme: schemes.standard(), secrets: secret })
  .onAny(({ type, id, at, payload }) => {
    if (process.env.FAIL) throw new Error('FAIL is set');
    // JSON.stringify escapes control characters, so that a body cannot steer the terminal.
    console.log(`${at.toISOString()}  ${JSON.stringify(type)}  ${JSON.stringify(id)}`);
    console.log(JSON.stringify(payload, null, 2));
  })
  .onError(({ code, message, hint }) => {
    console.log(`refused: ${code}: ${JSON.stringify(message)}${hint ? `\n  ${hint}` : ''}`);
  });

createServer(node(receiver)).listen(Number(process.env.PORT ?? 4500), '127.0.0.1', function () {
  console.log(`listening on http://127.0.0.1:${this.address().port}/`);
});
