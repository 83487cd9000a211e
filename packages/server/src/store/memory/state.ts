import type { Endpoint, EndpointId, JobId, LaneId, Ms, Slot } from '../../core/model.ts';
import { numberOfLane } from '../../core/routing.ts';
import type { Part } from '../crossing.ts';
import type { Job } from '../jobs.ts';
import { LaneBook, type LaneEntry, laneNumber } from '../lane-book.ts';
import type { Capped } from '../retention.ts';
import type {
  AttemptRecord,
  ConfigItem,
  DeliveryKey,
  Due,
  LaneKey,
  NewEvent,
  SentBody,
  StoreLimits,
} from '../store.ts';
import { MemoryLog } from './log.ts';
import { MemoryStats } from './stats.ts';

/** What the memory store's ports share: what is owed, who holds it, configuration, and the log. */
export class MemoryState {
  readonly book = new LaneBook();
  readonly log: MemoryLog;
  readonly stats = new MemoryStats((id) => this.numbers.get(id));
  readonly jobs = new Map<JobId, Job>();
  /** Configuration by `kind/id`. */
  readonly items = new Map<string, ConfigItem>();
  readonly numbers = new Map<EndpointId, number>();
  readonly endpoints = new Map<number, EndpointId>();
  /** Endpoints (by number) of which was told that they are failing, and up to which level. */
  readonly alerts = new Map<number, number>();
  /** Version of the last change that routing depends on. */
  routing = 0;
  /** Events created before are never owed again. */
  expiredBefore: Ms = 0;
  /** Set = as large as it may be: nothing more is taken in. */
  capped: Capped | undefined;
  readonly limits: StoreLimits;
  /** The slots that are here, if this is one store of several. */
  readonly part: Part;
  readonly #open = new Map<number, Due[]>();

  constructor(limits: StoreLimits, part: Part) {
    this.limits = limits;
    this.part = part;
    const owed = () =>
      this.owed().map((due) => ({
        due,
        endpoint: this.endpoints.get(numberOfLane(due.lane)) as EndpointId,
      }));
    this.log = new MemoryLog(owed, this.stats);
  }

  lane(slot: Slot, lane: LaneId): LaneEntry | undefined {
    const known = this.book.get({ slot, lane });
    const id = this.endpoints.get(numberOfLane(lane));
    if (known || id === undefined) return known;
    const endpoint = this.items.get(`endpoint/${id}`)?.value as Endpoint | null;
    const entry = this.book.ensure({ slot, lane, endpoint: id, ...laneState(endpoint) });
    if (!endpoint) this.book.setClosed(entry, true);
    return entry;
  }

  /** What a lane owes, in the order it is due. */
  rows(key: LaneKey): Due[] {
    const found = this.#open.get(laneNumber(key)) ?? [];
    this.#open.set(laneNumber(key), found);
    return found;
  }

  owed(): Due[] {
    const byPlace = (a: Due, b: Due) => a.slot - b.slot || a.lane - b.lane || compareKeys(a, b);
    return [...this.#open.values()].flat().sort(byPlace);
  }

  find(key: DeliveryKey): Due | undefined {
    return this.rows(key).find((row) => compareKeys(row, key) === 0);
  }

  findRun({ slot, lane, event, run }: Omit<DeliveryKey, 'dueAt'>): Due | undefined {
    return this.rows({ slot, lane }).find((row) => row.event === event && row.run === run);
  }

  replace(row: Due, next: Due | undefined): void {
    const rows = this.rows(row);
    rows.splice(rows.indexOf(row), 1);
    if (!next) return;
    rows.push(next);
    rows.sort(compareKeys);
  }

  remove(row: Due): void {
    this.replace(row, undefined);
    const entry = this.lane(row.slot, row.lane);
    if (entry) entry.open -= 1;
  }

  insert(row: Due, entry: LaneEntry): void {
    const rows = this.rows(row);
    rows.push(row);
    rows.sort(compareKeys);
    entry.open += 1;
    this.book.wake(entry, row.dueAt);
  }

  /** Stores an event with what it owes; true = that is not simply due now in each of its lanes. */
  keep(event: NewEvent, now: Ms): boolean {
    this.log.keep(event);
    const regular = event.lanes.map((lane) => this.#owe(event, lane, now));
    return regular.includes(false) || event.lanes.length > this.limits.inlineFanoutMax;
  }

  #owe(event: NewEvent, lane: LaneId, now: Ms): boolean {
    const entry = this.lane(event.slot, lane);
    if (!entry) return false;
    const key = { slot: event.slot, lane, event: event.id, run: 0 };
    if (entry.open >= this.limits.laneMax) {
      const detail = `The webhook already owed ${this.limits.laneMax} deliveries; this one was not queued. Recover it once the backlog is gone.`;
      this.decide({ ...key, dueAt: now }, { state: 'failed', fault: 'skipped', detail, now });
      return false;
    }
    const dueAt = this.book.dueAt(entry, now);
    this.insert({ ...key, dueAt, ownId: false, attempt: 0, starts: 0 }, entry);
    return !entry.fifo;
  }

  /** The end of a delivery without an exchange. */
  decide(
    key: DeliveryKey,
    as: {
      state: 'failed' | 'cancelled';
      fault?: 'skipped' | 'expired';
      detail: string;
      now: Ms;
    },
  ): void {
    const event = this.log.events.get(key.event)?.event;
    const entry = this.lane(key.slot, key.lane);
    if (!event || !entry) return;
    const attempt: AttemptRecord = {
      ...NO_EXCHANGE,
      tenant: event.tenant,
      type: event.type,
      endpoint: entry.endpoint,
      startedAt: as.now,
      fault: as.fault,
      detail: as.detail,
    };
    const result = { key: { ...key, ownId: false, attempt: 0, starts: 0 }, attempt };
    this.log.log(result, { next: { kind: as.state }, late: false });
  }
}

const EMPTY = new Uint8Array();

const NO_EXCHANGE = {
  n: 0,
  timings: {
    dnsMs: undefined,
    connectMs: undefined,
    tlsMs: undefined,
    firstByteMs: undefined,
    totalMs: 0,
  },
  status: undefined,
  detail: '',
  remoteAddress: undefined,
  method: '',
  url: '',
  requestHead: EMPTY,
  body: { kind: 'same' } as SentBody,
  responseHead: EMPTY,
  responseBody: EMPTY,
  responseTruncated: false,
  secretHeads: false,
  afterCrash: false,
};

export function laneState(endpoint: Endpoint | null): { fifo: boolean; held: boolean } {
  return {
    fifo: endpoint !== null && endpoint.ordering !== 'none',
    held: endpoint !== null && (endpoint.paused || endpoint.disabled !== null),
  };
}

export type PlaceInLane = Pick<Due, 'dueAt' | 'event' | 'run'>;

export function compareKeys(a: PlaceInLane, b: PlaceInLane): number {
  return a.dueAt - b.dueAt || (a.event < b.event ? -1 : a.event > b.event ? 1 : a.run - b.run);
}
