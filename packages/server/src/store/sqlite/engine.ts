import type { At } from '../../core/crash-sites.ts';
import type {
  Endpoint,
  EndpointId,
  EventId,
  LaneId,
  Ms,
  Slot,
  StoredEvent,
  TenantId,
} from '../../core/model.ts';
import { ASLEEP, LANE_PARTS } from '../../core/model.ts';
import { numberOfLane, slotOf } from '../../core/routing.ts';
import { LaneBook, type LaneEntry } from '../lane-book.ts';
import type { Capped } from '../retention.ts';
import { openItem } from '../sealed.ts';
import type { LaneCommand, StoreLimits } from '../store.ts';
import type { Vault } from '../vault.ts';
import { Committer } from './committer.ts';
import { type Database, PAGE_BYTES } from './database.ts';
import { eventId, eventKey, SEQ_MIN, slotOfRest } from './keys.ts';
import { RetentionState } from './retention-state.ts';
import { sumOfEvent } from './sums.ts';

export interface EngineOptions {
  readonly db: Database;
  readonly vault: Vault;
  readonly at: At;
  readonly fatal: (error: Error) => void;
  readonly limits: StoreLimits;
  /** Events that a survey of what is owed notes at once. */
  readonly owedMax: number;
}

interface CommandRow {
  readonly slot: Slot;
  readonly lane: LaneId;
  readonly event: number;
  /** Of the event's id. */
  readonly rest: Uint8Array;
  readonly run: number;
  readonly kind: LaneCommand['do'];
}

/** What the writer's parts share: the connection, the lanes' book, and mirrors of small tables. */
export class Engine {
  readonly db: Database;
  readonly vault: Vault;
  readonly at: At;
  readonly limits: StoreLimits;
  readonly owedMax: number;
  readonly committer: Committer;
  readonly book = new LaneBook();
  /** Endpoints by number; `undefined` value fields never: a deleted one stays as closed. */
  readonly endpoints = new Map<
    number,
    {
      id: EndpointId;
      /** undefined = it was deleted. */
      tenant: TenantId | undefined;
      fifo: boolean;
      held: boolean;
      closed: boolean;
    }
  >();
  /** Version of the last change that routing depends on. */
  routingVersion = 0;
  /** Events stored: counted at the start, kept up from then on. */
  events = 0;
  /** First events of ingests that are committed and not yet on the disk, in the order of commits. */
  readonly unflushed: number[] = [];
  /** Fan-outs waiting to be expanded by housekeeping. */
  expansions = 0;
  /** The table `alert`, as the running transaction has it. */
  readonly alerts = new Map<number, number>();
  /** Key of the newest event. */
  newestEvent: number = SEQ_MIN;
  /** Key of the last attempt. None is given twice, so whoever follows the log by it misses nothing. */
  #lastAttempt = 0;
  readonly retention = new RetentionState();
  /** Events that were erased a short while ago, and when: of what is being sent no bytes are logged. */
  readonly erased = new Map<number, Ms>();
  /** Set = as large as it may be: nothing more is taken in. */
  capped: Capped | undefined;
  readonly #words = new Map<string, number>();

  constructor(options: EngineOptions) {
    this.db = options.db;
    this.vault = options.vault;
    this.at = options.at;
    this.limits = options.limits;
    this.owedMax = options.owedMax;
    this.committer = new Committer({
      db: options.db,
      at: options.at,
      flush: () => options.db.flush(),
      fatal: options.fatal,
      rolledBack: () => {
        this.#words.clear();
        this.#readVersion();
        this.#readAlerts();
        this.readCommands();
      },
    });
  }

  /**
   * Rebuilds the book. Every lane is free: whoever held one is dead. If the store was not closed in
   * order, rows that were due may have been sent by the process that died, so their lanes come with
   * a strike and the time of the crash.
   */
  open(now: Ms): void {
    const { db } = this;
    this.#readVersion();
    const logged = db.get<{ seq: number | null }>('select max(seq) as seq from attempt')?.seq ?? 0;
    const newest = db.get<{ seq: number | null }>('select max(seq) as seq from event')?.seq;
    this.newestEvent = newest ?? SEQ_MIN;
    this.#lastAttempt = Math.max(logged, Number(this.meta('attempt_removed') ?? 0));
    this.#readAlerts();
    for (const row of db.all<{ number: number; endpoint: EndpointId; value: Uint8Array | null }>(
      `select n.number, n.endpoint, i.value from endpoint_number n
       left join item i on i.kind = 'endpoint' and i.id = n.endpoint`,
    )) {
      const endpoint = row.value ? this.unsealEndpoint(row.endpoint, row.value) : undefined;
      this.endpointChanged(row.number, row.endpoint, endpoint);
    }
    const crashes = this.#countCrash();
    for (const row of db.all<{ slot: Slot; lane: LaneId; due: Ms; last: Ms; open: number }>(
      `select slot, lane, min(due_at) as due, max(due_at) as last, count(*) as open
       from delivery group by slot, lane`,
    )) {
      const entry = this.lane(row.slot, row.lane);
      if (!entry) continue;
      entry.open = row.open;
      entry.lastDue = row.last;
      if (crashes > 0 && row.due <= now) {
        entry.strikes = crashes;
        entry.crashedAt = now;
      }
      this.book.wake(entry, row.due);
    }
    for (const row of db.all<{
      slot: Slot;
      id: LaneId;
      not_before: Ms;
      failing_since: Ms;
      failures: number;
    }>('select * from lane')) {
      const entry = this.lane(row.slot, row.id);
      if (!entry) continue;
      entry.failingSince = row.failing_since;
      entry.failures = row.failures;
      entry.notBefore = row.not_before;
      entry.saved = true;
      if (entry.nextAt < row.not_before) {
        entry.nextAt = ASLEEP;
        this.book.wake(entry, row.not_before);
      }
    }
    const count = (table: string) =>
      Number(db.get<{ n: number }>(`select count(*) as n from ${table}`)?.n);
    this.events = count('event');
    this.expansions = count('expansion');
  }

  /** The book's commands as the table has them. */
  readCommands(): void {
    this.book.forgetCommands();
    for (const { kind, event, rest, ...at } of this.db.all<CommandRow>(
      'select c.*, e.rest as rest from command c join event e on e.seq = c.event',
    )) {
      const entry = this.lane(at.slot, at.lane);
      const command = { ...at, event: eventId(event, rest), do: kind };
      if (entry) this.book.queueCommand(entry, command);
    }
  }

  /** Bytes of the database that hold something; what was freed is used again. */
  usedBytes(): number {
    const pages = this.db.get<{ page_count: number }>('pragma page_count')?.page_count ?? 0;
    const free = this.db.get<{ freelist_count: number }>('pragma freelist_count')?.freelist_count;
    return (pages - (free ?? 0)) * PAGE_BYTES;
  }

  /** Commits what was asked, then notes that nothing was cut off. Later writes are refused. */
  async close(): Promise<void> {
    await this.committer.close();
    this.setMeta('running', null);
  }

  /** Deaths in a row; an orderly close, or `settled()`, starts again at 0. */
  #countCrash(): number {
    const running = this.meta('running');
    const crashes = running === null ? 0 : Number(running);
    this.setMeta('running', crashes + 1);
    return crashes;
  }

  /** The process has lived long enough that what it carries is not what kills it. */
  settled(): void {
    this.setMeta('running', 1);
  }

  /**
   * Events from this one on are not sent yet: a power cut could still take them. They are handed over
   * when they are on the disk, which also means that nobody can have sent one before it is offered.
   */
  get hiddenFrom(): number {
    return this.unflushed.length === 0 ? Number.MAX_SAFE_INTEGER : Math.min(...this.unflushed);
  }

  nextAttempt(): number {
    this.#lastAttempt += 1;
    return this.#lastAttempt;
  }

  meta(key: string): string | number | null {
    return (
      this.db.get<{ value: string | number | null }>('select value from meta where key = ?', key)
        ?.value ?? null
    );
  }

  setMeta(key: string, value: string | number | null): void {
    this.db.run('insert or replace into meta (key, value) values (?, ?)', key, value);
  }

  /** The number of a tenant or type, given out in the running transaction if it is new. */
  word(text: string): number {
    const known = this.#words.get(text);
    if (known !== undefined) return known;
    this.db.run('insert into word (text) values (?) on conflict do nothing', text);
    const number = this.db.get<{ number: number }>('select number from word where text = ?', text)
      ?.number as number;
    if (this.#words.size >= 100_000) this.#words.clear();
    this.#words.set(text, number);
    return number;
  }

  lane(slot: Slot, lane: LaneId): LaneEntry | undefined {
    const known = this.book.get({ slot, lane });
    if (known) return known;
    const endpoint = this.endpoints.get(numberOfLane(lane));
    if (!endpoint) return undefined;
    const { id, fifo, held, closed } = endpoint;
    const entry = this.book.ensure({ slot, lane, endpoint: id, fifo, held });
    if (closed) this.book.setClosed(entry, true);
    return entry;
  }

  /** Carries a durable change of an endpoint into the book. */
  endpointChanged(number: number, id: EndpointId, endpoint: Endpoint | undefined): void {
    const fifo = endpoint !== undefined && endpoint.ordering !== 'none';
    const held = endpoint !== undefined && (endpoint.paused || endpoint.disabled !== null);
    const closed = endpoint === undefined;
    this.endpoints.set(number, { id, tenant: endpoint?.tenant, fifo, held, closed });
    if (endpoint?.scope === 'tenant') this.lane(slotOf(endpoint.tenant), number * LANE_PARTS);
    for (const entry of this.book.ofEndpoint(id)) {
      entry.fifo = fifo;
      if (entry.held !== held) this.book.setHeld(entry, held);
      if (entry.closed !== (endpoint === undefined)) {
        this.book.setClosed(entry, endpoint === undefined);
      }
    }
  }

  unsealEndpoint(id: string, value: Uint8Array): Endpoint {
    return openItem(this.vault, { kind: 'endpoint', id }, value) as Endpoint;
  }

  #readAlerts(): void {
    this.alerts.clear();
    for (const { endpoint, level } of this.db.all<{ endpoint: number; level: number }>(
      'select endpoint, level from alert',
    )) {
      this.alerts.set(endpoint, level);
    }
  }

  #readVersion(): void {
    this.routingVersion = Number(
      this.db.get<{ v: number | null }>(
        "select max(version) as v from item where kind in ('endpoint', 'tenant')",
      )?.v ?? 0,
    );
  }
}

/** Its owner fixed it, or it worked again: what is told next is a new story. */
export function forgetAlert(engine: Engine, endpoint: number): void {
  if (!engine.alerts.delete(endpoint)) return;
  engine.db.run('delete from alert where endpoint = ?', endpoint);
}

interface EventColumns {
  readonly tenant: string;
  readonly type: string;
  readonly occurred_at: Ms;
  readonly created_at: Ms;
  readonly meta: string;
  readonly data: Uint8Array;
  readonly sum: number | null;
  readonly owed: number;
}

/** `damaged`: it is not what was stored, or was never owed in that lane. */
export function readEvent(
  engine: Engine,
  { event: id, lane }: { readonly event: EventId; readonly lane: LaneId },
): (StoredEvent & { readonly damaged: boolean }) | undefined {
  const key = eventKey(id);
  if (!key) return undefined;
  const row = engine.db.get<EventColumns>(
    `select t.text as tenant, y.text as type, occurred_at, created_at, meta, data, sum,
       instr(replace(replace(lanes, '[', ','), ']', ','), ?) as owed
     from event e join word t on t.number = e.tenant join word y on y.number = e.type
     where e.seq = ? and e.rest = ? and e.erased_at is null`,
    `,${lane},`,
    key.seq,
    key.rest,
  );
  if (!row) return undefined;
  const { tenant, type, meta, data, sum, owed } = row;
  const { rest } = key;
  const summed = { rest, tenant, type, occurredAt: row.occurred_at, meta, data };
  return {
    id,
    slot: slotOfRest(key.rest),
    tenant,
    type,
    occurredAt: row.occurred_at,
    createdAt: row.created_at,
    meta,
    data,
    damaged: owed === 0 || (sum !== null && sum !== sumOfEvent(summed)),
  };
}

export interface EventHead extends Pick<StoredEvent, 'id' | 'slot' | 'tenant' | 'type'> {
  readonly erased: boolean;
}
interface HeadColumns {
  readonly rest: Uint8Array;
  readonly tenant: string;
  readonly type: string;
  readonly erased_at: Ms | null;
}

/** Without the data. */
export function readEventHead(engine: Engine, seq: number): EventHead | undefined {
  const row = engine.db.get<HeadColumns>(
    `select e.rest as rest, t.text as tenant, y.text as type, e.erased_at as erased_at from event e
     join word t on t.number = e.tenant join word y on y.number = e.type where e.seq = ?`,
    seq,
  );
  if (!row) return undefined;
  const { rest, tenant, type } = row;
  const erased = row.erased_at !== null;
  return { id: eventId(seq, rest), slot: slotOfRest(rest), tenant, type, erased };
}
