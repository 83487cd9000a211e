import type { Clock } from '../core/clock.ts';
import type { At } from '../core/crash-sites.ts';
import type { Outbound } from '../core/exchange.ts';
import type { Ms } from '../core/model.ts';
import type { ConfigView } from '../store/config-view.ts';
import type { LaneStore, Notice, Result } from '../store/store.ts';
import type { AttemptSpans } from './attempt-spans.ts';
import type { DeliveryOutcome } from './own-events.ts';

export interface WorkerLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface WorkerOptions {
  readonly store: LaneStore;
  readonly view: ConfigView;
  readonly outbound: Outbound;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: WorkerLog;
  readonly at: At;
  readonly name: string;
  readonly version: string;
  /** What the process does beside sending; told to people. */
  readonly roles: readonly string[];
  /** When the process began, if it is one node of several stores; default: when it joins. */
  readonly since?: Ms | undefined;
  /** Requests in flight, over all lanes. */
  readonly concurrency: number;
  /** Other processes ingest into the same store, and wait for its lanes. */
  readonly shared: boolean;
  /** Part of its time that the process was busy since this was last asked, 0 to 1. */
  readonly load?: () => number;
  /** The events about ourselves that an outcome makes true, if somebody listens. */
  readonly tell?: (outcome: DeliveryOutcome, now: Ms) => readonly Notice[] | undefined;
  /** Attempts as others' tracing sees them. */
  readonly spans?: AttemptSpans | undefined;
  /** After each exchange, for metrics. */
  readonly attempted?: (result: Result) => void;
  /** The store changed configuration on our behalf (an endpoint was disabled). */
  readonly configChanged?: () => void;
}
