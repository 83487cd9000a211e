import { expect, test } from 'vitest';
import { ApiError, createBlobCall, createTextCall } from './call.ts';
import { contractLines, createClient } from './client.ts';

interface Seen {
  readonly url: string;
  readonly init: RequestInit;
}

/** A server in one function: what was asked goes into the list, the answer is given. */
function answering(response: () => Response): { fetch: typeof fetch; seen: Seen[] } {
  const seen: Seen[] = [];
  return {
    seen,
    fetch: async (url, init) => {
      seen.push({ url: String(url), init: init ?? {} });
      return response();
    },
  };
}

test('parameters go into the path, filters into the query, the key into the header', async () => {
  const { fetch, seen } = answering(() => Response.json({ items: [], next: null }));
  const client = createClient({ baseUrl: 'http://host/prefix/', key: 'k', fetch });
  await client.listEvents({ tenant: 'a/b', limit: 2, type: 'x:y' });
  expect(seen[0]?.url).toBe('http://host/prefix/api/v1/tenants/a%2Fb/events?limit=2&type=x%3Ay');
  expect(seen[0]?.init).toMatchObject({
    method: 'GET',
    redirect: 'error',
    headers: { authorization: 'Bearer k' },
  });
});

test('a body is JSON, and none is sent where none is given', async () => {
  const { fetch, seen } = answering(() => Response.json({}));
  const client = createClient({ baseUrl: 'http://host', fetch });
  await client.publishEvents({ tenant: 'a', body: { type: 'b', data: [1] } });
  await client.rotateEndpointSecret({ tenant: 'a', endpoint: 'ep_1' });
  expect(seen[0]?.init.body).toBe('{"type":"b","data":[1]}');
  expect(seen[1]?.init.body).toBeUndefined();
});

test('an answer can be had as the text it came as, and a body sent as text', async () => {
  const { fetch, seen } = answering(() => new Response('{"data":1.0}'));
  const text = createTextCall(contractLines(), { baseUrl: 'http://host', fetch });
  expect(await text('getEvent', { tenant: 'a', event: 'evt_1' })).toBe('{"data":1.0}');
  await text('publishEvents', { tenant: 'a' }, { body: '{"type":"b","data":1.0}' });
  expect(seen[1]?.init.body).toBe('{"type":"b","data":1.0}');
});

test('an answer can be had as its bytes', async () => {
  const { fetch } = answering(() => new Response(new Uint8Array([0, 255])));
  const blob = createBlobCall(contractLines(), { baseUrl: 'http://host', fetch });
  const got = await blob('getCaptureBody', { tenant: 'a', inbox: 'inb_1', capture: 'cap_1' });
  expect([...new Uint8Array(await got.arrayBuffer())]).toEqual([0, 255]);
});

test('a problem becomes an ApiError that carries it', async () => {
  const problem = {
    type: 'urn:posthorn:problem:overloaded',
    title: 't',
    status: 429,
    detail: 'slow down',
    code: 'overloaded',
    requestId: 'r',
  };
  const headers = { 'retry-after': '7' };
  const { fetch } = answering(() => Response.json(problem, { status: 429, headers }));
  const error = await createClient({ baseUrl: 'http://host', fetch })
    .listTenants()
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({
    code: 'overloaded',
    retryAfterS: 7,
    message: 'slow down',
    problem,
  });
});

test("a proxy's error page is an ApiError without a problem", async () => {
  const { fetch } = answering(() => new Response('<html>', { status: 502 }));
  const call = createClient({ baseUrl: 'http://host', fetch }).getHealth();
  await expect(call).rejects.toMatchObject({ status: 502, problem: undefined, code: undefined });
});

test('an answer without a body is undefined, and text is text', async () => {
  const answers = [new Response(null, { status: 204 }), new Response('up 1\n')];
  const { fetch } = answering(() => answers.shift() ?? Response.error());
  const client = createClient({ baseUrl: 'http://host', fetch });
  expect(await client.deleteKey({ key: 'k' })).toBeUndefined();
  expect(await client.getMetrics()).toBe('up 1\n');
});

test('a documented answer that is not 2xx is an answer', async () => {
  const body = { ok: false, checks: { store: 'down' } };
  const { fetch } = answering(() => Response.json(body, { status: 503 }));
  expect(await createClient({ baseUrl: 'http://host', fetch }).getReadiness()).toEqual(body);
});

test('a problem is thrown even with a status the operation answers with', async () => {
  const headers = { 'content-type': 'application/problem+json' };
  const { fetch } = answering(() => new Response('{}', { status: 503, headers }));
  const call = createClient({ baseUrl: 'http://host', fetch }).getReadiness();
  await expect(call).rejects.toBeInstanceOf(ApiError);
});
