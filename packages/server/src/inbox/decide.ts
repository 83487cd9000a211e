import { matchesGlob, matchesQuery, parseQuery, type Query } from '@posthorn/wire';
import type { Answer, Inbox, Reply, Rule } from '../core/inbox.ts';
import type { Ms } from '../core/model.ts';
import { answerHandshake } from './handshakes.ts';
import type { Subject } from './subject.ts';

/** How a request is answered, before anybody has seen it: the first of these that fits. */
export interface Decision {
  /**
   * What the capture's log shows: `refused`, `handshake:<name>`, `rule:<id>`, `live`, `fallback`,
   * `default`.
   */
  readonly by: string;
  readonly answer: Answer;
  /** The body is said as it stands: it is no template of the owner's. */
  readonly literal: boolean;
}

export interface DecideInput {
  readonly subject: Subject;
  /** Its body was too large, and only its beginning is kept. */
  readonly tooLarge: boolean;
  readonly nowMs: Ms;
  /** 0…1 */
  readonly random: () => number;
  /**
   * The how manyeth request this is that fits the rest of a rule, on all nodes that share the store;
   * undefined = there are no others, and it is counted here.
   */
  readonly count: ((rule: string) => Promise<number>) | undefined;
}

/** A promise only where a rule is asked that counts, and others count too. */
export function decide(inbox: Inbox, input: DecideInput): Decision | Promise<Decision> {
  if (input.tooLarge) {
    return { by: 'refused', answer: { kind: 'reply', ...TOO_LARGE }, literal: true };
  }
  if (inbox.handshakes) {
    const handshake = answerHandshake(input.subject, inbox.signing.secrets[0]);
    if (handshake) {
      const answer = { kind: 'reply', ...handshake.reply } as const;
      return { by: `handshake:${handshake.name}`, answer, literal: true };
    }
  }
  if (inbox.rules.length > 0) return decideByRules(inbox, input, 0);
  return decideByDefault(inbox);
}

function decideByRules(
  inbox: Inbox,
  input: DecideInput,
  first: number,
): Decision | Promise<Decision> {
  const rules = compiledRules(inbox);
  for (let i = first; i < rules.length; i++) {
    const one = rules[i] as CompiledRule;
    if (!fits(one, input)) continue;
    const { id, answer } = one.rule;
    const decision = { by: `rule:${id}`, answer, literal: false };
    const at = countOf(one, input);
    if (at instanceof Promise) {
      return at.then((n) =>
        isMeant(one, n, input) ? decision : decideByRules(inbox, input, i + 1),
      );
    }
    if (isMeant(one, at, input)) return decision;
  }
  return decideByDefault(inbox);
}

function decideByDefault({ answer }: Inbox): Decision {
  return { by: answer.kind === 'live' ? 'live' : 'default', answer, literal: false };
}

interface CompiledRule {
  readonly rule: Rule;
  readonly query: Query | undefined;
  /** Requests that fitted the rest, since the inbox was last changed, if this process counts them. */
  seen: number;
}

const compiled = new WeakMap<Inbox, CompiledRule[]>();

function compiledRules(inbox: Inbox): CompiledRule[] {
  const known = compiled.get(inbox);
  if (known) return known;
  const rules = inbox.rules
    .filter(({ enabled }) => enabled)
    .map((rule) => ({
      rule,
      query: rule.when.query === null ? undefined : parseQuery(rule.when.query),
      seen: 0,
    }));
  compiled.set(inbox, rules);
  return rules;
}

function fits({ rule, query }: CompiledRule, { subject, nowMs }: DecideInput): boolean {
  const { methods, path } = rule.when;
  if (methods.length > 0 && !methods.includes(subject.method)) return false;
  if (path !== null && !matchesGlob(path, subject.path)) return false;
  return !query || matchesQuery(query, subject, nowMs);
}

function countOf(one: CompiledRule, { count }: DecideInput): number | Promise<number> {
  if (one.rule.when.nth === null) return 0;
  if (count) return count(one.rule.id);
  one.seen += 1;
  return one.seen;
}

/** Of those that fit, it is one that the rule is for. */
function isMeant({ rule }: CompiledRule, at: number, { random }: DecideInput): boolean {
  const { nth, probability } = rule.when;
  if (nth !== null) {
    if (at < nth.from || at > (nth.to ?? Number.POSITIVE_INFINITY)) return false;
    if ((at - nth.from) % nth.every !== 0) return false;
  }
  return probability === null || random() < probability;
}

const TOO_LARGE: Reply = {
  status: 413,
  headers: [],
  body: 'The body is larger than this inbox keeps; only its beginning was.\n',
  delayMs: 0,
  fault: null,
};
