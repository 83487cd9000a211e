import type { Client } from '@posthorn/api/browser';
import type { CaptureRow } from '../../data/types.ts';
import { type AnswerDraft, answerDraftOf, answerOf, PLAIN_ANSWER } from './answer.ts';

export type Rule = Awaited<ReturnType<Client['getInboxRules']>>['rules'][number];

/** A rule as it stands in the editor. `key` tells rules apart while they move. */
export interface RuleDraft {
  readonly key: string;
  readonly id: string | undefined;
  readonly name: string;
  readonly enabled: boolean;
  readonly methods: readonly string[];
  readonly path: string;
  readonly query: string;
  readonly nthFrom: string;
  readonly nthTo: string;
  readonly nthEvery: string;
  readonly percent: string;
  readonly answer: AnswerDraft;
  readonly hits: number;
}

export function newRule(key: string, change: Partial<RuleDraft> = {}): RuleDraft {
  return {
    key,
    id: undefined,
    name: '',
    enabled: true,
    methods: [],
    path: '',
    query: '',
    nthFrom: '',
    nthTo: '',
    nthEvery: '',
    percent: '',
    answer: PLAIN_ANSWER,
    hits: 0,
    ...change,
  };
}

/** Fits requests such as this one: the same method and path, whatever is in them. */
export function ruleLike({ method, path }: Pick<CaptureRow, 'method' | 'path'>): RuleDraft {
  const bare = path.split('?', 1)[0] || '/';
  return newRule('like', { name: `${method} ${bare}`, methods: [method], path: bare });
}

export function ruleDraftOf(rule: Rule): RuleDraft {
  const { id, name, enabled, when, hits } = rule;
  const { nth, probability } = when;
  return {
    key: id,
    id,
    name,
    enabled,
    hits,
    methods: when.methods,
    path: when.path ?? '',
    query: when.query ?? '',
    nthFrom: nth ? String(nth.from) : '',
    nthTo: nth?.to ? String(nth.to) : '',
    nthEvery: nth ? String(nth.every) : '',
    percent: probability === null ? '' : String(Math.round(probability * 10_000) / 100),
    answer: answerDraftOf(rule.answer),
  };
}

export function ruleOf(draft: RuleDraft) {
  const { id, name, enabled, methods, path, query, percent, answer } = draft;
  return {
    ...(id === undefined ? {} : { id }),
    name: name.trim(),
    enabled,
    when: {
      methods: methods.map((method) => method.toUpperCase()),
      path: path.trim() === '' ? null : path.trim(),
      query: query.trim() === '' ? null : query.trim(),
      nth: nthOf(draft),
      probability: percent.trim() === '' ? null : Number(percent) / 100,
    },
    answer: answerOf(answer),
  };
}

function nthOf({ nthFrom, nthTo, nthEvery }: RuleDraft) {
  const given = [nthFrom, nthTo, nthEvery].some((text) => text.trim() !== '');
  if (!given) return null;
  return {
    from: Number(nthFrom.trim() || 1),
    to: nthTo.trim() === '' ? null : Number(nthTo),
    every: Number(nthEvery.trim() || 1),
  };
}
