import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, ERROR_STATUS } from '../../core/errors.ts';
import type { Reply } from '../../core/inbox.ts';
import type { InboxSink, InsideAnswer, InsideRequest } from '../../core/inside.ts';
import type { Ms } from '../../core/model.ts';
import type { Capturing, Kept } from '../../inbox/capturing.ts';
import type { LiveAnswer, LiveSink } from '../../inbox/live-answer.ts';
import { allowedHeaders, flatHeaders } from '../../inbox/reply-headers.ts';
import type { InboxView } from '../../inbox/view.ts';

/** Requests to inboxes that never were on a wire: captured as others are, answered as a value. */

export interface InsideOptions {
  readonly view: InboxView;
  readonly capturing: Capturing;
  readonly bodyBytesMax: number;
}

/** Of a body that is too large, and of an answer's body. */
const PREFIX_BYTES = 65_536;
const DRIP_MS: Ms = 1000;
const OWN_ADDRESS = '127.0.0.1';

export function insideSink(options: InsideOptions): InboxSink {
  return async (request) => {
    const over = new AbortController();
    const late = sleep(request.timeoutMs, timeout(request.timeoutMs), { signal: over.signal });
    try {
      return await Promise.race([answer(options, request, over.signal), late]);
    } catch (error) {
      return refusal(error);
    } finally {
      over.abort();
      late.catch(() => {});
    }
  };
}

async function answer(
  { view, capturing, bodyBytesMax }: InsideOptions,
  request: InsideRequest,
  over: AbortSignal,
): Promise<InsideAnswer> {
  const { name, method, target, pathAt, headers, body } = request;
  const inbox = view.named(name);
  if (!inbox) throw new AppError('not_found', 'There is no inbox of this name.');
  const kept = await capturing.capture(inbox, {
    ...{ method, target, pathAt, headers },
    body: body.length > bodyBytesMax ? body.subarray(0, PREFIX_BYTES) : body,
    bodyBytes: body.length,
    remoteAddress: OWN_ADDRESS,
  });
  const { live } = kept;
  const fallback = () => spoilt(kept, over);
  return live ? fromListener(live, { kept, fallback, over }) : fallback();
}

/** The inbox's own answer, late or spoilt as its rule says. */
async function spoilt(kept: Kept, signal: AbortSignal): Promise<InsideAnswer> {
  const { answer } = kept;
  const reply: Reply = answer.kind === 'reply' ? answer : answer.fallback;
  const body = kept.bodyOf(reply);
  const quiet = { signal };
  if (reply.delayMs > 0) await sleep(reply.delayMs, undefined, quiet).catch(() => {});
  if (reply.fault === 'reset') {
    return {
      kind: 'fault',
      fault: 'reset',
      detail: 'the inbox reset the connection, as its rule says',
    };
  }
  if (reply.fault === 'timeout') return new Promise<never>(() => {});
  if (reply.fault === 'drip') {
    await sleep(body.length * DRIP_MS, undefined, quiet).catch(() => {});
  }
  const headers = [...flatHeaders(reply.headers), 'X-Posthorn-Capture', kept.id];
  return { kind: 'response', status: reply.status, headers, body, truncated: false };
}

interface Waiting {
  readonly kept: Kept;
  readonly fallback: () => Promise<InsideAnswer>;
  readonly over: AbortSignal;
}

/** The answer of a laptop's server, collected to its end. */
function fromListener(live: LiveAnswer, { kept, fallback, over }: Waiting): Promise<InsideAnswer> {
  over.addEventListener('abort', () => live.gone(), { once: true });
  return new Promise((resolve) => {
    const pieces: Uint8Array[] = [];
    let room = PREFIX_BYTES;
    let truncated = false;
    let status = 502;
    let headers: readonly string[] = [];
    const sink: LiveSink = {
      head(given, flat) {
        status = given >= 200 && given <= 599 ? given : 502;
        headers = [...allowedHeaders(flat), 'X-Posthorn-Capture', kept.id];
      },
      write(bytes) {
        truncated ||= bytes.length > room;
        pieces.push(Uint8Array.from(bytes.subarray(0, room)));
        room -= Math.min(room, bytes.length);
        return undefined;
      },
      end() {
        const body = new Uint8Array(Buffer.concat(pieces));
        resolve({ kind: 'response', status, headers, body, truncated });
      },
      abort: () =>
        resolve({ kind: 'fault', fault: 'eof', detail: 'the listener’s answer broke off' }),
      fallback: () => void fallback().then(resolve),
    };
    live.deliver(sink);
  });
}

function timeout(timeoutMs: Ms): InsideAnswer {
  const detail = `no complete response within ${timeoutMs} ms, while waiting for the response`;
  return { kind: 'fault', fault: 'timeout', detail };
}

function refusal(error: unknown): InsideAnswer {
  if (!(error instanceof AppError)) {
    const name = error instanceof Error ? error.name : 'unknown error';
    return { kind: 'fault', fault: 'internal', detail: `the inbox failed: ${name}` };
  }
  const headers = ['Content-Type', 'text/plain; charset=utf-8'];
  if (error.retryAfterS !== undefined) headers.push('Retry-After', String(error.retryAfterS));
  const body = new TextEncoder().encode(error.message);
  const status = ERROR_STATUS[error.code];
  return { kind: 'response', status, headers, body, truncated: false };
}
