import { expect, test } from 'vitest';
import { type Harness, startServer } from './harness.suite.ts';

/** The catalogue over HTTP: its verbs, its documents, and what it does to events that are posted. */

const tenant = 'default';
const SCHEMA = {
  type: 'object',
  required: ['id'],
  properties: { id: { type: 'string' }, age: { type: 'integer' } },
};
const USER = {
  group: 'Users',
  label: 'User created',
  description: 'Somebody signed up.',
  schema: SCHEMA,
  example: { data: { id: 'u_1' }, subject: 'u_1' },
};

async function validating(mode: 'warn' | 'refuse'): Promise<Harness> {
  const server = await startServer();
  await server.admin.putTenant({ tenant, body: { defaults: { validation: mode } } });
  await server.admin.putEventType({ tenant, type: 'user.created', body: USER });
  await server.admin.putEventType({ tenant, type: 'user.old', body: { archived: true } });
  return server;
}

// ---- types -----------------------------------------------------------------------------------------

test('a type is put, read, changed and deleted', async () => {
  const { admin } = await startServer();
  const type = 'mfa/setup/verify';
  const put = await admin.putEventType({ tenant, type, body: USER });
  expect(put).toMatchObject({ name: type, tenant, inherited: false, ...USER, archived: false });
  expect(await admin.getEventType({ tenant, type })).toEqual(put);
  const patched = await admin.updateEventType({ tenant, type, body: { archived: true } });
  expect(patched).toMatchObject({ ...USER, archived: true, createdAt: put.createdAt });
  await admin.deleteEventType({ tenant, type });
  await expect(admin.getEventType({ tenant, type })).rejects.toMatchObject({ code: 'not_found' });
  await expect(admin.deleteEventType({ tenant, type })).rejects.toMatchObject({ status: 404 });
});

test('a type of 128 characters, all of them escaped, can be addressed', async () => {
  const { admin } = await startServer();
  const type = `a${'/'.repeat(127)}`;
  await admin.putEventType({ tenant, type, body: {} });
  expect((await admin.getEventType({ tenant, type })).name).toBe(type);
});

test('the same put again changes nothing; a version that is not the current one is refused', async () => {
  const { admin } = await startServer();
  const put = (version?: number) =>
    admin.putEventType({
      tenant,
      type: 'a.b',
      body: { ...USER, ...(version === undefined ? {} : { version }) },
    });
  const { version } = await put(0);
  expect((await put()).version).toBe(version);
  expect((await put(version)).version).toBe(version);
  await expect(put(version + 1)).rejects.toMatchObject({ code: 'conflict' });
});

test('lists go by name, page, and filter', async () => {
  const { admin } = await startServer();
  for (const type of ['c', 'a', 'b', 'd']) {
    const group = type === 'c' ? 'C' : '';
    await admin.putEventType({ tenant, type, body: { group, archived: type === 'd' } });
  }
  const first = await admin.listEventTypes({ tenant, limit: 2 });
  expect(first.items.map(({ name }) => name)).toEqual(['a', 'b']);
  const second = await admin.listEventTypes({ tenant, limit: 2, cursor: first.next ?? '' });
  expect(second).toMatchObject({ items: [{ name: 'c' }, { name: 'd' }], next: null });
  const names = async (query: Partial<Parameters<typeof admin.listEventTypes>[0]>) =>
    (await admin.listEventTypes({ tenant, ...query })).items.map(({ name }) => name);
  expect(await names({ group: 'C' })).toEqual(['c']);
  expect(await names({ archived: 'true' })).toEqual(['d']);
  expect(await names({ inherited: 'true' })).toEqual([]);
});

test('a page ends early rather than growing without bound', async () => {
  const { admin } = await startServer();
  const example = { data: 'x'.repeat(60_000) };
  const eventTypes = Array.from({ length: 60 }, (_, i) => ({ name: `t${i + 100}`, example }));
  await admin.putEventTypes({ tenant, body: { eventTypes } });
  const page = await admin.listEventTypes({ tenant, limit: 200 });
  expect(page.items.length).toBeLessThan(60);
  const rest = await admin.listEventTypes({ tenant, limit: 200, cursor: page.next ?? '' });
  expect(page.items.length + rest.items.length).toBe(60);
});

test("children see their parents' types; their own stand before them", async () => {
  const { admin, key, client } = await startServer();
  await admin.putTenant({ tenant: 'child', body: { parent: tenant } });
  await admin.putEventType({ tenant, type: 'a', body: { label: 'parent' } });
  await admin.putEventType({ tenant, type: 'b', body: { label: 'parent' } });
  await admin.putEventType({ tenant: 'child', type: 'b', body: { label: 'child' } });
  const child = client(await key('child', ['read', 'write']));
  expect((await child.listEventTypes({ tenant: 'child' })).items).toMatchObject([
    { name: 'a', tenant, inherited: true, label: 'parent' },
    { name: 'b', tenant: 'child', inherited: false, label: 'child' },
  ]);
  const patch = child.updateEventType({ tenant: 'child', type: 'a', body: { label: 'x' } });
  await expect(patch).rejects.toMatchObject({ code: 'not_found' });
  await child.deleteEventType({ tenant: 'child', type: 'b' });
  expect(await child.getEventType({ tenant: 'child', type: 'b' })).toMatchObject({ tenant });
});

test("a deleted tenant's types go with it", async () => {
  const { admin, store } = await startServer();
  await admin.putTenant({ tenant: 'gone', body: {} });
  await admin.putEventType({ tenant: 'gone', type: 'a', body: {} });
  await admin.deleteTenant({ tenant: 'gone' });
  expect(await store.config.read('event-type', 'gone/a')).toBeUndefined();
});

test.each([
  ['a schema that is none', { schema: { type: 'strin' } }, 'schema: /type must be equal'],
  ['a remote reference', { schema: { $ref: 'http://x.example/' } }, 'nothing is fetched'],
  ['a schema that is too large', { schema: { title: 'x'.repeat(70_000) } }, '65536 bytes'],
  ['an example that is too large', { example: { data: 'x'.repeat(70_000) } }, 'example: has more'],
])('refuses %s', async (_, body, detail) => {
  const { admin } = await startServer();
  const put = admin.putEventType({ tenant, type: 'a', body });
  await expect(put).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining(detail),
  });
});

test('more types than a tenant may have are refused', async () => {
  const { admin } = await startServer();
  for (let hundreds = 0; hundreds < 20; hundreds += 5) {
    const eventTypes = Array.from({ length: 500 }, (_, i) => ({ name: `t${hundreds}.${i}` }));
    await admin.putEventTypes({ tenant, body: { eventTypes } });
  }
  const more = { message: expect.stringContaining('at most 2000') };
  await expect(admin.putEventType({ tenant, type: 'one', body: {} })).rejects.toMatchObject(more);
  const again = { eventTypes: [{ name: 't0.0', label: 'changed' }] };
  expect(await admin.putEventTypes({ tenant, body: again })).toMatchObject({ changed: 1 });
  const one = { eventTypes: [{ name: 'one' }] };
  await expect(admin.putEventTypes({ tenant, body: one })).rejects.toMatchObject(more);
});

// ---- many at once ----------------------------------------------------------------------------------

test('many at once: what would change is told, then done, and done again changes nothing', async () => {
  const { admin } = await startServer();
  await admin.putEventType({ tenant, type: 'a', body: { label: 'mine' } });
  const eventTypes = [{ name: 'a', label: 'theirs' }, { name: 'b' }];
  const put = (options: { existing?: 'keep' | 'replace'; dryRun?: boolean }) =>
    admin.putEventTypes({ tenant, body: { eventTypes, ...options } });
  expect(await put({ dryRun: true })).toEqual({
    dryRun: true,
    added: 1,
    changed: 1,
    kept: 0,
    unchanged: 0,
    items: [
      { name: 'a', change: 'changed', fields: ['label'] },
      { name: 'b', change: 'added', fields: expect.arrayContaining(['label', 'schema']) },
    ],
  });
  expect((await admin.listEventTypes({ tenant })).items).toHaveLength(1);
  expect(await put({ existing: 'keep' })).toMatchObject({ added: 1, kept: 1 });
  expect(await admin.getEventType({ tenant, type: 'a' })).toMatchObject({ label: 'mine' });
  expect(await put({})).toMatchObject({ changed: 1, unchanged: 1 });
  expect(await put({})).toMatchObject({ unchanged: 2 });
});

test('one wrong type refuses them all, and all wrong ones are named', async () => {
  const { admin } = await startServer();
  const schema = { type: 'strin' };
  const eventTypes = [{ name: 'a' }, { name: 'b', schema }, { name: 'c', schema }];
  const put = admin.putEventTypes({ tenant, body: { eventTypes } });
  await expect(put).rejects.toMatchObject({
    code: 'invalid_request',
    problem: { errors: [{ path: 'b.schema' }, { path: 'c.schema' }] },
  });
  expect((await admin.listEventTypes({ tenant })).items).toEqual([]);
  const twice = { eventTypes: [{ name: 'a' }, { name: 'a' }] };
  await expect(admin.putEventTypes({ tenant, body: twice })).rejects.toMatchObject({ status: 400 });
});

test('a preset is loaded once, and keeps what was changed since', async () => {
  const { admin } = await startServer();
  const { items } = await admin.listPresets();
  const own = items.find(({ name }) => name === 'posthorn');
  expect(own?.eventTypes).toBe(7);
  const load = (existing?: 'replace') =>
    admin.loadPreset({ tenant, preset: 'posthorn', body: existing ? { existing } : {} });
  expect(await load()).toMatchObject({ added: 7, kept: 0, changed: 0 });
  expect(await load()).toMatchObject({ added: 0, unchanged: 7 });
  const type = 'endpoint.disabled';
  await admin.updateEventType({ tenant, type, body: { label: 'Mine' } });
  expect(await load()).toMatchObject({ kept: 1, unchanged: 6 });
  expect(await load('replace')).toMatchObject({ changed: 1, unchanged: 6 });
  const unknown = admin.loadPreset({ tenant, preset: 'nobodys', body: {} });
  await expect(unknown).rejects.toMatchObject({ code: 'not_found' });
});

test('the presets are whole, and load beside each other', async () => {
  const { admin } = await startServer();
  const { items } = await admin.listPresets();
  expect(items.map(({ name, eventTypes }) => [name, eventTypes])).toEqual([
    ['casdoor', 146],
    ['ferriskey', 35],
    ['cand', 13],
    ['logto', 31],
    ['caisy', 9],
    ['posthorn', 7],
  ]);
  for (const { name: preset, eventTypes } of items) {
    expect(await admin.loadPreset({ tenant, preset, body: {} })).toMatchObject({
      added: eventTypes,
      kept: 0,
    });
  }
});

test('the examples of every preset fit their schemas', async () => {
  const { admin } = await startServer();
  for (const { name: preset } of (await admin.listPresets()).items) {
    const tenant = `of-${preset}`;
    await admin.putTenant({ tenant, body: { defaults: { validation: 'refuse' } } });
    await admin.loadPreset({ tenant, preset, body: {} });
    const { items, next } = await admin.listEventTypes({ tenant, limit: 200 });
    expect(next).toBeNull();
    const examples = items.flatMap(({ name: type, example }) =>
      example ? [{ type, ...example }] : [],
    );
    const accepted = await admin.publishEvents({ tenant, body: examples });
    expect(accepted).toHaveLength(examples.length);
  }
});

// ---- documents -------------------------------------------------------------------------------------

test.each(['openapi', 'json-schema'] as const)(
  '%s: what one tenant exports another imports as the same catalogue',
  async (format) => {
    const { admin } = await startServer();
    await admin.putTenant({ tenant: 'other', body: {} });
    await admin.loadPreset({ tenant, preset: 'posthorn', body: {} });
    await admin.putEventType({ tenant, type: 'user.created', body: USER });
    const document = await admin.exportCatalogue({ tenant, format });
    const take = (dryRun: boolean) =>
      admin.importCatalogue({ tenant: 'other', body: { document, dryRun } });
    expect(await take(true)).toMatchObject({ dryRun: true, added: 8 });
    expect(await take(false)).toMatchObject({ added: 8 });
    expect(await take(false)).toMatchObject({ unchanged: 8 });
    const plain = async (of: string) =>
      (await admin.listEventTypes({ tenant: of })).items.map(
        ({ tenant: _t, version: _v, createdAt: _c, updatedAt: _u, ...rest }) => rest,
      );
    expect(await plain('other')).toEqual(await plain(tenant));
  },
);

test('a document with problems names them and is not taken', async () => {
  const { admin } = await startServer();
  const document = { webhooks: { 'a b': {}, 'a.b': {}, c: { post: {} } } };
  const taken = admin.importCatalogue({ tenant, body: { document } });
  await expect(taken).rejects.toMatchObject({
    code: 'invalid_request',
    problem: {
      errors: [{ path: 'document/webhooks/a b' }, { path: 'document/webhooks/a.b' }],
    },
  });
});

test('a large document is taken where others are not', async () => {
  const { admin } = await startServer();
  const schema = { enum: Array.from({ length: 200 }, (_, i) => i) };
  const content = { 'application/json': { schema } };
  const webhooks = Object.fromEntries(
    Array.from({ length: 100 }, (_, i) => [`t${i}`, { post: { requestBody: { content } } }]),
  );
  expect(await admin.importCatalogue({ tenant, body: { document: { webhooks } } })).toMatchObject({
    added: 100,
  });
  const flood = { metadata: Object.fromEntries(Array.from({ length: 6000 }, (_, i) => [i, ''])) };
  await expect(admin.putTenant({ tenant, body: flood })).rejects.toMatchObject({
    message: expect.stringContaining('more than 5000 values'),
  });
});

test('an export is told as what it is', async () => {
  const { url, adminKey } = await startServer();
  const answer = await fetch(`${url}/api/v1/tenants/default/catalogue/export`, {
    headers: { authorization: `Bearer ${adminKey}` },
  });
  expect(answer.headers.get('content-type')).toBe('application/json');
  expect(await answer.json()).toMatchObject({ openapi: '3.1.0', info: { title: 'Default' } });
});

// ---- validation ------------------------------------------------------------------------------------

test('nothing is looked at unless the tenant asks for it', async () => {
  const { admin } = await startServer();
  await admin.putEventType({ tenant, type: 'user.created', body: USER });
  const body = { type: 'user.created', data: 1 };
  expect(await admin.publishEvents({ tenant, body })).not.toHaveProperty('warnings');
});

test.each([
  ['what fits', { type: 'user.created', data: { id: 'u_1' } }, undefined],
  [
    'data that does not',
    { type: 'user.created', data: { age: 1.5 } },
    {
      code: 'schema',
      message: "data must have required property 'id', and 1 more (schema of user.created).",
      errors: [
        { path: 'data', message: "must have required property 'id'" },
        { path: 'data.age', message: 'must be integer' },
      ],
    },
  ],
  [
    'an archived type',
    { type: 'user.old', data: 1 },
    { code: 'archived_type', message: expect.stringContaining('archived'), errors: [] },
  ],
  [
    'an unknown type',
    { type: 'user.new', data: 1 },
    {
      code: 'unknown_type',
      message: expect.stringContaining('no event type user.new'),
      errors: [],
    },
  ],
])('warn: %s is taken, and says so', async (_, body, warning) => {
  const { admin } = await validating('warn');
  const accepted = await admin.publishEvents({ tenant, body });
  expect(accepted).toEqual({
    id: expect.stringMatching(/^evt_/),
    deliveries: 0,
    duplicate: false,
    ...(warning ? { warnings: [warning] } : {}),
  });
  expect((await admin.listEvents({ tenant })).items).toHaveLength(1);
});

test('refuse: nothing of a request is stored, and it says which event and what of it', async () => {
  const { admin } = await validating('refuse');
  const good = { type: 'user.created', data: { id: 'u_1' } };
  const bad = { type: 'user.created', data: { id: 'ü', age: 'x' } };
  await expect(admin.publishEvents({ tenant, body: [good, bad] })).rejects.toMatchObject({
    status: 422,
    code: 'event_invalid',
    message: 'event 1: data.age must be integer (schema of user.created).',
    problem: {
      index: 1,
      field: 'data',
      reason: 'schema',
      errors: [{ path: 'data.age', message: 'must be integer' }],
    },
  });
  for (const type of ['user.old', 'user.new']) {
    await expect(admin.publishEvents({ tenant, body: { type, data: 1 } })).rejects.toMatchObject({
      code: 'event_invalid',
      problem: { field: 'type' },
    });
  }
  expect((await admin.listEvents({ tenant })).items).toEqual([]);
  expect(await admin.publishEvents({ tenant, body: good })).toMatchObject({ duplicate: false });
});

test('refuse: what was accepted once is never refused, however the schema has changed', async () => {
  const { admin } = await validating('refuse');
  const body = { type: 'user.created', data: { id: 'u_1' }, id: 'signup-1' };
  const first = await admin.publishEvents({ tenant, body });
  const schema = { type: 'string' };
  await admin.updateEventType({ tenant, type: 'user.created', body: { schema } });
  expect(await admin.publishEvents({ tenant, body })).toEqual({ ...first, duplicate: true });
  const other = { ...body, data: { id: 'u_2' } };
  await expect(admin.publishEvents({ tenant, body: other })).rejects.toMatchObject({
    code: 'idempotency_conflict',
  });
  const fresh = { ...body, id: 'signup-2' };
  await expect(admin.publishEvents({ tenant, body: fresh })).rejects.toMatchObject({
    code: 'event_invalid',
  });
});

test('a changed schema counts from the next event on', async () => {
  const { admin } = await validating('refuse');
  const body = { type: 'user.created', data: 'text' };
  await expect(admin.publishEvents({ tenant, body })).rejects.toMatchObject({ status: 422 });
  const type = 'user.created';
  await admin.updateEventType({ tenant, type, body: { schema: { type: 'string' } } });
  await admin.publishEvents({ tenant, body });
  await admin.updateEventType({ tenant, type, body: { schema: null } });
  await admin.publishEvents({ tenant, body: { ...body, data: 1 } });
});

test('children inherit validation and types, and may say otherwise', async () => {
  const { admin } = await validating('refuse');
  await admin.putTenant({ tenant: 'child', body: { parent: tenant } });
  const body = { type: 'user.created', data: 1 };
  const publish = () => admin.publishEvents({ tenant: 'child', body });
  await expect(publish()).rejects.toMatchObject({ code: 'event_invalid' });
  const defaults = { validation: 'off' } as const;
  await admin.putTenant({ tenant: 'child', body: { parent: tenant, defaults } });
  expect(await publish()).not.toHaveProperty('warnings');
});

test('values that printing would change are judged as they were posted', async () => {
  const { admin, url, adminKey } = await validating('refuse');
  const schema = { type: 'number', multipleOf: 1 };
  await admin.updateEventType({ tenant, type: 'user.created', body: { schema } });
  const answer = await fetch(`${url}/api/v1/tenants/default/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
    body: '{"type":"user.created","data": 12345678901234567890.0 }',
  });
  expect(answer.status).toBe(202);
  const { id } = (await answer.json()) as { id: `evt_${string}` };
  const stored = await fetch(`${url}/api/v1/tenants/default/events/${id}`, {
    headers: { authorization: `Bearer ${adminKey}` },
  });
  expect(await stored.text()).toContain('"data":12345678901234567890.0}');
});
