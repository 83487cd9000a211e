import { isPattern } from '@posthorn/wire';
import type { LogQuery } from '../store.ts';
import type { Database, Value } from './database.ts';
import { type EventKey, eventKey, seqAt } from './keys.ts';

/** Terms that must all hold. */
export class Where {
  readonly values: Value[] = [];
  readonly #terms: string[] = [];
  add(term: string, ...values: Value[]): void {
    this.#terms.push(term);
    this.values.push(...values);
  }
  get isEmpty(): boolean {
    return this.#terms.length === 0;
  }
  get sql(): string {
    return this.#terms.length === 0 ? 'true' : this.#terms.join(' and ');
  }
}

/** A query with what it names looked up. */
export interface Narrow {
  readonly query: LogQuery;
  /** Of the tenant's word. */
  readonly tenant: number;
  readonly event: EventKey | undefined;
  /** Of the endpoint. */
  readonly number: number | undefined;
  /** Of the type's word; undefined = none is asked for, or a pattern is. */
  readonly type: number | undefined;
  readonly pattern: string | undefined;
}

/** undefined = it names something that there is not, so nothing fits. */
export function narrowed(db: Database, query: LogQuery): Narrow | undefined {
  const tenant = wordOf(db, query.tenant);
  if (tenant === undefined) return undefined;
  const pattern = query.type !== undefined && isPattern(query.type) ? query.type : undefined;
  const exact = pattern === undefined ? query.type : undefined;
  const type = exact === undefined ? undefined : wordOf(db, exact);
  if (exact !== undefined && type === undefined) return undefined;
  const number = query.endpoint === undefined ? undefined : numberOf(db, query.endpoint);
  if (query.endpoint !== undefined && number === undefined) return undefined;
  const named = query.event !== undefined || query.idempotencyKey !== undefined;
  const event = named ? findEvent(db, tenant, query) : undefined;
  if (named && !event) return undefined;
  return { query, tenant, event, number, type, pattern };
}

export function wordOf(db: Database, text: string): number | undefined {
  return db.get<{ number: number }>('select number from word where text = ?', text)?.number;
}

export function numberOf(db: Database, endpoint: string): number | undefined {
  return db.get<{ number: number }>(
    'select number from endpoint_number where endpoint = ?',
    endpoint,
  )?.number;
}

export const SUBJECT = "case e.meta when '' then null else json_extract(e.meta, '$.subject') end";

/** The one that is all that is given: id, idempotency key, subject. */
function findEvent(db: Database, tenant: number, query: LogQuery): EventKey | undefined {
  const where = new Where();
  where.add('e.tenant = ?', tenant);
  if (query.event !== undefined) {
    const key = eventKey(query.event);
    if (!key) return undefined;
    where.add('e.seq = ? and e.rest = ?', key.seq, key.rest);
  }
  if (query.idempotencyKey !== undefined) where.add('e.idem = ?', query.idempotencyKey);
  if (query.subject !== undefined) where.add(`${SUBJECT} = ?`, query.subject);
  return db.get<EventKey>(
    `select e.seq as seq, e.rest as rest from event e where ${where.sql}`,
    ...where.values,
  );
}

/** What a query says of the events themselves (`e`, their type `y`); time aside. */
export function eventTerms(where: Where, narrow: Narrow, type: 'e.type' | 'a.type'): void {
  const { query, pattern } = narrow;
  if (narrow.type !== undefined) where.add(`${type} = ?`, narrow.type);
  // Types have neither `?` nor `[`, so GLOB means what a pattern of ours means.
  if (pattern !== undefined) where.add('y.text glob ?', pattern);
  if (query.subject !== undefined) where.add(`${SUBJECT} = ?`, query.subject);
}

/** An id's time may run ahead of the clock, when more than 4,096 are made in a millisecond. */
const AHEAD_MS = 1000;

/** Events stored in the asked time have keys between these. */
export function eventSpan({ from, to }: Pick<LogQuery, 'from' | 'to'>): {
  least: number;
  before: number;
} {
  return {
    least: from === undefined ? Number.MIN_SAFE_INTEGER : seqAt(from),
    before: to === undefined ? Number.MAX_SAFE_INTEGER : seqAt(to + AHEAD_MS),
  };
}
