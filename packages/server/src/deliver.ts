import { randomBytes } from 'node:crypto';
import type { Clock } from './core/clock.ts';
import { type At, crashAt, nowhere } from './core/crash-sites.ts';
import { createIdFactory } from './core/ids.ts';
import type { Ms } from './core/model.ts';
import { Guard, parseEgressAllow } from './delivery/guard.ts';
import { NameResolver } from './delivery/resolver.ts';
import { createSender } from './delivery/sender.ts';
import { Worker, type WorkerLog } from './delivery/worker.ts';
import { ConfigView } from './store/config-view.ts';
import type { NewEvent, Result, Store } from './store/store.ts';
import { createMetrics, DURATION_BUCKETS } from './telemetry.ts';

/** What sending needs to know; plain data, because it may cross into a thread. */
export interface DeliverySettings {
  readonly egressAllow: readonly string[];
  readonly allowLoopback: boolean;
  readonly allowHttp: boolean;
  readonly tlsCa: string | undefined;
  readonly concurrency: number;
  readonly name: string;
  readonly version: string;
  readonly shared: boolean;
  readonly crashAt: string | undefined;
}

/** The sending half of the house, in this thread or another. */
export interface Delivery {
  offer(events: readonly NewEvent[]): void;
  poke(): void;
  configChanged(): void;
  /** The ports this process listens on; deliveries to them are refused. */
  listening(ports: readonly number[]): void;
  /** Its part of `/metrics`. */
  metrics(): Promise<string>;
  stop(drainMs: Ms): Promise<void>;
}

/** What it tells the rest. */
export interface DeliveryEvents {
  readonly log: WorkerLog;
  readonly configChanged: () => void;
}

export function crashPoint(spec: string | undefined): At {
  // SIGKILL: no handler, no flush, nothing a process could still do.
  return spec === undefined ? nowhere : crashAt(spec, () => process.kill(process.pid, 'SIGKILL'));
}

export function createGuard(
  settings: Pick<DeliverySettings, 'egressAllow' | 'allowLoopback' | 'allowHttp'>,
  ownPorts: () => readonly number[],
): Guard {
  return new Guard({
    allow: settings.egressAllow.flatMap(parseEgressAllow),
    allowLoopback: settings.allowLoopback,
    allowHttp: settings.allowHttp,
    ownPorts,
  });
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
};

const CONFIG_POLL_MS = 1000;

export async function createDelivery(
  settings: DeliverySettings,
  parts: { store: Store; clock: Clock } & DeliveryEvents,
): Promise<Delivery> {
  let ports: readonly number[] = [];
  const { store, clock, log } = parts;
  const view = new ConfigView(store.config);
  await view.refresh();
  const guard = createGuard(settings, () => ports);
  const resolver = new NameResolver();
  const outbound = createSender({
    guard,
    resolver,
    ...(settings.tlsCa === undefined ? {} : { tlsCa: settings.tlsCa }),
  });
  const worker = new Worker({
    store: store.lanes,
    view,
    outbound,
    clock,
    log,
    ids: createIdFactory(randomBytes),
    random: Math.random,
    at: crashPoint(settings.crashAt),
    name: settings.name,
    version: settings.version,
    concurrency: settings.concurrency,
    shared: settings.shared,
    attempted: (result) => meter.attempted(result),
    configChanged() {
      refresh();
      parts.configChanged();
    },
  });
  const refresh = () =>
    void view.refresh().catch((err: unknown) => log.warn({ err }, 'configuration not read'));
  const meter = createMeter(worker);
  // The change feed is polled as well: a change must arrive even if nobody could tell of it.
  let stopPolling = () => {};
  const poll = () => {
    stopPolling = clock.after(CONFIG_POLL_MS, () => {
      refresh();
      poll();
    });
  };
  poll();
  await worker.start();
  return {
    offer: (events) => worker.offer(events),
    poke: () => worker.poke(),
    configChanged: refresh,
    listening(given) {
      ports = given;
    },
    metrics: async () => meter.text(),
    async stop(drainMs) {
      await worker.stop(drainMs);
      stopPolling();
      await outbound.close();
      resolver.close();
    },
  };
}

const OUTCOMES = ['succeeded', 'retry', 'failed', 'cancelled'] as const;

function createMeter(worker: Worker): { attempted(result: Result): void; text(): string } {
  const metrics = createMetrics();
  const attempts = metrics.counter({
    name: 'posthorn_attempts_total',
    help: 'Exchanges with receivers, by what followed.',
    labels: { outcome: OUTCOMES },
  });
  const seconds = metrics.histogram({
    name: 'posthorn_attempt_duration_seconds',
    help: 'Name resolution to last byte of the response.',
    buckets: DURATION_BUCKETS,
  });
  metrics.observed(
    { name: 'posthorn_deliveries_in_flight', help: 'Requests being sent now.' },
    () => worker.stats.inFlight,
  );
  metrics.observed(
    { name: 'posthorn_lanes_held', help: 'Lanes this node sends for now.' },
    () => worker.stats.held,
  );
  return {
    attempted({ next, attempt }) {
      attempts.add(1, { outcome: next.kind === 'keep' ? 'retry' : next.kind });
      seconds.observe(attempt.timings.totalMs / 1000);
    },
    text: () => metrics.text(),
  };
}
