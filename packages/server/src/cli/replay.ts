import { setTimeout as delay } from 'node:timers/promises';
import { type Client, createClient, type Endpoint, type Replay } from '@posthorn/api';
import { EXIT, type ExitCode, type Output } from './output.ts';
import { failure, NO_KEY } from './send.ts';

type EndpointId = Endpoint['id'];

export interface ReplayInput {
  /** Endpoints; or an event, a delivery, or a replay that is under way. */
  readonly what: readonly string[];
  /** undefined = of endpoints what failed, of an event all. */
  readonly only: 'all' | 'failed' | 'missing' | undefined;
  readonly types: readonly string[];
  /** RFC 3339. */
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly newId: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
  /** false = it goes on in the background. */
  readonly wait: boolean;
  readonly json: boolean;
  readonly tenant: string;
  readonly url: string;
  readonly key: string | undefined;
  /** Asks a person; undefined = nobody is there. */
  readonly confirm: ((question: string) => Promise<boolean>) | undefined;
  readonly signal: AbortSignal;
}

const CALL_TIMEOUT_MS = 30_000;
const POLL_MS = 500;

/** Owes stored events again: counts, asks, starts, shows how far it is. 1 = refused or not done. */
export async function replay(input: ReplayInput, output: Output): Promise<ExitCode> {
  const { url, key, what } = input;
  if (key === undefined) {
    output.note(NO_KEY);
    return EXIT.usage;
  }
  const client = createClient({ baseUrl: url, key });
  const kinds = new Set(what.map(kindOf));
  const [kind] = kinds;
  if (kinds.size !== 1 || kind === undefined || (kind !== 'endpoint' && what.length > 1)) {
    output.note('Name one or more endpoints (ep_…), or one event, delivery or replay (job_…).');
    return EXIT.usage;
  }
  try {
    return await REPLAYS[kind](client, input, output);
  } catch (error) {
    output.note(failure(error, url));
    return EXIT.failed;
  }
}

type Kind = 'endpoint' | 'event' | 'delivery' | 'job';

function kindOf(id: string): Kind | undefined {
  if (/^evt_[0-9a-z]+\.ep_/.test(id)) return 'delivery';
  if (id.startsWith('evt_')) return 'event';
  if (id.startsWith('ep_')) return 'endpoint';
  return id.startsWith('job_') ? 'job' : undefined;
}

const REPLAYS: Readonly<
  Record<Kind, (client: Client, input: ReplayInput, output: Output) => Promise<ExitCode>>
> = {
  endpoint: replayTo,
  job: watch,

  async event(client, { what, newId, only, tenant }, output) {
    const event = what[0] as `evt_${string}`;
    const body = { newId, only: only === 'failed' ? ('failed' as const) : ('all' as const) };
    const answer = await client.resendEvent({ tenant, event, body }, oneCall());
    const { resent, pending, refused } = answer;
    const others = [
      ...(pending > 0 ? [`${pending} still pending`] : []),
      ...(refused > 0 ? [`${refused} to endpoints that take nothing`] : []),
    ];
    output.data(answer, [`${deliveries(resent)} sent once more`, ...others].join(', '));
    return EXIT.ok;
  },

  async delivery(client, { what, newId, tenant }, output) {
    const delivery = what[0] ?? '';
    const answer = await client.resendDelivery({ tenant, delivery, body: { newId } }, oneCall());
    output.data(answer, `${answer.id} is ${answer.state}`);
    return EXIT.ok;
  },
};

async function replayTo(client: Client, input: ReplayInput, output: Output): Promise<ExitCode> {
  const { tenant, only = 'failed', newId, wait } = input;
  const { types, from, to } = input;
  const body = {
    endpoints: input.what as readonly EndpointId[] as EndpointId[],
    ...{ only, types: [...types], newId },
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
  const counted = await client.startReplay({ tenant, body: { ...body, dryRun: true } }, oneCall());
  const { count, atLeast } = counted.total;
  const many = `${atLeast ? 'at least ' : ''}${deliveries(count)}`;
  if (input.dryRun || count === 0) {
    output.data({ total: counted.total, job: null }, `${many} to be owed again`);
    return EXIT.ok;
  }
  if (!(await agreed(input, many, output))) return EXIT.failed;
  const job = await client.startReplay({ tenant, body }, oneCall());
  if (!('id' in job)) throw new Error('the server counted instead of starting');
  if (!wait) {
    output.data(job, `${job.id} has begun: ${many}`);
    return EXIT.ok;
  }
  return follow(client, { input, output, job });
}

async function agreed(
  { yes, json, confirm }: ReplayInput,
  many: string,
  output: Output,
): Promise<boolean> {
  if (yes) return true;
  if (!confirm || json) {
    output.note(`It would owe ${many} again, and nobody is here to ask: pass --yes.`);
    return false;
  }
  if (await confirm(`Owe ${many} again? [y/N] `)) return true;
  output.note('Nothing was sent.');
  return false;
}

async function watch(client: Client, input: ReplayInput, output: Output): Promise<ExitCode> {
  const { tenant, wait } = input;
  const job = await client.getReplay({ tenant, job: input.what[0] as Replay['id'] }, oneCall());
  if (wait) return follow(client, { input, output, job });
  output.data(job, told(job));
  return EXIT.ok;
}

async function follow(
  client: Client,
  of: { readonly input: ReplayInput; readonly output: Output; readonly job: Replay },
): Promise<ExitCode> {
  const { input, output } = of;
  const { tenant, signal } = input;
  let { job } = of;
  while (job.state === 'running') {
    const { done, total } = job;
    output.progress({ done, total: Math.max(done, total.count), what: 'deliveries' });
    if (signal.aborted) {
      output.note(`It goes on without you: posthorn replay ${job.id} shows how far it is.`);
      break;
    }
    await delay(POLL_MS, undefined, { signal }).catch(() => {});
    job = await client.getReplay({ tenant, job: job.id }, oneCall());
  }
  output.data(job, told(job));
  return job.state === 'cancelled' ? EXIT.failed : EXIT.ok;
}

function told({ id, state, done, owed }: Replay): string {
  const others = done - owed;
  const rest = others > 0 ? `, ${others} were on their way already` : '';
  return `${id} ${state === 'running' ? 'goes on' : state}: ${deliveries(owed)} owed again${rest}`;
}

function deliveries(count: number): string {
  return count === 1 ? '1 delivery' : `${count.toLocaleString('en')} deliveries`;
}

function oneCall(): { readonly signal: AbortSignal } {
  return { signal: AbortSignal.timeout(CALL_TIMEOUT_MS) };
}
