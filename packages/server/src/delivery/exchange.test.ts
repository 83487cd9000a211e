import { type AddressInfo, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { eventually, start, startReceiver } from './harness.suite.ts';

/** An attempt as other tools take it. */

const tenant = 'default';

async function attempted(status: number) {
  const h = await start();
  const receiver = await startReceiver(h.clock, () => ({ status, headers: { 'x-reply': 'r' } }));
  const headers = [{ name: 'X-Api-Key', value: 'k3y-of-theirs' }];
  const retryPolicy = { attempts: 1 };
  await h.endpoint({ url: `${receiver.url}hooks?a=1&a=2`, headers, retryPolicy });
  await h.publish({ type: 'a.b', data: { it: "isn't" } });
  await h.settled();
  const [attempt] = await h.attempts();
  if (!attempt) throw new Error('nothing was attempted');
  return { h, receiver, attempt: attempt.id };
}

test('an attempt has the bytes of both sides as they were, when what happened, and with whom', async () => {
  const got: Buffer[] = [];
  const answer =
    'HTTP/1.1 202 Fine By Me\r\nx-CASE: a\r\nX-Case: b\r\nContent-Length: 4\r\n\r\n\u00ff\u0000ok';
  const server = createServer((socket) => {
    socket.on('data', (chunk) => {
      got.push(chunk);
      if (Buffer.concat(got).includes('"odd"')) socket.write(Buffer.from(answer, 'latin1'));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const h = await start();
  await h.endpoint({ url: `http://127.0.0.1:${port}/a%20b?c=d` });
  await h.publish({ type: 'a.b', data: { é: 1.0, key: 'odd' } });
  await h.settled();
  const [summary] = await h.attempts();
  const attempt = await h.api.getAttempt({ tenant, attempt: summary?.id ?? 'att_' });
  const { request, response, timings } = attempt;
  expect(request.body.encoding).toBe('utf8');
  expect(`${request.head}\r\n${request.body.text}`).toBe(Buffer.concat(got).toString());
  expect(response?.head).toBe(
    'HTTP/1.1 202 Fine By Me\r\nx-CASE: a\r\nX-Case: b\r\nContent-Length: 4\r\n',
  );
  expect(response?.body).toEqual({ encoding: 'base64', text: '/wBvaw==' });
  expect(attempt).toMatchObject({ status: 202, remoteAddress: `127.0.0.1:${port}`, n: 1 });
  // An address needs no lookup, and plain HTTP no handshake.
  expect(timings).toMatchObject({ dnsMs: null, tlsMs: null });
  expect(timings.connectMs).toBeGreaterThan(0);
  expect(timings.firstByteMs).toBeGreaterThan(0);
  const parts = (timings.connectMs ?? 0) + (timings.firstByteMs ?? 0);
  expect(timings.totalMs).toBeGreaterThanOrEqual(parts - 1);
});

test('an attempt is a curl command, its secrets for those who may write', async () => {
  const { h, receiver, attempt } = await attempted(200);
  const command = await h.api.getAttemptCurl({ tenant, attempt });
  expect(command).toContain(`'${receiver.url}hooks?a=1&a=2'`);
  expect(command).toContain(`isn'\\''t`);
  expect(command).toContain("'X-Api-Key: ••••'");
  expect(command).toContain('webhook-signature: v1,');
  const shown = await h.api.getAttemptCurl({ tenant, attempt, secrets: 'true' });
  expect(shown).toContain("'X-Api-Key: k3y-of-theirs'");
});

test('who may only read does not get the secrets of an exchange', async () => {
  const { h, attempt } = await attempted(200);
  const scopes = ['read'] as const;
  const { key } = await h.api.createKey({ body: { name: '', tenant, scopes: [...scopes] } });
  const reader = h.client(key);
  for (const read of [reader.getAttemptCurl, reader.getAttemptHar]) {
    expect(JSON.stringify(await read({ tenant, attempt }))).not.toContain('k3y-of-theirs');
    await expect(read({ tenant, attempt, secrets: 'true' })).rejects.toMatchObject({
      code: 'forbidden',
    });
  }
});

test('an attempt is an HTTP archive with both sides and its timings', async () => {
  const { h, receiver, attempt } = await attempted(503);
  const { log } = await h.api.getAttemptHar({ tenant, attempt });
  expect(log).toMatchObject({ version: '1.2', creator: { name: 'Posthorn' } });
  expect(log.entries).toMatchObject([
    {
      request: {
        method: 'POST',
        url: `${receiver.url}hooks?a=1&a=2`,
        httpVersion: 'HTTP/1.1',
        queryString: [
          { name: 'a', value: '1' },
          { name: 'a', value: '2' },
        ],
        postData: { mimeType: 'application/json' },
      },
      response: { status: 503, statusText: 'Service Unavailable', content: { size: 0 } },
      serverIPAddress: '127.0.0.1',
      timings: { blocked: -1 },
      _attempt: attempt,
    },
  ]);
  const whole = await h.api.getAttempt({ tenant, attempt });
  const [entry] = log.entries as unknown as { request: { postData: { text: string } } }[];
  expect(entry?.request.postData.text).toBe(whole.request.body.text);
});

test('what sent nothing cannot be repeated, and is an archive without a response', async () => {
  const h = await start();
  const closed = await startReceiver(h.clock);
  const { url } = closed;
  await closed.close();
  await h.endpoint({ url, retryPolicy: { attempts: 1 } });
  await h.publish();
  const [attempt] = await eventually(async () => {
    const found = await h.attempts();
    return found.length > 0 && found;
  }, 'it was attempted');
  const address = { tenant, attempt: attempt?.id ?? 'att_' } as const;
  await expect(h.api.getAttemptCurl(address)).rejects.toMatchObject({ code: 'conflict' });
  const { log } = await h.api.getAttemptHar(address);
  expect(log.entries).toMatchObject([{ response: { status: 0 }, _fault: 'connect_refused' }]);
});
