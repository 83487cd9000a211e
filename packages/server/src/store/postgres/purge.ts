import type { EventId, JobId, LaneId, Ms, Slot, TenantId } from '../../core/model.ts';
import { slotOf } from '../../core/routing.ts';
import { type Purged, purged } from '../jobs.ts';
import { int8s, uuid } from './arrays.ts';
import { blankEvent } from './blank.ts';
import { carryOutAll } from './commands.ts';
import type { Context } from './context.ts';
import type { Querying } from './database.ts';
import { cancelsOf } from './erase-event.ts';
import { lockJob, writeJob } from './job-rows.ts';
import { forgetWords } from './search-index.ts';

interface EventRow {
  readonly id: EventId;
  readonly lanes: readonly LaneId[];
  readonly bytes: number;
}

/** What one step may take, beside its rows. */
const STEP_BYTES = 1024 * 1024;
/** Of one event, of one step. */
const LANES_MAX = 1000;

/** Some events of a tenant and all that belongs to them; with the last one, its replays. */
export function purgeStep(
  ctx: Context,
  id: JobId,
  by: { readonly limit: number; readonly now: Ms },
): Promise<Purged | undefined> {
  return ctx.db.writes.transaction(async (tx) => {
    const job = await lockJob(tx, id);
    if (job?.state !== 'running' || job.spec.kind !== 'purge') return undefined;
    const step = new PurgeStep(ctx, tx, { ...by, slot: slotOf(job.tenant) });
    const over = await step.run(job.tenant);
    if (over) await tx.run("delete from job where tenant = $1 and kind <> 'purge'", job.tenant);
    const moved = purged(job, step.events, { now: by.now, over });
    await writeJob(tx, moved);
    return { job: moved, waiting: step.waiting };
  });
}

class PurgeStep {
  events = 0;
  readonly waiting: EventId[] = [];
  readonly #ctx: Context;
  readonly #tx: Querying;
  readonly #by: { readonly limit: number; readonly now: Ms; readonly slot: Slot };
  /** What it may still do. */
  #rows: number;
  #bytes = STEP_BYTES;

  constructor(
    ctx: Context,
    tx: Querying,
    by: { readonly limit: number; readonly now: Ms; readonly slot: Slot },
  ) {
    this.#ctx = ctx;
    this.#tx = tx;
    this.#by = by;
    this.#rows = by.limit;
  }

  /** true = there is nothing left. */
  async run(tenant: TenantId): Promise<boolean> {
    const { limit, slot } = this.#by;
    // Locked: what is owed again meanwhile waits, and then finds nothing.
    const found = await this.#tx.all<EventRow>(
      `select id, lanes, length(data) as bytes from event
       where slot = $1 and tenant = $2 order by id limit $3 for update`,
      slot,
      tenant,
      limit,
    );
    for (const row of found) {
      if (this.#rows <= 0 || this.#bytes <= 0) return false;
      await this.#event(row);
    }
    return found.length < limit && this.events === found.length;
  }

  async #event({ id, lanes, bytes }: EventRow): Promise<void> {
    const { slot, now } = this.#by;
    this.#rows -= 1;
    this.#bytes -= bytes;
    // What is not owed yet will not be.
    const expansion = 'delete from expansion where slot = $1 and event = $2';
    await this.#tx.run(expansion, slot, uuid(id));
    const part = lanes.slice(0, LANES_MAX);
    const commands = await cancelsOf(this.#tx, { slot, event: id, lanes: part });
    const answers = await carryOutAll(this.#ctx, this.#tx, { commands, now });
    this.#rows -= answers.length;
    if (answers.includes('queued')) {
      await blankEvent(this.#tx, { slot, event: id, now });
      this.waiting.push(id);
      return;
    }
    const left = lanes.slice(part.length);
    // The log goes last: what has no end in it counts as owed.
    if (left.length === 0 && (await this.#forgetAttempts(id))) return this.#forgetEvent(id);
    await this.#tx.run(
      'update event set lanes = $3 where slot = $1 and id = $2',
      slot,
      uuid(id),
      int8s(left),
    );
  }

  async #forgetEvent(event: EventId): Promise<void> {
    await forgetWords(this.#tx, [{ slot: this.#by.slot, id: event }]);
    this.events += await this.#tx.run(
      `with gone as (delete from event where slot = $1 and id = $2 returning slot, tenant, idem)
       , keys as (
         delete from idem i using gone g
         where i.slot = g.slot and i.tenant = g.tenant and i.key = g.idem)
       select 1 from gone`,
      this.#by.slot,
      uuid(event),
    );
  }

  /** true = there are none any more. */
  async #forgetAttempts(event: EventId): Promise<boolean> {
    const chunk = Math.max(this.#rows, 1);
    const gone = await this.#tx.all<{ bytes: number }>(
      `delete from attempt a using (
         select slot, tenant, seq, day from attempt where slot = $1 and event = $2 limit $3) b
       where a.slot = b.slot and a.tenant = b.tenant and a.seq = b.seq and a.day = b.day
       returning coalesce(length(a.body_before), 0) + coalesce(length(a.body_after), 0)
         + coalesce(length(a.res_body), 0) as bytes`,
      this.#by.slot,
      uuid(event),
      chunk,
    );
    this.#rows -= gone.length;
    for (const { bytes } of gone) this.#bytes -= bytes;
    return gone.length < chunk;
  }
}
