import { decodeMeta } from '@posthorn/wire';
import type { Ms } from '../../../core/model.ts';
import { outcomeFacts, subjectFact } from '../../search-facts.ts';
import {
  DATA_BYTES_MAX,
  eventWords,
  type LoggedAttempt,
  loggedWords,
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

export interface AttemptText extends LoggedAttempt {
  readonly seq: number;
  readonly event: number;
  readonly tenant: number;
}
export const ATTEMPT_TEXT = `seq, event, tenant, n, state, status, fault, detail,
  substr(res_body, 1, ${RESPONSE_BYTES_MAX}) as body`;
/** What succeeded adds nothing. */
export const ADDS = 'state <> 1';

export function eventDoc(event: EventText): Doc {
  const { seq, tenant, type, type_text, idem, meta, data } = event;
  const terms = new Set<string>([typeTerm(tenant, type)]);
  const { subject } = decodeMeta(meta);
  if (subject !== undefined) terms.add(subjectTerm(tenant, subject));
  const said = { type: type_text, idempotencyKey: idem ?? undefined, meta, data };
  for (const word of eventWords(said)) terms.add(wordTerm(tenant, word));
  return { seq, terms };
}

/** How it ended, and what it says in words. */
export function attemptDoc(attempt: AttemptText): Doc {
  const { event, tenant } = attempt;
  const terms = new Set(outcomeFacts(attempt).map((fact) => factTerm(tenant, fact)));
  for (const word of loggedWords(attempt)) terms.add(wordTerm(tenant, word));
  return { seq: event, terms };
}

export function typeTerm(tenant: number, type: number): string {
  return factTerm(tenant, `y${type}`);
}

export function subjectTerm(tenant: number, subject: string): string {
  return factTerm(tenant, subjectFact(subject));
}

export function readEventTexts(log: Database, after: number, limit: number): EventText[] {
  return log.all<EventText>(
    `select ${EVENT_TEXT} from event e join word y on y.number = e.type
     where e.seq > ? order by e.seq limit ?`,
    after,
    limit,
  );
}
