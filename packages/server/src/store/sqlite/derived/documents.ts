import { createHash } from 'node:crypto';
import type { Fault } from '../../../core/exchange.ts';
import type { EventMeta, Ms } from '../../../core/model.ts';
import {
  attemptWords,
  DATA_BYTES_MAX,
  eventWords,
  RESPONSE_BYTES_MAX,
} from '../../search-words.ts';
import type { Database } from '../database.ts';
import { type Doc, factTerm, wordTerm } from './volumes.ts';

export interface EventText {
  readonly seq: number;
  readonly tenant: number;
  readonly type: number;
  readonly type_text: string;
  readonly idem: string | null;
  readonly meta: string;
  readonly data: Uint8Array;
  readonly created_at: Ms;
  readonly erased_at: Ms | null;
}
/** `e` is the event, `y` the word of its type. A part of nothing is null. */
export const EVENT_TEXT = `e.seq as seq, e.tenant as tenant, e.type as type, y.text as type_text,
  e.idem as idem, e.meta as meta, ifnull(substr(e.data, 1, ${DATA_BYTES_MAX}), x'') as data,
  e.created_at as created_at, e.erased_at as erased_at`;

export interface AttemptText {
  readonly seq: number;
  readonly event: number;
  readonly tenant: number;
  readonly status: number | null;
  readonly fault: Fault | null;
  readonly detail: string;
  readonly body: Uint8Array | null;
}
export const ATTEMPT_TEXT = `seq, event, tenant, status, fault, detail,
  substr(res_body, 1, ${RESPONSE_BYTES_MAX}) as body`;
/** What `isTold` says of an attempt. */
export const IS_TOLD = 'state <> 1 and n > 0';

export function eventDoc(event: EventText): Doc {
  const { seq, tenant, type, type_text, idem, meta, data } = event;
  const terms = new Set<string>([typeTerm(tenant, type)]);
  const subject = meta === '' ? undefined : (JSON.parse(meta) as EventMeta).subject;
  if (subject !== undefined) terms.add(subjectTerm(tenant, subject));
  const said = { type: type_text, idempotencyKey: idem ?? undefined, meta, data };
  for (const word of eventWords(said)) terms.add(wordTerm(tenant, word));
  return { seq, terms };
}

export function attemptDoc({ event, tenant, status, fault, detail, body }: AttemptText): Doc {
  const terms = new Set<string>();
  const said = {
    detail,
    fault: fault ?? undefined,
    status: status ?? undefined,
    responseBody: body ?? NOTHING,
  };
  for (const word of attemptWords(said)) terms.add(wordTerm(tenant, word));
  return { seq: event, terms };
}

const NOTHING = new Uint8Array();

export function typeTerm(tenant: number, type: number): string {
  return factTerm(tenant, `y${type}`);
}

/** By its hash, because a subject is found as a whole and may be anything. */
export function subjectTerm(tenant: number, subject: string): string {
  const hash = createHash('sha256').update(subject).digest('hex').slice(0, 20);
  return factTerm(tenant, `s${hash}`);
}

export function readEventTexts(log: Database, after: number, limit: number): EventText[] {
  return log.all<EventText>(
    `select ${EVENT_TEXT} from event e join word y on y.number = e.type
     where e.seq > ? order by e.seq limit ?`,
    after,
    limit,
  );
}
