import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import {
  type Client,
  createClient,
  EVENT_STREAM,
  type Operation,
  operations,
  Problem,
} from '@posthorn/api';
import { onTestFinished } from 'vitest';
import type { Outbound, Probe } from '../core/exchange.ts';
import { createIdFactory } from '../core/ids.ts';
import type { EndpointId, KeyScope } from '../core/model.ts';
import { ROLES } from '../core/roles.ts';
import { SchemaChecker } from '../delivery/catalogue/checker.ts';
import { EventJudge } from '../delivery/catalogue/judge.ts';
import { Samples } from '../delivery/catalogue/samples.ts';
import { startHere } from '../delivery/catalogue/schema-runner.ts';
import { Guard } from '../delivery/guard.ts';
import { Erasing } from '../delivery/mending/erasing.ts';
import { Jobs } from '../delivery/mending/jobs.ts';
import { Mending } from '../delivery/mending/mending.ts';
import { Purges } from '../delivery/mending/purges.ts';
import { OwnEvents } from '../delivery/own-events.ts';
import { Publisher } from '../delivery/publish.ts';
import { Registry } from '../delivery/registry/registry.ts';
import { NameResolver } from '../delivery/resolver.ts';
import { createSender } from '../delivery/sender.ts';
import { Tester } from '../delivery/tester.ts';
import { InboxView } from '../inbox/view.ts';
import { createInboxRoom, type InboxConfig } from '../inbox-room.ts';
import { createOAuthRoom } from '../oauth-room.ts';
import { ConfigView } from '../store/config-view.ts';
import { createMemoryInbox } from '../store/memory/inbox.ts';
import { createMemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import type { HttpDeps } from './ports.ts';
import { createHttpServer } from './server.ts';
import type { SiteFiles } from './site.ts';

/** A listening server on the memory store, with the publisher of delivery. For tests. */
export interface Harness {
  readonly url: string;
  readonly port: number;
  readonly adminKey: string;
  readonly store: Store;
  readonly config: ConfigView;
  readonly registry: Registry;
  readonly admin: Client;
  /** What was logged, newest last. */
  readonly logged: { readonly level: string; readonly fields: object }[];
  clock: { now: number };
  close(drainMs: number): Promise<void>;
  /** What delivery does when attempts were logged. */
  tellLogged(): void;
  key(tenant: string, scopes: KeyScope[]): Promise<string>;
  client(key: string): Client;
  /** Sends bytes as they are and resolves with all that comes back before the end of the stream. */
  raw(bytes: string | Uint8Array): Promise<string>;
}

const INBOX_CONFIG: InboxConfig = {
  inboxDomain: undefined,
  inboxBodyBytes: 1_048_576,
  inboxQueueBytes: 67_108_864,
  inboxesMax: 5,
  roles: ROLES,
  crashAt: undefined,
};

export async function startServer(
  overrides: Partial<HttpDeps> = {},
  inboxConfig: Partial<InboxConfig> & { renewMs?: number } = {},
): Promise<Harness> {
  const clock = { now: Date.now() };
  const now = (): number => clock.now;
  const ids = createIdFactory(randomBytes);
  const store = createMemoryStore();
  const config = new ConfigView(store.config);
  const checker = new SchemaChecker({ start: startHere, clock: { now, after }, stopped: () => {} });
  const judge = new EventJudge({
    view: config,
    store: store.config,
    checker,
    async isStored(tenant, idempotencyKey) {
      const { items } = await store.log.events({ tenant, idempotencyKey, limit: 1 });
      return items.length > 0;
    },
  });
  const inboxes = new InboxView();
  config.onChange((items) => inboxes.apply(items));
  const own = new OwnEvents({ view: config, ids });
  const registry = new Registry({
    store: store.config,
    ids,
    now,
    random: randomBytes,
    judgeUrl: (url) => (url.hostname === '169.254.169.254' ? 'link-local' : undefined),
    schemaRefusal: (schema, owner) => checker.refusal(schema, owner),
    tell: (before, after, at) => own.ofChange(before, after, at),
    refresh: () => config.refresh(),
    isPurged: async () => false,
  });
  await registry.tenants.ensureDefault();
  const adminKey = (await registry.keys.ensureAdmin(undefined)) ?? '';
  const logged: { level: string; fields: object }[] = [];
  const log = (level: string) => (fields: object) => void logged.push({ level, fields });
  const outbound = openOutbound();
  const probe: Probe = ({ url, ...request }) => outbound.send({ ...request, url: new URL(url) });
  const { renewMs = 5000, ...changed } = inboxConfig;
  const inbox = createInboxRoom({
    config: { ...INBOX_CONFIG, ...changed },
    renewMs,
    clock: { now, after },
    ids,
    store: createMemoryInbox(),
    view: inboxes,
    configStore: store.config,
    refresh: () => config.refresh(),
    publicUrl: () => 'https://hooks.example.com',
    compare: (tenant, event) => judge.compare(tenant, event),
    probe,
    log: { warn: log('warn') },
  });
  let tell: (() => void) | undefined;
  const http = await createHttpServer({
    roles: ROLES,
    publisher: new Publisher({
      store: store.lanes,
      view: config,
      ids,
      clock: { now, after },
      queueEventsMax: 10_000,
      queueBytesMax: 64_000_000,
      at: () => {},
      judge: (tenant, drafts) => judge.judge(tenant, drafts),
    }),
    registry,
    oauth: createOAuthRoom({
      store: store.config,
      view: config,
      ids,
      registry,
      own,
      clock: { now },
      loginUrl: undefined,
    }),
    tester: new Tester({
      view: config,
      samples: new Samples({ view: config, store: store.config }),
      log: store.log,
      ids,
      clock: { now, after },
      probe,
    }),
    nodes: () => store.lanes.nodes(now()),
    mending: new Mending({
      lanes: store.lanes,
      log: store.log,
      view: config,
      clock: { now, after },
    }),
    erasing: new Erasing({ log: store.log, clock: { now, after } }),
    purges: new Purges({
      store: store.config,
      jobs: store.jobs,
      ids,
      clock: { now, after },
      at: () => {},
      begun: () => {},
    }),
    jobs: new Jobs({ jobs: store.jobs, view: config, ids, clock: { now, after }, at: () => {} }),
    config,
    log: store.log,
    stats: store.stats,
    searches: true,
    tracer: undefined,
    watchLog: (listener) => {
      tell = listener;
    },
    configStore: store.config,
    inbox: inbox.deps,
    ready: async () => ({ ok: true, checks: { store: 'ok' } }),
    metrics: async () => '# HELP up Is it up?\n# TYPE up gauge\nup 1\n',
    version: '1.2.3',
    publicUrl: () => 'https://hooks.example.com',
    dashboard: SITE,
    reference: undefined,
    logger: { info: log('info'), warn: log('warn'), error: log('error') },
    now,
    ...overrides,
  });
  const { port } = await http.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(async () => {
    await inbox.drain();
    await http.close(0);
  });
  const url = `http://127.0.0.1:${port}`;
  const client = (key: string): Client => createClient({ baseUrl: url, key, fetch: checkedFetch });
  return {
    url,
    port,
    adminKey,
    store,
    config,
    registry,
    admin: client(adminKey),
    logged,
    clock,
    async close(drainMs) {
      await inbox.drain();
      await http.close(drainMs);
    },
    tellLogged: () => tell?.(),
    client,
    async key(tenant, scopes) {
      return (await registry.keys.create({ name: '', tenant, scopes, expiresAt: null })).text;
    },
    raw: (bytes) => exchange(port, bytes),
  };
}

/** The real way out, to this machine only. */
function openOutbound(): Outbound {
  const guard = new Guard({ allow: [], allowLoopback: true, allowHttp: true, ownPorts: () => [] });
  const resolver = new NameResolver();
  const outbound = createSender({ guard, resolver });
  onTestFinished(async () => {
    await outbound.close();
    resolver.close();
  });
  return outbound;
}

/** fetch that fails the test when an answer is not what the contract says. */
async function checkedFetch(
  input: Parameters<typeof fetch>[0],
  init?: RequestInit,
): Promise<Response> {
  const response = await fetch(input, init);
  const path = new URL(String(input)).pathname;
  const operation = Object.values<Operation>(operations).find(
    (o) => o.method === init?.method && matches(o.path, path),
  );
  // A stream has no end to wait for; its messages are checked by the client.
  if (response.headers.get('content-type')?.startsWith(EVENT_STREAM)) return response;
  const text = await response.clone().text();
  if (response.headers.get('content-type') === 'application/problem+json') {
    Problem.parse(JSON.parse(text));
    return response;
  }
  const spec = operation?.responses[response.status];
  if (!spec) throw new Error(`${init?.method} ${path}: undocumented status ${response.status}`);
  if (spec.body && spec.contentType === undefined) spec.body.parse(JSON.parse(text));
  else if (!spec.body && text !== '') throw new Error('a body where the contract has none');
  return response;
}

function matches(template: string, path: string): boolean {
  const parts = path.split('/');
  const wanted = template.split('/');
  return (
    parts.length === wanted.length && wanted.every((w, i) => w.startsWith('{') || w === parts[i])
  );
}

function after(delayMs: number, task: () => void): () => void {
  const timer = setTimeout(task, delayMs);
  return () => clearTimeout(timer);
}

export function exchange(port: number, bytes: string | Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk) => chunks.push(chunk));
    // A reset after the answer is as good as an end here.
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
  });
}

/** A dashboard of two files. */
export const SITE: SiteFiles = {
  page: '<script type="module" nonce="__NONCE__" src="./assets/app-1.js"></script>__BASE__',
  assets: new Map([
    [
      'app-1.js',
      { type: 'text/javascript; charset=utf-8', gzip: gzipSync('1'), br: brotliCompressSync('1') },
    ],
  ]),
};

export const ENDPOINT = 'ep_00000000000000000000000000' satisfies EndpointId;
