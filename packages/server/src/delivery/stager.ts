import { EnvelopeError, parseEvents } from '@posthorn/wire';
import type { Clock } from '../core/clock.ts';
import { AppError, type ErrorCode } from '../core/errors.ts';
import type { Ms } from '../core/model.ts';
import type { Staged, StagedOutcome, StagedStore } from '../store/store.ts';
import type { Publisher } from './publish.ts';
import { Rounds } from './rounds.ts';

export interface StagerOptions {
  readonly staged: StagedStore;
  readonly publisher: Pick<Publisher, 'publish'>;
  readonly clock: Clock;
  readonly log: { warn(fields: object, message: string): void };
}

const EVERY_MS = 200;
const BATCH = 500;
/** What the event itself is at fault for; everything else is tried again. */
const REFUSALS: readonly ErrorCode[] = [
  'invalid_json',
  'invalid_request',
  'payload_too_large',
  'not_found',
  'idempotency_conflict',
  'event_invalid',
];

/** Routes what was published in other people's transactions, as if it had been posted just now. */
export class Stager {
  readonly #o: StagerOptions;
  readonly #rounds: Rounds;

  constructor(options: StagerOptions) {
    this.#o = options;
    this.#rounds = new Rounds(options.clock, () => this.#step());
  }

  start(): void {
    this.#rounds.start(EVERY_MS);
  }

  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  async #step(): Promise<Ms> {
    try {
      const taken = await this.#o.staged.drain(BATCH, (rows) => this.#publish(rows));
      return taken === BATCH ? 0 : EVERY_MS;
    } catch (err) {
      this.#o.log.warn({ err }, 'staged events wait: they could not be routed');
      return EVERY_MS;
    }
  }

  /** Asked for in order, so stored in order; one that is refused stops no other. */
  async #publish(rows: readonly Staged[]): Promise<StagedOutcome[]> {
    const asked = await Promise.allSettled(rows.map((row) => this.#publishOne(row)));
    return asked.map((outcome) => {
      if (outcome.status === 'fulfilled') return { kind: 'published' };
      const refusal = refusalOf(outcome.reason);
      if (!refusal) throw outcome.reason;
      return refusal;
    });
  }

  async #publishOne({ tenant, envelope }: Staged): Promise<void> {
    const { events } = parseEvents(Buffer.from(envelope), {});
    await this.#o.publisher.publish(tenant, events);
  }
}

function refusalOf(error: unknown): StagedOutcome | undefined {
  if (error instanceof EnvelopeError) {
    return { kind: 'refused', code: error.code, reason: error.message };
  }
  if (!(error instanceof AppError) || !REFUSALS.includes(error.code)) return undefined;
  return { kind: 'refused', code: error.code, reason: error.message };
}
