import type { Staged, StagedOutcome, StagedStore } from '../store.ts';
import { int8s, texts } from './arrays.ts';
import type { Context } from './context.ts';

/** One node routes them at a time, so that they keep their order. */
const LOCK = 7_067_847;

/** What `posthorn.publish()` left behind in committed transactions. */
export class PgStaged implements StagedStore {
  readonly #ctx: Context;

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  async drain(
    limit: number,
    publish: (rows: readonly Staged[]) => Promise<StagedOutcome[]>,
  ): Promise<number> {
    const { db } = this.#ctx;
    const any = await db.reads.get<object>('select 1 from staged limit 1');
    if (!any) return 0;
    return db.reads.transaction(async (tx) => {
      const turn = await tx.get<{ ours: boolean }>(
        `select pg_try_advisory_xact_lock(${LOCK}) as ours`,
      );
      if (!turn?.ours) return 0;
      const rows = await tx.all<Staged & { seq: number }>(
        'select seq, tenant, id, envelope from staged order by seq limit $1',
        limit,
      );
      const outcomes = await publish(rows);
      const refused = rows.flatMap(({ seq }, i) => {
        const outcome = outcomes[i];
        return outcome?.kind === 'refused' ? [{ seq, ...outcome }] : [];
      });
      if (refused.length > 0) {
        await tx.run(
          `insert into staged_refused (seq, tenant, id, envelope, staged_at, code, reason)
           select s.seq, s.tenant, s.id, s.envelope, s.staged_at, u.code, u.reason
           from unnest($1::bigint[], $2::text[], $3::text[]) u(seq, code, reason)
           join staged s using (seq)`,
          int8s(refused.map(({ seq }) => seq)),
          texts(refused.map(({ code }) => code)),
          texts(refused.map(({ reason }) => reason)),
        );
      }
      // A process that dies before this routes them again: their ids make that one event.
      await tx.run(
        'delete from staged where seq = any ($1::bigint[])',
        int8s(rows.map(({ seq }) => seq)),
      );
      return rows.length;
    });
  }
}
