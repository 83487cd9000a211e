import type { Clock } from '../../core/clock.ts';
import type { JsonObject, SchemaProblem } from '../../core/json-schema.ts';
import type { Ms, TenantId } from '../../core/model.ts';
import type { SchemaAnswer, SchemaRunner, StartRunner } from './schema-runner.ts';

export type Checked =
  | { readonly kind: 'fits' }
  | { readonly kind: 'unfit'; readonly problems: readonly SchemaProblem[] }
  /** The schema cannot be applied, or took too long or too much memory; says so as a sentence. */
  | { readonly kind: 'unusable'; readonly message: string }
  /** Too much waits already. */
  | { readonly kind: 'busy' };

export interface Check {
  /** Whose turn it takes. */
  readonly tenant: TenantId;
  /** Whose schema it is. */
  readonly owner: TenantId;
  /** Names the schema and its version. */
  readonly key: string;
  readonly schema: () => Promise<JsonObject | undefined>;
  readonly data: Uint8Array;
}

export interface SchemaCheckerOptions {
  readonly start: StartRunner;
  readonly clock: Clock;
  /** A schema took too long or too much memory. */
  readonly stopped: (key: string) => void;
}

/** No honest schema needs that long for a megabyte. */
const CHECK_MS: Ms = 500;
const COMPILE_MS: Ms = 3000;
/** A process that was suspended finds its time over: what is ready gets a moment to be heard. */
const GRACE_MS: Ms = 250;
const STRIKES_MAX = 2;
const IN_FLIGHT_MAX = 32;
const WAITING_MAX = 5000;
/** Compiled schemas that are kept, oldest first out: how many, and their JSON altogether. */
const KEPT_MAX = 500;
const KEPT_BYTES_MAX = 4 * 1024 * 1024;
const HOLD_MS: Ms = 600_000;
/** This many schemas of one tenant, and none of its schemas is tried for a while. */
const HOLD_OWNER_KEYS = 3;
const HOLDS_MAX = 1000;

interface Job {
  readonly turn: TenantId;
  readonly owner: TenantId;
  readonly key: string;
  readonly schema: JsonObject;
  /** undefined = only the schema is looked at. */
  readonly data: Uint8Array | undefined;
  readonly resolve: (checked: Checked) => void;
  /** How often it took too long. */
  strikes: number;
}

/**
 * Checks data against schemas somewhere where it holds up nobody, and where it can be ended. Tenants
 * take turns. What takes too long is ended and tried once more, alone, because a machine can be busy
 * with other things; then its schema is left alone for ten minutes, and after three such schemas their
 * whole tenant. What waited behind it is done after it.
 */
export class SchemaChecker {
  readonly #o: SchemaCheckerOptions;
  readonly #waiting = new Map<TenantId, Job[]>();
  #count = 0;
  /** With the runner, in order. */
  #flying: Job[] = [];
  /** Were with a runner that was ended, and wait for the suspect. */
  #parked: Job[] = [];
  #ready = false;
  #runner: SchemaRunner | undefined;
  /** What the runner keeps, and the size of it. */
  #kept = new Map<string, { readonly schema: JsonObject; readonly bytes: number }>();
  #keptBytes = 0;
  readonly #held = new Map<string, Ms>();
  readonly #ownerHolds = new Map<TenantId, { keys: Set<string>; until: Ms }>();
  #cancel = () => {};
  #scheduled = false;

  constructor(options: SchemaCheckerOptions) {
    this.#o = options;
  }

  /** Why a schema may not be saved, as a part of a sentence; undefined = it may. */
  async refusal(schema: JsonObject, owner: TenantId): Promise<string | undefined> {
    const checked = await this.#ask({ turn: owner, owner, key: '', schema, data: undefined });
    if (checked.kind === 'busy') return 'too many schemas are being checked: try again';
    return checked.kind === 'unusable' ? checked.message : undefined;
  }

  async check(check: Check): Promise<Checked> {
    const { tenant: turn, owner, key, data } = check;
    if (this.#isHeld(key, owner)) {
      return {
        kind: 'unusable',
        message: 'it took too long before, and is left alone for a while',
      };
    }
    const schema = this.#kept.get(key)?.schema ?? (await check.schema());
    // Changed or deleted a moment ago: the next event is checked by what is there then.
    if (!schema) return { kind: 'fits' };
    return this.#ask({ turn, owner, key, schema, data });
  }

  close(): void {
    this.#cancel();
    this.#runner?.end();
    this.#runner = undefined;
    const left = [...this.#flying, ...this.#parked, ...[...this.#waiting.values()].flat()];
    this.#flying = [];
    this.#parked = [];
    this.#waiting.clear();
    this.#count = 0;
    for (const { resolve } of left) resolve({ kind: 'busy' });
  }

  #ask(job: Omit<Job, 'resolve' | 'strikes'>): Promise<Checked> {
    if (this.#count >= WAITING_MAX) return Promise.resolve({ kind: 'busy' });
    return new Promise((resolve) => {
      this.#count += 1;
      const queue = this.#waiting.get(job.turn);
      if (queue) queue.push({ ...job, resolve, strikes: 0 });
      else this.#waiting.set(job.turn, [{ ...job, resolve, strikes: 0 }]);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#fill();
    });
  }

  #fill(): void {
    while (this.#flying.length < IN_FLIGHT_MAX && !this.#flying[0]?.strikes) {
      const job = this.#parked.shift() ?? this.#next();
      if (!job) break;
      this.#post(job);
    }
  }

  /** One of each tenant, in turn. */
  #next(): Job | undefined {
    for (const [tenant, queue] of this.#waiting) {
      this.#waiting.delete(tenant);
      const job = queue.shift();
      if (queue.length > 0) this.#waiting.set(tenant, queue);
      if (!job) continue;
      this.#count -= 1;
      return job;
    }
    return undefined;
  }

  #post(job: Job): void {
    this.#runner ??= this.#start();
    this.#flying.push(job);
    if (this.#flying.length === 1) this.#watch();
    const { key, schema, data } = job;
    if (!data) {
      this.#runner.post({ kind: 'compile', schema });
    } else if (this.#kept.has(key)) {
      this.#runner.post({ kind: 'validate', key, schema: undefined, data, forget: [] });
    } else {
      this.#runner.post({ kind: 'validate', key, schema, data, forget: this.#keep(key, schema) });
    }
  }

  /** Those that make room for it. */
  #keep(key: string, schema: JsonObject): string[] {
    const bytes = JSON.stringify(schema).length;
    this.#kept.set(key, { schema, bytes });
    this.#keptBytes += bytes;
    const out: string[] = [];
    for (const [oldest, kept] of this.#kept) {
      if (this.#kept.size <= KEPT_MAX && this.#keptBytes <= KEPT_BYTES_MAX) break;
      this.#kept.delete(oldest);
      this.#keptBytes -= kept.bytes;
      out.push(oldest);
    }
    return out;
  }

  #start(): SchemaRunner {
    this.#kept = new Map();
    this.#keptBytes = 0;
    this.#ready = false;
    const runner: SchemaRunner = this.#o.start({
      ready: () => {
        if (this.#runner !== runner) return;
        this.#ready = true;
        this.#watch();
      },
      answered: (answer) => {
        if (this.#runner === runner) this.#answered(answer);
      },
      died: () => {
        if (this.#runner === runner) this.#stop('took too much memory');
      },
    });
    return runner;
  }

  #answered(answer: SchemaAnswer): void {
    this.#cancel();
    const job = this.#flying.shift();
    this.#watch();
    if (answer.kind === 'refused') {
      job?.resolve({ kind: 'unusable', message: answer.message });
    } else if (answer.problems.length > 0) {
      job?.resolve({ kind: 'unfit', problems: answer.problems });
    } else {
      job?.resolve({ kind: 'fits' });
    }
    if (this.#count + this.#parked.length > 0) this.#schedule();
  }

  /** The first of what flies is what the runner is doing. */
  #watch(): void {
    const [job] = this.#flying;
    if (!job || !this.#ready) return;
    this.#cancel();
    const { clock } = this.#o;
    const limitMs = job.data ? CHECK_MS : COMPILE_MS;
    this.#cancel = clock.after(limitMs, () => {
      this.#cancel = clock.after(GRACE_MS, () => this.#stop(`took longer than ${limitMs} ms`));
    });
  }

  /** Ends the runner; the first of what flies is suspect, and then to blame. */
  #stop(why: string): void {
    this.#cancel();
    this.#runner?.end();
    this.#runner = undefined;
    const [suspect, ...others] = this.#flying;
    this.#flying = [];
    this.#parked = [...others, ...this.#parked];
    if (suspect && ++suspect.strikes < STRIKES_MAX) {
      this.#post(suspect);
      return;
    }
    if (suspect) {
      this.#hold(suspect);
      suspect.resolve({ kind: 'unusable', message: `checking it ${why}: simplify it` });
    }
    this.#fill();
  }

  #hold({ key, owner, data }: Job): void {
    const until = this.#o.clock.now() + HOLD_MS;
    this.#o.stopped(key);
    if (!data) return;
    remember(this.#held, key, until);
    const hold = this.#ownerHolds.get(owner);
    const fresh = hold && hold.until > this.#o.clock.now() ? hold.keys : new Set<string>();
    remember(this.#ownerHolds, owner, { keys: fresh.add(key), until });
  }

  #isHeld(key: string, owner: TenantId): boolean {
    const now = this.#o.clock.now();
    const hold = this.#ownerHolds.get(owner);
    if (hold && hold.until > now && hold.keys.size >= HOLD_OWNER_KEYS) return true;
    return (this.#held.get(key) ?? 0) > now;
  }
}

/** Oldest out at the bound. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= HOLDS_MAX) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
