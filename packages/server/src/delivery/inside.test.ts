import { expect, test } from 'vitest';
import { type Harness, start } from './harness.suite.ts';

/** Endpoints whose URL is an inbox of this server: delivered without a socket, captured as others are. */

const tenant = 'default';

async function withInbox(body: Parameters<Harness['api']['createInbox']>[0]['body'] = {}) {
  const harness = await start();
  const inbox = await harness.api.createInbox({ tenant, body: { name: 'shop', ...body } });
  const address = { tenant, inbox: inbox.id };
  const endpoint = await harness.endpoint({ url: `${inbox.url}/hooks?x=1` });
  const signing = { secrets: [endpoint.secret] };
  await harness.api.updateInbox({ ...address, body: { signing } });
  return { ...harness, endpoint, address };
}

test('a delivery is captured with its exact request, and its answer logged like any other', async () => {
  const { api, publish, settled, attempts, address } = await withInbox();
  await publish({ type: 'user.created', data: { n: 1 } });
  await settled();
  const [row] = (await api.listCaptures(address)).items;
  expect(row).toMatchObject({
    method: 'POST',
    path: '/hooks?x=1',
    type: 'user.created',
    sender: 'standard',
    signature: { state: 'valid' },
  });
  const [attempt] = await attempts();
  expect(attempt).toMatchObject({ status: 200, fault: null });
  const whole = await api.getAttempt({ tenant, attempt: attempt?.id ?? 'att_' });
  expect(whole.response?.head).toContain(`X-Posthorn-Capture: ${row?.id}`);
  const capture = await api.getCapture({ ...address, capture: row?.id ?? 'cap_' });
  const sent = whole.request?.head.split('\r\n') ?? [];
  expect(capture.headers.map(({ name }) => name)).toEqual(
    sent.slice(1).flatMap((line) => (line === '' ? [] : [line.slice(0, line.indexOf(':'))])),
  );
  expect(capture.body?.text).toBe(whole.request?.body.text);
});

test.each([
  ['a status', { status: 503 }, { status: 503 }],
  ['a reset', { fault: 'reset' as const }, { status: null, fault: 'reset' }],
])('%s of the inbox is what the delivery gets, and is tried again', async (_, reply, seen) => {
  const { publish, attempted, attempts, delivery } = await withInbox({
    answer: { kind: 'reply', ...reply },
  });
  await publish();
  await attempted(1);
  expect((await attempts())[0]).toMatchObject(seen);
  await delivery('is tried again', ({ state, attempts }) => state === 'pending' && attempts > 0);
});

test('an inbox that is gone refuses, and nothing else of this server may be called', async () => {
  const { api, app, endpoint, publish, attempted, attempts, address } = await withInbox();
  await api.deleteInbox(address);
  await publish();
  await attempted(1);
  expect((await attempts())[0]).toMatchObject({ status: 404 });
  for (const path of ['/api/v1/tenants', '/in', '/in/', '/in/UPPER', '/inbox/shop', '/']) {
    const change = api.updateEndpoint({
      tenant,
      endpoint: endpoint.id,
      body: { url: app.url + path },
    });
    await expect(change, path).rejects.toMatchObject({ code: 'url_refused' });
  }
});

test('whatever name of this machine the URL uses', async () => {
  const { api, app, endpoint, publish, settled, address } = await withInbox();
  const url = `http://localhost:${new URL(app.url).port}/in/shop`;
  await api.updateEndpoint({ tenant, endpoint: endpoint.id, body: { url } });
  await publish();
  await settled();
  expect((await api.listCaptures(address)).items).toHaveLength(1);
});
