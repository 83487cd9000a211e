import type { Capture, WholeCapture } from '@posthorn/api';
import { EXIT, type ExitCode, type Output } from '../output.ts';
import { type InboxAccess, withInbox } from './open.ts';

/** `posthorn wait`: until something is captured that fits, for CI and scripts. */

export interface WaitInput extends InboxAccess {
  /** Search text; undefined = anything. */
  readonly match: string | undefined;
  readonly timeoutS: number;
  readonly count: number;
  /** What is there already counts: all of it, or what came within so many seconds. */
  readonly since: 'now' | 'start' | number;
}

/** The longest that the server lets one request wait. */
const POLL_S = 60;

export function wait(input: WaitInput, output: Output): Promise<ExitCode> {
  return withInbox(input, output, async ({ api, place }) => {
    const until = Date.now() + input.timeoutS * 1000;
    let after = input.since === 'now' ? (await api.getInbox(place)).newest : 0;
    const q = queryOf(input);
    const found: WholeCapture[] = [];
    for (;;) {
      const leftS = Math.ceil((until - Date.now()) / 1000);
      if (leftS <= 0) break;
      const ask = { ...place, after, limit: input.count - found.length, ...(q ? { q } : {}) };
      const page = await api.listCaptures({ ...ask, wait: Math.min(leftS, POLL_S) });
      for (const { id } of page.items) found.push(await api.getCapture({ ...place, capture: id }));
      if (found.length >= input.count) return tell(found, output);
      after = Math.max(after, Number(page.next ?? after), page.items.at(-1)?.seq ?? 0);
    }
    const what = input.match === undefined ? 'Nothing' : `Nothing that fits ${input.match}`;
    const some = found.length > 0 ? `Only ${found.length} of ${input.count}` : what;
    output.note(`${some} was captured within ${input.timeoutS} s.`);
    return EXIT.failed;
  });
}

function queryOf({ match, since }: WaitInput): string | undefined {
  const young = typeof since === 'number' ? `created:[now-${since}s TO now]` : undefined;
  const parts = [match && `(${match})`, young].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.join(' ');
}

function tell(found: readonly WholeCapture[], output: Output): ExitCode {
  output.data(found.length === 1 ? found[0] : found, found.map(lineOf).join('\n'));
  return EXIT.ok;
}

/** A capture in one line. */
function lineOf(capture: Capture): string {
  const { id, method, path, type, signature } = capture;
  const name = type === null ? '' : `  ${type}`;
  const signed = signature.state === 'unsigned' ? '' : `  signature ${signature.state}`;
  return `${id}  ${method} ${path || '/'}${name}${signed}`;
}
