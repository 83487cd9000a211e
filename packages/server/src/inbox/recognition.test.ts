import { schemes } from '@posthorn/wire';
import { expect, test } from 'vitest';
import { startServer } from '../http/harness.suite.ts';

/** What the server tells of captures without being told anything but a secret. */

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const tenant = 'default';

async function shop(
  secrets: readonly string[] = [SECRET],
  config: Parameters<typeof startServer>[1] = {},
) {
  const server = await startServer({}, config);
  // Signatures are made at whole seconds.
  server.clock.now -= server.clock.now % 1000;
  const body = { name: 'shop', signing: { secrets: [...secrets] } };
  const { id: inbox } = await server.admin.createInbox({ tenant, body });
  const send = async (text: string, headers: Record<string, string> = {}) => {
    await fetch(`${server.url}/in/shop`, { method: 'POST', headers, body: text });
    const { items } = await server.admin.listCaptures({ tenant, inbox, limit: 1 });
    const [row] = items;
    if (!row) throw new Error('nothing was captured');
    return { row, whole: await server.admin.getCapture({ tenant, inbox, capture: row.id }) };
  };
  const signed = (text: string, id = 'msg_1', ago = 0) =>
    schemes.standard().sign({
      raw: Buffer.from(text),
      id,
      at: new Date(server.clock.now - ago * 1000),
      secret: SECRET,
    });
  return { server, inbox, send, signed };
}

const EVENT = '{"type":"user.created","timestamp":"2030-01-01T00:00:00Z","data":{"id":"u_1"}}';

test('a signed message shows its event, its id, and that its signature holds', async () => {
  const { send, signed } = await shop();
  const { row, whole } = await send(EVENT, await signed(EVENT));
  expect(row).toMatchObject({
    sender: 'standard',
    type: 'user.created',
    messageId: 'msg_1',
    signature: { state: 'valid', scheme: 'standard' },
  });
  expect(whole).toMatchObject({ ...row, verdict: { secret: 0, code: null, hint: null } });
});

test('it is judged by when it came in: it holds tomorrow, and a late one never does', async () => {
  const { server, inbox, send, signed } = await shop();
  const { row } = await send(EVENT, await signed(EVENT));
  server.clock.now += 86_400_000;
  const later = await server.admin.getCapture({ tenant, inbox, capture: row.id });
  expect(later.signature.state).toBe('valid');
  const { whole } = await send(EVENT, await signed(EVENT, 'msg_1', 412));
  expect(whole).toMatchObject({
    signature: { state: 'invalid' },
    verdict: { code: 'timestamp_too_old', reason: expect.stringContaining('412 s') },
  });
});

test('a secret given later judges what is there already', async () => {
  const { server, inbox, send, signed } = await shop([]);
  const { row } = await send(EVENT, await signed(EVENT));
  expect(row.signature).toEqual({ state: 'unchecked', scheme: 'standard' });
  const body = { signing: { secrets: [SECRET] } };
  await server.admin.updateInbox({ tenant, inbox, body });
  const [now] = (await server.admin.listCaptures({ tenant, inbox })).items;
  expect(now?.signature.state).toBe('valid');
});

test('captures are found by signature and sender', async () => {
  const { server, inbox, send, signed } = await shop();
  await send(EVENT, await signed(EVENT));
  await send(`${EVENT} `, await signed(EVENT));
  await send('{}');
  await send('{"hookId":"h","event":"User.Created"}');
  const find = async (q: string) =>
    (await server.admin.listCaptures({ tenant, inbox, q })).items.map(({ seq }) => seq);
  expect(await find('signed:valid')).toEqual([1]);
  expect(await find('signed:invalid')).toEqual([2]);
  expect(await find('signed:unsigned')).toEqual([4, 3]);
  expect(await find('sender:logto type:User.*')).toEqual([4]);
});

test('a message that came before names its twins', async () => {
  const { send, signed } = await shop();
  const first = await send(EVENT, await signed(EVENT));
  const other = await send(EVENT, await signed(EVENT, 'msg_2'));
  const again = await send(EVENT, await signed(EVENT));
  expect(other.whole.same).toEqual([]);
  expect(again.whole.same).toEqual([first.row.id]);
});

test('data that drifted from the catalogue says where', async () => {
  const { server, send } = await shop();
  const schema = { type: 'object', properties: { id: { type: 'integer' } } };
  await server.admin.putEventType({ tenant, type: 'user.created', body: { schema } });
  expect((await send(EVENT)).whole.schema).toMatchObject({
    type: 'user.created',
    fits: false,
    errors: [{ path: 'data.id' }],
  });
  const fits = EVENT.replace('"u_1"', '1');
  expect((await send(fits)).whole.schema).toMatchObject({ fits: true, errors: [] });
  expect((await send('{"type":"other"}')).whole.schema).toBeNull();
});

test('a body that is too long to be checked says so', async () => {
  const { send, signed } = await shop([SECRET], { inboxBodyBytes: 2_000_000 });
  const long = JSON.stringify({ text: 'x'.repeat(1_100_000) });
  const { row, whole } = await send(long, await signed(long));
  expect(row.signature).toEqual({ state: 'unchecked', scheme: 'standard' });
  expect(whole.verdict.reason).toContain('posthorn verify');
});
