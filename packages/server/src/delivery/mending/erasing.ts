import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import type { EventId, Ms, TenantId } from '../../core/model.ts';
import type { LogStore } from '../../store/store.ts';

export interface ErasingOptions {
  readonly log: Pick<LogStore, 'erase'>;
  readonly clock: Clock;
}

export interface ErasedPayload {
  readonly event: EventId;
  readonly erasedAt: Ms;
  /** Deliveries that were pending. */
  readonly cancelled: number;
  /** Being sent this moment: they end cancelled, unless a success was on its way. */
  readonly sending: number;
}

/** What privacy law asks of a person's data. */
export class Erasing {
  readonly #options: ErasingOptions;

  constructor(options: ErasingOptions) {
    this.#options = options;
  }

  /** Once more is nothing more. Rejects `not_found`. */
  async erasePayload(tenant: TenantId, event: EventId): Promise<ErasedPayload> {
    const { log, clock } = this.#options;
    const now = clock.now();
    let [cancelled, sending, erasedAt] = [0, 0, now];
    for (let from: number | undefined = 0; from !== undefined; ) {
      const done = await log.erase({ tenant, event, from }, now);
      if (!done) throw new AppError('not_found', 'There is no such event.');
      cancelled += done.cancelled;
      sending += done.asked;
      erasedAt = done.erasedAt;
      from = done.next;
    }
    return { event, erasedAt, cancelled, sending };
  }
}
