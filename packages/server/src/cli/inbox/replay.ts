import type { Answer, Body, Operations } from '@posthorn/api';
import { EXIT, type ExitCode, type Output } from '../output.ts';
import { captureId, type InboxAccess, type OpenedInbox, UsageError, withInbox } from './open.ts';

/** `posthorn replay`: captures once more, to a URL or to whoever listens. */

export interface ReplayInput extends InboxAccess {
  readonly captures: readonly string[];
  /** Search text: what fits instead, oldest first. */
  readonly match: string | undefined;
  readonly to: string | undefined;
  readonly listener: string | undefined;
  readonly resign: boolean;
  readonly times: number;
  readonly delayMs: number;
  readonly method: string | undefined;
  readonly path: string | undefined;
  /** The body's bytes, if it is replaced. */
  readonly body: Buffer | undefined;
}

/** Of one search; more are several commands. */
const MATCHED_MAX = 1000;
const PAGE = 200;

type ReplayCapture = Operations['replayCapture'];
type Exchange = Answer<ReplayCapture>['exchanges'][number];

export function replay(input: ReplayInput, output: Output): Promise<ExitCode> {
  return withInbox(input, output, async (opened) => {
    if ((input.match === undefined) === (input.captures.length === 0)) {
      throw new UsageError('Name captures, or a search with --match, and not both.');
    }
    const ids = input.match === undefined ? input.captures : await matching(opened, input.match);
    const order = orderOf(input);
    const done: { capture: string; exchanges: Exchange[] }[] = [];
    for (const id of ids) {
      const address = { ...opened.place, capture: captureId(id) };
      const { exchanges } = await opened.api.replayCapture({ ...address, body: order });
      done.push({ capture: id, exchanges });
    }
    const lines = done.flatMap(({ capture, exchanges }) =>
      exchanges.map((exchange) => lineOf(capture, exchange)),
    );
    output.data(done, lines.join('\n') || 'Nothing fits.');
    const all = done.flatMap(({ exchanges }) => exchanges);
    const short = done.some(({ exchanges }) => exchanges.length < input.times);
    const well = all.every(({ status }) => status !== null && status < 400);
    return well && !short && all.length > 0 ? EXIT.ok : EXIT.failed;
  });
}

async function matching({ api, place }: OpenedInbox, q: string): Promise<string[]> {
  const found: string[] = [];
  for (let after = 0; ; ) {
    const page = await api.listCaptures({ ...place, q, after, limit: PAGE });
    for (const { id } of page.items) found.push(id);
    if (found.length >= MATCHED_MAX) {
      throw new UsageError(`More than ${MATCHED_MAX} captures fit: narrow the search.`);
    }
    const next = Number(page.next ?? 0);
    if (next <= after) return found;
    after = next;
  }
}

function orderOf(input: ReplayInput): Body<ReplayCapture> {
  const { to, listener, resign, times, delayMs, method, path, body } = input;
  return {
    to: to === undefined ? { listener: listener ?? null } : { url: to },
    signature: resign ? 'new' : 'exact',
    times,
    delayMs,
    edit: {
      ...(method === undefined ? {} : { method }),
      ...(path === undefined ? {} : { path }),
      ...(body === undefined
        ? {}
        : { body: { encoding: 'base64', text: body.toString('base64') } }),
    },
  };
}

function lineOf(capture: string, { to, status, error, durationMs }: Exchange): string {
  return `${capture} -> ${to}  ${status ?? error ?? 'no answer'}  ${Math.round(durationMs)} ms`;
}
