import { setImmediate as breath } from 'node:timers/promises';
import { decodeMeta } from '@posthorn/wire';
import type { EventId, Ms, TenantId } from '../../core/model.ts';
import { STATES } from '../log-format.ts';
import { outcomeFacts, subjectFact } from '../search-facts.ts';
import {
  DATA_BYTES_MAX,
  eventWords,
  type LoggedAttempt,
  loggedWords,
  RESPONSE_BYTES_MAX,
  upToBytes,
} from '../search-words.ts';
import type { Querying } from './database.ts';
import type { Day } from './partitions.ts';
import { typeFact } from './search-terms.ts';

/** What the text index reads of the log. */

/** Numbers of the log that one step looks at: also where there are few documents it ends soon. */
const NUMBERS_PER_STEP = 5000;
/** Terms of one event with all its attempts: the server takes as many as one value. */
export const TERMS_MAX = 4000;
/** Between two breaths: reading one takes some 50 µs, and sending goes on in this thread too. */
const DOCS_PER_BREATH = 16;

export interface DocKey {
  readonly slot: number;
  readonly day: Day;
  readonly id: EventId;
  readonly tenant: TenantId;
}

/** An event, or what is new of it. */
export interface Doc extends DocKey {
  readonly words: Set<string>;
  readonly facts: Set<string>;
}

export interface EventText extends DocKey {
  readonly arrival: number;
  readonly type: string;
  readonly idem: string | null;
  readonly meta: string;
  readonly data: Uint8Array;
  readonly created_at: Ms;
  readonly erased: boolean;
}

export interface AttemptText extends DocKey, LoggedAttempt {
  readonly seq: number;
  /** Its event is there and not erased. */
  readonly readable: boolean;
}

/** The numbers behind `from`, up to the last one that is final. */
export interface Span {
  readonly from: number;
  readonly final: number;
  readonly limit: number;
}

export interface Read<Row> {
  readonly rows: readonly Row[];
  /** All up to this number was read. */
  readonly to: number;
}

export async function nextEvents(tx: Querying, span: Span): Promise<Read<EventText>> {
  const end = endOf(span);
  if (end === span.from) return { rows: [], to: end };
  const read = await tx.all<EventText>(
    `select arrival, slot, day, id, tenant, type, idem, meta, created_at,
       substr(data, 1, ${DATA_BYTES_MAX}) as data, erased_at is not null as erased
     from event where arrival > $1 and arrival <= $2 order by arrival limit $3`,
    span.from,
    end,
    span.limit,
  );
  const rows = upToBytes(read);
  const all = rows.length === read.length && read.length < span.limit;
  return { rows, to: all ? end : (rows.at(-1)?.arrival ?? end) };
}

/** Those that did not succeed. */
export async function nextAttempts(tx: Querying, span: Span): Promise<Read<AttemptText>> {
  const end = endOf(span);
  if (end === span.from) return { rows: [], to: end };
  const rows = await tx.all<AttemptText>(
    `select a.seq, a.n, a.state, a.status, a.fault, a.detail,
       substr(a.res_body, 1, ${RESPONSE_BYTES_MAX}) as body, a.slot, a.event as id, a.tenant,
       coalesce(e.day, 0) as day, e.id is not null and e.erased_at is null as readable
     from attempt a left join event e on e.slot = a.slot and e.id = a.event
     where a.seq > $1 and a.seq <= $2 and a.state <> ${STATES.indexOf('succeeded')}
     order by a.seq limit $3`,
    span.from,
    end,
    span.limit,
  );
  return { rows, to: rows.length < span.limit ? end : (rows.at(-1)?.seq ?? end) };
}

/** What these say, an event at a time. */
export async function docsOf(
  events: readonly EventText[],
  attempts: readonly AttemptText[],
): Promise<Doc[]> {
  const docs = new Map<EventId, Doc>();
  const docOf = ({ slot, day, id, tenant }: DocKey): Doc => {
    const known = docs.get(id) ?? { slot, day, id, tenant, words: new Set(), facts: new Set() };
    docs.set(id, known);
    return known;
  };
  let read = 0;
  const pace = async () => {
    read += 1;
    if (read % DOCS_PER_BREATH === 0) await breath();
  };
  for (const event of events) {
    if (!event.erased) addEvent(docOf(event), event);
    await pace();
  }
  for (const attempt of attempts) {
    if (attempt.readable) addAttempt(docOf(attempt), attempt);
    await pace();
  }
  return [...docs.values()];
}

function addEvent({ words, facts }: Doc, { type, idem, meta, data }: EventText): void {
  facts.add(typeFact(type));
  const { subject } = decodeMeta(meta);
  if (subject !== undefined) facts.add(subjectFact(subject));
  for (const word of eventWords({ type, idempotencyKey: idem ?? undefined, meta, data })) {
    words.add(word);
  }
}

function addAttempt({ words, facts }: Doc, attempt: AttemptText): void {
  for (const fact of outcomeFacts(attempt)) facts.add(fact);
  for (const word of loggedWords(attempt)) {
    if (words.size + facts.size < TERMS_MAX) words.add(word);
  }
}

function endOf({ from, final }: Span): number {
  return Math.max(from, Math.min(from + NUMBERS_PER_STEP, final));
}
