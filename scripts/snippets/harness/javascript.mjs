import { createInterface } from 'node:readline';

for await (const line of createInterface({ input: process.stdin })) {
  const [secret, now, id, timestamp, signature, body] = line.split('\t');
  const headers = {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signature,
  };
  try {
    console.log(verify(secret, headers, Buffer.from(body, 'hex'), Number(now)));
  } catch {
    console.log('error');
  }
}
