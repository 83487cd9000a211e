import type { Clock } from '../../core/clock.ts';
import type { At } from '../../core/crash-sites.ts';
import type { InboxId, InboxName } from '../../core/inbox.ts';
import type { JobId, Ms, TenantId } from '../../core/model.ts';
import { slotOf } from '../../core/routing.ts';
import { type Tracer, traced } from '../../core/tracing.ts';
import { type ConfigWriter, deletion, isConflict } from '../../store/config-writer.ts';
import type { InboxKey, InboxStore } from '../../store/inbox.ts';
import type { Job, JobStore } from '../../store/jobs.ts';
import type { ConfigChange, ConfigItem, ConfigKind, ConfigStore } from '../../store/store.ts';
import { Rounds } from '../rounds.ts';
import { stepSpan } from './step-span.ts';

export interface PurgeRunnerOptions {
  readonly jobs: JobStore;
  readonly store: ConfigStore;
  readonly writer: ConfigWriter;
  readonly inboxes: Pick<InboxStore, 'captures' | 'maintain'>;
  readonly clock: Clock;
  readonly log: { warn(fields: object, message: string): void };
  readonly at: At;
  /** undefined = nobody traces. */
  readonly tracer: Tracer | undefined;
  /** Other nodes ask for purges too: they are looked for. */
  readonly shared: boolean;
}

/**
 * What becomes of each kind of thing, in this order: without its tenant nothing can be added, and
 * without endpoints nothing more is owed. Names of inboxes rest like all that are released, so that
 * nobody is given what senders still send to them.
 */
const KINDS: Readonly<Record<ConfigKind, 'goes' | 'rests'>> = {
  tenant: 'goes',
  key: 'goes',
  session: 'goes',
  app: 'goes',
  'grant-name': 'goes',
  grant: 'goes',
  endpoint: 'goes',
  'event-type': 'goes',
  'inbox-name': 'rests',
  inbox: 'goes',
  visit: 'goes',
  audit: 'goes',
  crossing: 'goes',
  shard: 'goes',
};

const JOBS_MAX = 20;
const ROWS = 200;
const ITEMS = 200;
const CAPTURES = 500;
const BUSY_MS = 5;
const WAITING_MS = 100;
const FAILED_MS = 1000;
const LOOK_MS = 2000;

/**
 * Carries purges out: first what is configured, then what was captured, then the log, a bounded step at
 * a time. Each of them may be repeated, so a process that dies anywhere leaves a purge that goes on.
 */
export class PurgeRunner {
  readonly #options: PurgeRunnerOptions;
  /** Of these only the log is left. */
  readonly #cleared = new Set<JobId>();
  readonly #rounds: Rounds;
  #started = false;

  constructor(options: PurgeRunnerOptions) {
    this.#options = options;
    this.#rounds = new Rounds(options.clock, () => this.#round());
  }

  start(): void {
    this.#started = true;
    this.#rounds.start();
  }

  /** There is one now; where nobody started this, another node finds it. */
  poke(): void {
    if (this.#started) this.#rounds.poke();
  }

  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  /** Resolves with when to come again; undefined = when there is one. */
  async #round(): Promise<Ms | undefined> {
    try {
      const jobs = await this.#options.jobs.running(['purge'], JOBS_MAX);
      if (jobs.length === 0) {
        this.#cleared.clear();
        return this.#options.shared ? LOOK_MS : undefined;
      }
      let moved = false;
      for (const job of jobs) if (!this.#rounds.stopped && (await this.#work(job))) moved = true;
      return moved ? BUSY_MS : WAITING_MS;
    } catch (err) {
      // Somebody changed one of the things meanwhile: they are read again.
      if (isConflict(err)) return 0;
      this.#options.log.warn({ err }, 'a purge could not go on; it is tried again');
      return FAILED_MS;
    }
  }

  /** true = something of it went on. */
  async #work(job: Job): Promise<boolean> {
    return traced(this.#options.tracer, stepSpan(job), () => this.#step(job));
  }

  async #step({ id, tenant, done }: Job): Promise<boolean> {
    const { jobs, clock, at } = this.#options;
    if (!this.#cleared.has(id)) {
      await this.#clearConfiguration(tenant);
      at('purge:configured');
      await this.#clearCaptures(tenant);
      this.#cleared.add(id);
    }
    const step = await jobs.purge(id, ROWS, clock.now());
    at('job:advanced');
    return step !== undefined && (step.job.done > done || step.job.state === 'done');
  }

  async #clearConfiguration(tenant: TenantId): Promise<void> {
    const { writer } = this.#options;
    for (const [kind, fate] of Object.entries(KINDS) as [ConfigKind, 'goes' | 'rests'][]) {
      for await (const items of this.#pagesOf(kind, tenant)) {
        const changes = items.flatMap((item) =>
          fate === 'goes' ? deletion(item, undefined) : this.#release(item),
        );
        if (changes.length > 0) await writer.put(changes);
      }
    }
  }

  async *#pagesOf(kind: ConfigKind, tenant: TenantId): AsyncGenerator<readonly ConfigItem[]> {
    let after: string | undefined;
    do {
      const page = await this.#options.store.list(kind, { tenant, limit: ITEMS, after });
      yield page.items;
      after = page.next;
    } while (after !== undefined);
  }

  #release({ kind, id, tenant, value, version }: ConfigItem): ConfigChange[] {
    if ((value as InboxName).inbox === null) return [];
    const rests: InboxName = { tenant, inbox: null, releasedAt: this.#options.clock.now() };
    return [{ kind, id, tenant, value: rests, expected: version }];
  }

  /** Also of inboxes that were deleted before: of those, too, something may be left. */
  async #clearCaptures(tenant: TenantId): Promise<void> {
    const { store, inboxes, clock } = this.#options;
    const slot = slotOf(tenant);
    for (let since = 0; ; ) {
      const { items, version } = await store.changes(since, ITEMS, ['inbox']);
      const keys = items
        .filter((item) => item.tenant === tenant)
        .map(({ id }): InboxKey => ({ slot, inbox: id as InboxId }));
      for (const key of keys) await inboxes.captures.keep(key, null);
      const isLeft = async () => (await inboxes.captures.counts(keys)).some(({ head }) => head > 0);
      while (keys.length > 0 && (await isLeft())) await inboxes.maintain(CAPTURES, clock.now());
      if (items.length < ITEMS) return;
      since = version;
    }
  }
}
