import type { EventId, Ms, Slot } from '../../core/model.ts';
import { FLAG_ERASED } from '../log-format.ts';
import { uuid } from './arrays.ts';
import type { Querying } from './database.ts';
import { forgetWords } from './search-index.ts';

const ATTEMPTS_MAX = 200;
const BLANK = `req_head = null, body_before = null, body_after = null, res_head = null,
  res_body = null, flags = flags | ${FLAG_ERASED}`;

interface EventKey {
  readonly slot: Slot;
  readonly event: EventId;
}

/** Takes what the producer wrote into an event, apart from its type and its own id of it. */
export async function blankEvent(
  tx: Querying,
  { slot, event, now }: EventKey & { readonly now: Ms },
): Promise<void> {
  await tx.run(
    `update event set data = '', meta = '', subject = null, erased_at = $3
     where slot = $1 and id = $2`,
    slot,
    uuid(event),
    now,
  );
  await forgetWords(tx, [{ slot, id: event }]);
}

/** true = there are more. */
export async function blankSome(tx: Querying, { slot, event }: EventKey): Promise<boolean> {
  const blanked = await tx.run(
    `update attempt a set ${BLANK} from (
       select slot, tenant, seq, day from attempt
       where slot = $1 and event = $2 and n > 0 and flags & ${FLAG_ERASED} = 0 limit $3) b
     where a.slot = b.slot and a.tenant = b.tenant and a.seq = b.seq and a.day = b.day`,
    slot,
    uuid(event),
    ATTEMPTS_MAX,
  );
  return blanked === ATTEMPTS_MAX;
}

/** What was logged of an event before its erasure reached the sender. */
export async function blankLogged(tx: Querying, { slot, event }: EventKey): Promise<void> {
  await tx.run(
    `update attempt set ${BLANK}
     where slot = $1 and event = $2 and n > 0 and flags & ${FLAG_ERASED} = 0`,
    slot,
    uuid(event),
  );
}
