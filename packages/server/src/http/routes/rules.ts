import type * as api from '@posthorn/api';
import type { Inbox } from '../../core/inbox.ts';
import type { Versioned } from '../../store/config-writer.ts';
import type { Handlers } from '../handlers.ts';
import type { HttpDeps } from '../ports.ts';
import { answerToApi, keyOf, read } from './inboxes.ts';

type Ids = 'getInboxRules' | 'putInboxRules';

export function ruleRoutes(deps: HttpDeps): Pick<Handlers, Ids> {
  const { inboxes, store } = deps.inbox;

  async function shown({ value, version }: Versioned<Inbox>) {
    const answered = await store.captures.answered(keyOf(value));
    const rules = value.rules.map(
      (rule): api.InboxRule => ({
        id: rule.id,
        name: rule.name,
        enabled: rule.enabled,
        when: { ...rule.when, methods: [...rule.when.methods] },
        answer: answerToApi(rule.answer),
        hits: answered.get(`rule:${rule.id}`) ?? 0,
      }),
    );
    return { rules, version };
  }

  return {
    async getInboxRules({ params }) {
      return shown(await read(deps, params));
    },

    async putInboxRules({ params, body }) {
      const address = { tenant: params.tenant, id: params.inbox, version: body.version };
      const rules = body.rules.map((rule) => ({ ...rule, id: rule.id }));
      return shown(await inboxes.setRules(address, rules));
    },
  };
}
