import { z } from 'zod';
import { None, Version } from './common.ts';
import { INBOX, InboxAnswer, InboxAnswerInput, InboxParams } from './inboxes.ts';
import type { Operation } from './operation.ts';

const nth = {
  from: z.int().min(1).max(1_000_000).meta({ description: 'The first request that counts.' }),
  to: z.int().min(1).max(1_000_000).nullable(),
  every: z.int().min(1).max(1_000_000).meta({ description: '3: each third from there on.' }),
};

const when = {
  methods: z
    .array(z.string().regex(/^[A-Z]{1,32}$/))
    .max(20)
    .meta({
      description: 'Empty = every method.',
    }),
  path: z.string().min(1).max(500).nullable().meta({
    description: 'Below the inbox, without the query; * is any text: /orders/*',
  }),
  query: z.string().min(1).max(1000).nullable().meta({
    description: 'As in a search: headers.x-event:push body.user.id:42',
  }),
  nth: z.strictObject(nth).nullable().meta({
    description: 'Which of the requests that fit the rest; counted from the last change on.',
  }),
  probability: z.number().min(0).max(1).nullable().meta({ description: 'Of those that fit.' }),
};
const id = z.string().regex(/^[0-9a-z]{10}$/);
const name = z.string().max(200);

const When = z.strictObject(when).meta({ id: 'RuleMatch' });
const WhenInput = z
  .strictObject({
    methods: when.methods.default([]),
    path: when.path.default(null),
    query: when.query.default(null),
    nth: z
      .strictObject({
        from: nth.from.default(1),
        to: nth.to.default(null),
        every: nth.every.default(1),
      })
      .nullable()
      .default(null),
    probability: when.probability.default(null),
  })
  .meta({ id: 'RuleMatchInput', description: 'Every condition that is given must hold.' });

export const InboxRule = z
  .strictObject({
    id,
    name,
    enabled: z.boolean(),
    when: When,
    answer: InboxAnswer,
    hits: z.int().meta({ description: 'Captures that are kept and were answered by it.' }),
  })
  .meta({ id: 'InboxRule' });
export type InboxRule = z.infer<typeof InboxRule>;

export const InboxRules = z
  .strictObject({ rules: z.array(InboxRule).max(100), version: Version })
  .meta({ id: 'InboxRules' });

export const InboxRulesInput = z
  .strictObject({
    rules: z
      .array(
        z.strictObject({
          id: id.optional().meta({ description: 'Of a rule that is there; left out = a new one.' }),
          name: name.default(''),
          enabled: z.boolean().default(true),
          when: WhenInput.prefault({}),
          answer: InboxAnswerInput,
        }),
      )
      .max(100),
    version: Version.optional(),
  })
  .meta({ id: 'InboxRulesInput' });

export const ruleOperations = {
  getInboxRules: {
    method: 'GET',
    path: `${INBOX}/rules`,
    scope: 'read',
    tag: 'Rules',
    summary: 'Get the rules by which an inbox answers, in order',
    params: InboxParams,
    query: None,
    responses: { 200: { description: 'The rules.', body: InboxRules } },
  },
  putInboxRules: {
    method: 'PUT',
    path: `${INBOX}/rules`,
    scope: 'write',
    tag: 'Rules',
    summary: 'Replace the rules; the first one that fits a request answers it',
    params: InboxParams,
    query: None,
    body: InboxRulesInput,
    responses: { 200: { description: 'The rules as they are now.', body: InboxRules } },
    problems: ['conflict'],
  },
} as const satisfies Record<string, Operation>;
