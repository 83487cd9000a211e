import type { Ms } from '../../core/model.ts';
import type { InboxKey, RuleCounts } from '../inbox.ts';
import type { InboxConnections } from './open-inbox.ts';

/** One row for each rule that counts; those of rules that are no more go with the next change. */
export class PgRuleCounts implements RuleCounts {
  readonly #db: InboxConnections;

  constructor(db: InboxConnections) {
    this.#db = db;
  }

  async fitted({ slot, inbox }: InboxKey, rule: string, since: Ms): Promise<number> {
    const row = await this.#db.progress.get<{ fitted: number }>(
      `with gone as (
         delete from rule_count where slot = $1 and inbox = $2 and rule <> $3 and since < $4)
       insert into rule_count as c (slot, inbox, rule, since, fitted) values ($1, $2, $3, $4, 1)
       on conflict (slot, inbox, rule) do update set
         fitted = case when c.since < excluded.since then 1 else c.fitted + 1 end,
         since = greatest(c.since, excluded.since)
       returning fitted`,
      slot,
      inbox,
      rule,
      since,
    );
    return row?.fitted ?? 0;
  }
}
