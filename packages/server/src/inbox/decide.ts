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
}

export function decide(inbox: Inbox, input: DecideInput): Decision {
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
  for (const compiled of inbox.rules.length > 0 ? compiledRules(inbox) : []) {
    const { rule } = compiled;
    if (fits(compiled, input))
      return { by: `rule:${rule.id}`, answer: rule.answer, literal: false };
  }
  const { answer } = inbox;
  return { by: answer.kind === 'live' ? 'live' : 'default', answer, literal: false };
}

interface CompiledRule {
  readonly rule: Rule;
  readonly query: Query | undefined;
  /** Requests that fitted the rest, since the inbox was last changed, on this node. */
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

function fits(compiledRule: CompiledRule, { subject, nowMs, random }: DecideInput): boolean {
  const { rule, query } = compiledRule;
  const { methods, path, nth, probability } = rule.when;
  if (methods.length > 0 && !methods.includes(subject.method)) return false;
  if (path !== null && !matchesGlob(path, subject.path)) return false;
  if (query && !matchesQuery(query, subject, nowMs)) return false;
  if (nth !== null) {
    compiledRule.seen += 1;
    const at = compiledRule.seen;
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
