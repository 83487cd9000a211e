import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Config } from './config.ts';
import type { Clock } from './core/clock.ts';
import type { Probe } from './core/exchange.ts';
import type { IdFactory } from './core/ids.ts';
import type { Ms } from './core/model.ts';
import { withoutSlash } from './core/public-url.ts';
import { crashPoint } from './engine.ts';
import type { InboxDeps } from './http/ports.ts';
import { Capturing } from './inbox/capturing.ts';
import { Recogniser, type RecogniserOptions } from './inbox/recognition.ts';
import { Inboxes } from './inbox/registry.ts';
import { Relay } from './inbox/relay.ts';
import { Replays } from './inbox/replay.ts';
import type { InboxView } from './inbox/view.ts';
import { ConfigWriter } from './store/config-writer.ts';
import type { InboxStore } from './store/inbox.ts';
import type { ConfigStore } from './store/store.ts';

/** Builds the room of captured requests; app.ts opens its store and hands the room to HTTP. */

export type InboxConfig = Pick<
  Config,
  'inboxDomain' | 'inboxBodyBytes' | 'inboxQueueBytes' | 'inboxesMax' | 'roles' | 'crashAt'
>;

export interface InboxRoomOptions {
  readonly config: InboxConfig;
  readonly clock: Clock;
  readonly ids: Pick<IdFactory, 'inbox'>;
  readonly store: InboxStore;
  readonly view: InboxView;
  readonly configStore: ConfigStore;
  readonly refresh: () => Promise<void>;
  /** Where people reach the server; asked, because the port may be known later. */
  readonly publicUrl: () => string;
  readonly compare: RecogniserOptions['compare'];
  readonly probe: Probe;
  /** How often leases are renewed and tokens judged again; for tests. */
  readonly renewMs?: Ms;
  readonly log: { warn(fields: object, message: string): void };
}

export interface InboxRoom {
  readonly deps: InboxDeps;
  /** Refuses what comes from now on; what was taken in is answered. */
  drain(): Promise<void>;
}

const QUEUE_CAPTURES_MAX = 10_000;
const RENEW_MS: Ms = 5_000;
/** Captures that came in on other nodes are at the listener within 50 ms. */
const POLL_MS: Ms = 20;
const HOUSEKEEPING_MS = 60_000;
const HOUSEKEEPING_CHUNK = 500;

export function createInboxRoom(options: InboxRoomOptions): InboxRoom {
  const { config, clock, store, view, configStore, refresh } = options;
  const now = () => clock.now();
  const writer = new ConfigWriter({ store: configStore, now, refresh });
  const inboxes = new Inboxes(
    {
      store: configStore,
      captures: store.captures,
      view,
      ids: options.ids,
      now,
      random: randomBytes,
      perTenantMax: config.inboxesMax,
    },
    writer,
  );
  const urlOf = (name: string) => inboxUrl(options.publicUrl(), config.inboxDomain, name);
  const relay = new Relay({
    captures: store.captures,
    listeners: store.listeners,
    answers: store.answers,
    view,
    refresh: store.answers && refresh,
    clock,
    node: `${hostname()}/${process.pid}/${randomBytes(3).toString('hex')}`,
    newId: () => randomBytes(12).toString('base64url'),
    urlOf,
    // Alone with its store, a process hears of each capture by itself.
    pollMs: store.answers && POLL_MS,
    renewMs: options.renewMs ?? RENEW_MS,
    warn: (err, message) => options.log.warn({ err }, message),
  });
  const capturing = new Capturing({
    store: store.captures,
    shards: store.shards,
    rules: store.rules,
    now,
    random: Math.random,
    queueCountMax: QUEUE_CAPTURES_MAX,
    queueBytesMax: config.inboxQueueBytes,
    kept: (capture, kept) => relay.offer(capture, kept),
    answers: (key) => relay.answers(key),
    at: crashPoint(config.crashAt),
  });
  const stopHousekeeping = config.roles.includes('maintain')
    ? housekeeping(options)
    : async () => {};
  return {
    deps: {
      store,
      view,
      refresh: store.answers && refresh,
      inboxes,
      capturing,
      relay,
      recogniser: new Recogniser({ captures: store.captures, compare: options.compare }),
      replays: new Replays({ captures: store.captures, relay, clock, probe: options.probe }),
      clock,
      urlOf,
      domain: config.inboxDomain,
      bodyBytesMax: config.inboxBodyBytes,
      receivingBytesMax: Math.max(config.inboxQueueBytes, 2 * config.inboxBodyBytes),
    },
    async drain() {
      await stopHousekeeping();
      await relay.drain();
      await capturing.close();
    },
  };
}

function inboxUrl(publicUrl: string, domain: string | undefined, name: string): string {
  if (domain === undefined) return `${withoutSlash(publicUrl)}/in/${name}`;
  const { protocol, port } = new URL(publicUrl);
  return `${protocol}//${name}.${domain}${port === '' ? '' : `:${port}`}`;
}

/** Goes through the inboxes now and then, in small steps; stops before the store is closed. */
function housekeeping({ clock, store, log }: InboxRoomOptions): () => Promise<void> {
  let stopped = false;
  let running: Promise<void> = Promise.resolve();
  let cancel = () => {};
  const round = async () => {
    try {
      while (!stopped && (await store.maintain(HOUSEKEEPING_CHUNK, clock.now())));
    } catch (err) {
      log.warn({ err }, 'old captures could not be removed; it is tried again');
    }
    if (!stopped) schedule();
  };
  const schedule = () => {
    cancel = clock.after(HOUSEKEEPING_MS, () => {
      running = round();
    });
  };
  schedule();
  return async () => {
    stopped = true;
    cancel();
    await running;
  };
}
