import { createHash } from 'node:crypto';
import { isPattern } from '@posthorn/wire';
import type { TenantId } from '../../core/model.ts';
import { askedOutcomes, subjectFact } from '../search-facts.ts';
import type { LogQuery } from '../store.ts';

/**
 * What a document is found by. Every term begins with the number of its volume and its tenant's mark:
 * a search walks the volumes from the newest on and can stop anywhere, and one tenant's meets no
 * other's. Two tenants may share a mark; documents say whose they are.
 */

export interface Scope {
  /** Of the volume. */
  readonly n: number;
  readonly tenant: TenantId;
}

function markOf(tenant: TenantId): string {
  return createHash('sha256').update(tenant).digest('base64url').slice(0, 5);
}

export function wordTerms({ n, tenant }: Scope, words: Iterable<string>): string[] {
  const scope = `${n.toString(36)}.${markOf(tenant)}.`;
  return Array.from(words, (word) => scope + word);
}

/** Facts are told apart from words, which have letters and digits only. */
export function factTerms({ n, tenant }: Scope, facts: Iterable<string>): string[] {
  const scope = `${n.toString(36)}.${markOf(tenant)}#`;
  return Array.from(facts, (fact) => scope + fact);
}

export function typeFact(type: string): string {
  return `y${type}`;
}

/** In the language of tsquery. `outcomes`: all attempts are in the index. */
export function matchOf(scope: Scope, query: LogQuery, outcomes: boolean): string {
  const { words = [], prefixes = [] } = query.text ?? {};
  const facts = outcomes ? askedOutcomes(query) : [];
  if (query.subject !== undefined) facts.push(subjectFact(query.subject));
  if (query.type !== undefined && !isPattern(query.type)) facts.push(typeFact(query.type));
  return [
    ...[...wordTerms(scope, words), ...factTerms(scope, facts)].map(quoted),
    ...wordTerms(scope, prefixes).map((prefix) => `${quoted(prefix)}:*`),
  ].join(' & ');
}

function quoted(term: string): string {
  return `'${term.replaceAll(/['\\]/g, '$&$&')}'`;
}
