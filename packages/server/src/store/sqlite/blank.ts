import type { Ms } from '../../core/model.ts';
import { FLAG_ERASED } from '../log-format.ts';
import type { Engine } from './engine.ts';

/** Takes an attempt's bytes and leaves what happened: when, how long, with which status or fault. */
export function blankAttempt({ db }: Engine, seq: number): void {
  db.run(
    `update attempt set req_head = null, body_before = null, body_after = null, res_head = null,
       res_body = null, flags = flags | ${FLAG_ERASED} where seq = ?`,
    seq,
  );
}

/** Takes what the producer wrote into an event, apart from its type and its own id of it. */
export function blankEvent({ db }: Engine, seq: number, now: Ms): number {
  return db.run("update event set data = x'', meta = '', erased_at = ? where seq = ?", now, seq);
}
