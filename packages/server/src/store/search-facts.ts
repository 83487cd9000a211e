import { createHash } from 'node:crypto';
import type { Fault } from '../core/exchange.ts';
import { STATES } from './log-format.ts';
import type { LoggedAttempt } from './search-words.ts';
import type { LogQuery } from './store.ts';

/**
 * What the text index knows of an event beside its words, so that a search that other filters narrow
 * does not look at all that has the words: short texts, the same in what is indexed and in what is asked.
 */

/** By its hash, because a subject is found as a whole and may be anything. */
export function subjectFact(subject: string): string {
  return `s${createHash('sha256').update(subject).digest('hex').slice(0, 20)}`;
}

/** Of an attempt that did not succeed. */
export function outcomeFacts({ state, status, fault }: LoggedAttempt): string[] {
  const facts = [stateFact(state)];
  if (status !== null) facts.push(statusFact(status), classFact(status));
  if (fault !== null) facts.push(faultFact(fault));
  return facts;
}

/** An event that has what is asked for has an attempt like that; which one is asked of the log. */
export function askedOutcomes({ state, status, fault }: LogQuery): string[] {
  const facts: string[] = [];
  if (state === 'failed' || state === 'cancelled') facts.push(stateFact(STATES.indexOf(state)));
  if (fault !== undefined) facts.push(faultFact(fault));
  if (status === undefined || (status.least <= 299 && status.most >= 200)) return facts;
  const { least, most } = status;
  if (least === most) facts.push(statusFact(least));
  else if (least % 100 === 0 && most === least + 99) facts.push(classFact(least));
  return facts;
}

const stateFact = (state: number): string => `e${state}`;
const statusFact = (status: number): string => `t${status}`;
const classFact = (status: number): string => `c${Math.floor(status / 100)}`;
// An underscore would end a term of FTS5.
const faultFact = (fault: Fault): string => `f${fault.replaceAll('_', '')}`;
