import { EVENT_STREAM, type Operation, type OperationId, operations } from '@posthorn/api';
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { App } from './app.ts';
import type { KeyId } from './core/model.ts';
import type { Grant } from './core/oauth.ts';
import { ADMIN_KEY, type Harness, start, startReceiver } from './delivery/harness.suite.ts';
import type { SessionGrant } from './delivery/registry/sessions.ts';

/**
 * A37: every operation of the contract by everybody who may not, and by who may. Generated from its
 * table: an operation that needs a body, a name in a path, or an id in a body or query that is not
 * known here fails.
 */

const ALL = Object.entries<Operation>(operations) as [OperationId, Operation][];
const GUARDED = ALL.filter(([, { scope }]) => scope !== 'public');
const OF_TENANTS = GUARDED.filter(([, { path }]) => path.includes('{tenant}'));

/** What a tenant has, by the name it has in paths. */
interface Things {
  readonly tenant: string;
  readonly endpoint: string;
  readonly event: string;
  readonly attempt: string;
  readonly delivery: string;
  readonly job: string;
  readonly inbox: string;
  readonly capture: string;
  readonly session: string;
  readonly type: string;
  readonly key: string;
  readonly share: string;
  readonly app: string;
  readonly grant: string;
  /** Where its endpoint is. */
  readonly url: string;
}

const EP = 'ep_00000000000000000000000000';
const EVT = 'evt_00000000000000000000000000';
/** Everybody's: there is nobody to take it from. */
const PUBLIC = { preset: 'casdoor' };
const NOTHING: Things = {
  tenant: 'nobodys',
  endpoint: EP,
  event: EVT,
  attempt: 'att_00000000000000000000000000',
  delivery: `${EVT}.${EP}.0`,
  job: 'job_00000000000000000000000000',
  inbox: 'inb_00000000000000000000000000',
  capture: 'cap_00000000000000000000000000',
  session: 'ses_00000000000000000000000000',
  type: 'nobodys.type',
  key: 'key_00000000000000000000000000',
  share: 'key_00000000000000000000000000',
  app: 'app_00000000000000000000000000',
  grant: 'grt_00000000000000000000000000',
  url: 'https://a.example',
};

/** Of operations for which `{}` is no body. */
const BODIES: Partial<Record<OperationId, (of: Things) => unknown>> = {
  createEndpoint: () => ({ url: 'https://a.example' }),
  putEndpoints: ({ endpoint }) => ({ endpoints: [{ id: endpoint, url: 'https://a.example' }] }),
  testUnsavedEndpoint: ({ url }) => ({ endpoint: { url }, types: ['a.b'] }),
  previewEndpoint: ({ event }) => ({ event }),
  previewUnsavedEndpoint: ({ event }) => ({ event, endpoint: { url: 'https://a.example' } }),
  putEventTypes: () => ({ eventTypes: [{ name: 'a.b' }] }),
  importCatalogue: () => ({ document: { $defs: {} } }),
  publishEvents: () => ({ type: 'a.b', data: {} }),
  startReplay: ({ endpoint }) => ({ endpoints: [endpoint], only: 'all', dryRun: true }),
  recoverEndpoint: () => ({ since: '2026-01-01T00:00:00Z', dryRun: true }),
  purgeTenant: () => ({ dryRun: true }),
  putInboxRules: () => ({ rules: [] }),
  createShare: ({ capture }) => ({ capture }),
  createApp: () => ({ name: 'an app' }),
  createSignIn: () => ({ user: { id: 'u' }, role: 'admin', returnTo: '/' }),
  introspectToken: () => ({ token: 'none' }),
  copyForDevelopment: ({ inbox }) => ({ inbox }),
  replayCapture: ({ url }) => ({ to: { url } }),
  createKey: ({ tenant }) => ({ tenant, scopes: ['read'] }),
};

/** Ids that stand elsewhere than in paths, as `operation place`; a test holds it against the contract. */
const NAMED = [
  'copyForDevelopment body',
  'createShare body',
  'followLive query',
  'listAttempts query',
  'listDeliveries query',
  'previewEndpoint body',
  'previewUnsavedEndpoint body',
  'putEndpoints body',
  'startReplay body',
];

interface Answer {
  readonly status: number;
  readonly body: string;
}

interface World {
  readonly app: Harness;
  readonly mine: Things;
  readonly theirs: Things;
  key(scopes: readonly string[], more?: object): Promise<string>;
}

async function openWorld(): Promise<World> {
  const app = await start();
  const { url } = await startReceiver(app.clock);
  const [mine, theirs] = [await populate(app, 'mine', url), await populate(app, 'theirs', url)];
  return {
    app,
    mine,
    theirs,
    async key(scopes, more = {}) {
      const body = { tenant: 'mine', scopes: scopes as ['read'], ...more };
      return (await app.api.createKey({ body })).key;
    },
  };
}

/** A tenant that has one of everything. */
async function populate(
  { api, app, clock }: Harness,
  tenant: string,
  url: string,
): Promise<Things> {
  await api.putTenant({ tenant, body: {} });
  const { id: endpoint } = await api.createEndpoint({ tenant, body: { url } });
  const type = `${tenant}.type`;
  await api.putEventType({ tenant, type, body: {} });
  const [published] = [
    await api.publishEvents({ tenant, body: { type, data: { tenant } } }),
  ].flat();
  const event = published?.id ?? EVT;
  const attempts = async () => (await api.listAttempts({ tenant })).items;
  while ((await attempts()).length === 0) clock.advance(10);
  const replay = await api.startReplay({ tenant, body: { endpoints: [endpoint], only: 'failed' } });
  const { id: inbox, name } = await api.createInbox({ tenant, body: {} });
  await fetch(new URL(`/in/${name}`, app.url), { method: 'POST', body: tenant });
  const rights = { tenant, scopes: ['read'], madeBy: null, theme: null } as const;
  const { session } = await app.registry.sessions.createLink(rights);
  const granted = await api.createApp({ tenant, body: { name: tenant } });
  const [capture] = (await api.listCaptures({ tenant, inbox })).items;
  return {
    tenant,
    endpoint,
    event,
    attempt: (await attempts())[0]?.id ?? '',
    delivery: `${event}.${endpoint}.0`,
    job: 'id' in replay ? replay.id : '',
    inbox,
    capture: capture?.id ?? '',
    session: session.id,
    type,
    key: (await api.createInboxKey({ tenant, inbox, body: {} })).id,
    share: (await api.createShare({ tenant, inbox, body: {} })).id,
    app: granted.id,
    grant: await grantOf(app, tenant, granted.id),
    url,
  };
}

/** What a person's consent would make. */
async function grantOf({ store }: App, tenant: string, app: `app_${string}`): Promise<string> {
  const id: Grant['id'] = `grt_${app.slice(4)}`;
  const value: Grant = {
    id,
    app,
    tenant,
    role: 'admin',
    person: { id: tenant, name: tenant },
    scopes: [],
    endpoint: null,
    lines: [],
    createdAt: 0,
    updatedAt: 0,
  };
  await store.config.put([{ kind: 'grant', id, tenant, value, expected: 0 }], 0);
  return id;
}

/** `named`: whose things the path, the query and the body name. */
async function call(
  { app }: World,
  [id, operation]: [OperationId, Operation],
  who: { readonly bearer?: string; readonly tenant: string; readonly named: Things },
): Promise<Answer> {
  const things: Record<string, string> = { ...who.named, ...PUBLIC, tenant: who.tenant };
  if (operation.path.includes('/shares/')) things['key'] = who.named.share;
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = things[name];
    if (value === undefined) throw new Error(`nothing is known that {${name}} could be`);
    return value;
  });
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(things)) {
    if (idsIn(operation.query).includes(name)) query.set(name, value);
  }
  const headers: Record<string, string> = {};
  if (who.bearer !== undefined) headers['authorization'] = `Bearer ${who.bearer}`;
  const init: RequestInit = { method: operation.method, headers };
  if (operation.body) {
    headers['content-type'] = 'application/json';
    init.body = JSON.stringify(BODIES[id]?.({ ...who.named, tenant: who.tenant }) ?? {});
  }
  const response = await fetch(`${app.app.url}${path}?${query}`, init);
  const stream = response.headers.get('content-type')?.startsWith(EVENT_STREAM);
  const text = stream ? await response.body?.cancel().then(() => '') : await response.text();
  // What differs from request to request by design.
  return { status: response.status, body: (text ?? '').replace(/"requestId":"[^"]*"/, '') };
}

/** Names of the members of a query or body that are ids. */
function idsIn(schema: z.ZodType | undefined): string[] {
  if (!schema) return [];
  const found: string[] = [];
  const walk = (value: unknown, names: readonly string[]): void => {
    if (typeof value !== 'object' || value === null) return;
    const { pattern } = value as { pattern?: unknown };
    if (typeof pattern === 'string' && /(evt|ep|att|inb|cap|key|ses|job|app|grt)_/.test(pattern)) {
      found.push(names.at(-1) ?? '');
    }
    for (const [name, inner] of Object.entries(value)) walk(inner, [...names, name]);
  };
  walk(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }), []);
  return found;
}

/** The cells that are not as they must be; some at a time. */
async function wrong(
  rows: readonly [OperationId, Operation][],
  cell: (row: [OperationId, Operation]) => Promise<string | undefined>,
  width = 16,
): Promise<string[]> {
  const found: string[] = [];
  for (let i = 0; i < rows.length; i += width) {
    const problems = await Promise.all(
      rows.slice(i, i + width).map(async (row) => {
        const problem = await cell(row);
        return problem === undefined ? [] : [`${row[0]}: ${problem}`];
      }),
    );
    found.push(...problems.flat());
  }
  return found;
}

test('whatever names a thing outside of paths is known here', () => {
  const found = ALL.flatMap(([id, { query, body }]) => [
    ...(idsIn(query).length > 0 ? [`${id} query`] : []),
    ...(idsIn(body).length > 0 ? [`${id} body`] : []),
  ]);
  expect(found.sort()).toEqual(NAMED);
});

test('without a key, with a revoked and with an expired one, it is the same 401', async () => {
  const world = await openWorld();
  const { app, mine } = world;
  const scopes = ['publish', 'read', 'write'] as const;
  const body = { tenant: 'mine', scopes: [...scopes] };
  const { id, key: revoked } = await app.api.createKey({ body });
  const session = await sessionOf(app, { madeBy: id as KeyId });
  await app.api.deleteKey({ key: id });
  const expiresAt = new Date(app.clock.now() + 1000).toISOString();
  const expired = await world.key(scopes, { expiresAt });
  app.clock.advance(2000);
  const one = async (row: [OperationId, Operation]) => {
    const none = await call(world, row, { tenant: 'mine', named: mine });
    if (none.status !== 401) return `without a key ${none.status}`;
    for (const [what, bearer] of Object.entries({ revoked, expired, session })) {
      const answer = await call(world, row, { bearer, tenant: 'mine', named: mine });
      if (answer.status === 429) throw new Error('too many wrong keys: this would prove nothing');
      if (answer.body !== none.body) return `${what} ${answer.status} ${answer.body}`;
    }
    // The address tried twenty wrong keys a minute at most.
    app.clock.advance(60_001);
    return undefined;
  };
  expect(await wrong(GUARDED, one, 1)).toEqual([]);
});

/** Of a session, of a tenant or an operator. */
async function sessionOf({ app }: Harness, grant: Partial<SessionGrant>): Promise<string> {
  const scopes = ['publish', 'read', 'write'] as const;
  const whole = { tenant: 'mine', scopes, madeBy: null, theme: null, ...grant };
  return (await app.registry.sessions.create(whole)).bearer;
}

test('with every scope but the one that is needed it is 403', async () => {
  const world = await openWorld();
  const without: Record<string, string> = {};
  for (const scope of ['publish', 'read', 'write']) {
    without[scope] = await world.key(['publish', 'read', 'write'].filter((one) => one !== scope));
  }
  without['admin'] = await world.key(['publish', 'read', 'write']);
  const cells = await wrong(GUARDED, async (row) => {
    const bearer = without[row[1].scope] ?? '';
    const { status } = await call(world, row, { bearer, tenant: 'mine', named: world.mine });
    return status === 403 ? undefined : String(status);
  });
  expect(cells).toEqual([]);
});

test('another tenant, with a key or a session, looks like one that there is not', async () => {
  const world = await openWorld();
  const key = await world.key(['publish', 'read', 'write']);
  // What is missing besides is not said before.
  const reader = await world.key(['read']);
  const session = await sessionOf(world.app, {});
  const cells = await wrong(OF_TENANTS, async (row) => {
    for (const bearer of [key, reader, session]) {
      const theirs = await call(world, row, { bearer, tenant: 'theirs', named: world.theirs });
      if (theirs.status !== 404) return `${theirs.status} ${theirs.body}`;
      const none = await call(world, row, { bearer, tenant: 'nobodys', named: NOTHING });
      if (none.body !== theirs.body) return `${theirs.body} instead of ${none.body}`;
    }
    return undefined;
  });
  expect(cells).toEqual([]);
});

test("another tenant's things, named in one's own, look like ones that there are not", async () => {
  const world = await openWorld();
  const { app, theirs } = world;
  const bearer = await world.key(['publish', 'read', 'write']);
  const before = await everythingOf(app, 'theirs');
  const rows = OF_TENANTS.filter(
    ([id, { path, scope }]) =>
      scope !== 'admin' &&
      (/\{(?!tenant|preset)\w+\}/.test(path) || NAMED.some((n) => n.startsWith(`${id} `))),
  );
  expect(rows.length).toBeGreaterThan(40);
  const one = async (row: [OperationId, Operation]) => {
    const named = { ...theirs, tenant: 'mine' };
    const foreign = await call(world, row, { bearer, tenant: 'mine', named });
    const none = await call(world, row, { bearer, tenant: 'mine', named: NOTHING });
    if (foreign.status !== none.status) return `${foreign.status} instead of ${none.status}`;
    if (foreign.status < 300) {
      // A list that is empty, or a new thing of one's own under that name.
      return /theirs/.test(foreign.body.replaceAll(theirs.type, '')) ? foreign.body : undefined;
    }
    return foreign.body === none.body ? undefined : `${foreign.body} instead of ${none.body}`;
  };
  expect(await wrong(rows, one, 1)).toEqual([]);
  expect(await everythingOf(app, 'theirs')).toEqual(before);
});

async function everythingOf({ api }: Harness, tenant: string) {
  return Promise.all([
    api.listEndpoints({ tenant }),
    api.listEventTypes({ tenant }),
    api.listEvents({ tenant }),
    api.listDeliveries({ tenant }),
    api.listAttempts({ tenant }),
    api.listReplays({ tenant }),
    api.listInboxes({ tenant }),
    api.listPortalSessions({ tenant }),
  ]);
}

/**
 * An answer to who may ask: what has ended, or still has something in it, cannot be ended, and there is
 * neither a dashboard here to make links to nor a person who was sent to log in.
 */
const REFUSED: Partial<Record<OperationId, number>> = {
  cancelDelivery: 409,
  retryDelivery: 409,
  cancelReplay: 409,
  deleteTenant: 409,
  purgeTenant: 409,
  createPortalSession: 409,
  createSession: 409,
  createLoginLink: 409,
  createSignIn: 400,
};

test('whoever has the scope has the operation carried out on what is there', async () => {
  const world = await openWorld();
  const { app } = world;
  const { url } = await startReceiver(app.clock);
  let tenants = 0;
  const cells = await wrong(GUARDED, async (row) => {
    const [id, { method, scope }] = row;
    // What changes something has a tenant of its own: the next one would find it changed.
    const tenant = method === 'GET' ? 'mine' : `own-${tenants++}`;
    const own = method === 'GET' ? world.mine : await populate(app, tenant, url);
    const named = { ...own, ...(await operatorsThing(app, id)) };
    const bearer = scope === 'admin' ? ADMIN_KEY : await world.key([scope], { tenant });
    const session = id === 'deleteCurrentSession' ? await sessionOf(app, { tenant }) : bearer;
    const { status, body } = await call(world, row, { bearer: session, tenant, named });
    if (status < 300 || status === REFUSED[id]) return undefined;
    return `${status} ${body}`;
  });
  expect(cells).toEqual([]);
}, 60_000);

/** What is an operator's and no tenant's. */
async function operatorsThing({ api }: Harness, id: OperationId): Promise<Partial<Things>> {
  if (id === 'deleteKey') {
    const key = await api.createKey({ body: { tenant: 'theirs', scopes: ['read'] } });
    return { key: key.id };
  }
  if (id === 'getPurge') {
    await api.putTenant({ tenant: 'gone', body: {} });
    const begun = await api.purgeTenant({ tenant: 'gone', body: {} });
    return 'purges' in begun ? { job: begun.purges[0]?.id ?? '' } : {};
  }
  return {};
}
