import type { AnswerFault } from '../../core/inbox.ts';
import type { Ms } from '../../core/model.ts';
import { SAFE_HEADERS, withoutPages } from '../../inbox/reply-headers.ts';
import { endLingering, type RawExchange } from '../respond.ts';

/** An answer ready to be written. Headers are a flat list, already judged (reply-headers.ts). */
export interface ReadyAnswer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Uint8Array;
  readonly delayMs: Ms;
  readonly fault: AnswerFault | null;
  readonly captureId: string;
}

/** Senders kept waiting on purpose at once; whoever comes beyond is answered without delay. */
const WAITING_MAX = 10_000;
/** How long an answer that is never given, or drips, holds its connection. */
const SPOILT_MS = 60_000;
const DRIP_MS = 1000;

export interface AnswerRules {
  /** Pages may go out as pages: inboxes have host names of their own. */
  readonly pages: boolean;
}

/** Writes answers of inboxes: sandboxed, late or spoilt as the rule says. */
export class Answering {
  readonly #rules: AnswerRules;
  #waiting = 0;

  constructor(rules: AnswerRules) {
    this.#rules = rules;
  }

  write(exchange: RawExchange, answer: ReadyAnswer): void {
    const late = answer.delayMs > 0 && this.#waiting < WAITING_MAX;
    if (late) this.#later(exchange, answer.delayMs, () => this.#finish(exchange, answer));
    else this.#finish(exchange, answer);
  }

  /** Headers of an answer, ours last: they win. */
  headers(headers: readonly string[], captureId: string): string[] {
    const own = this.#rules.pages ? [...headers] : withoutPages(headers);
    return [...own, ...SAFE_HEADERS, 'X-Posthorn-Capture', captureId];
  }

  #finish(exchange: RawExchange, answer: ReadyAnswer): void {
    const { req, res } = exchange;
    if (res.destroyed || res.headersSent) return;
    if (answer.fault === 'reset') {
      req.socket.resetAndDestroy();
      return;
    }
    if (answer.fault === 'timeout') {
      this.#later(exchange, SPOILT_MS, () => req.socket.destroy());
      return;
    }
    const headers = this.headers(answer.headers, answer.captureId);
    if (answer.fault === 'drip') {
      res.writeHead(answer.status, headers);
      res.flushHeaders();
      this.#drip(exchange, answer.body);
      return;
    }
    headers.push('Content-Length', String(answer.body.length));
    // Refused before it was read: its sender is still sending.
    if (!req.complete) headers.push('Connection', 'close');
    res.writeHead(answer.status, headers);
    // Head and body as two buffers would be another system call for nothing.
    if (req.complete && answer.body.length === 0) res.end();
    else if (req.complete) res.end(answer.body);
    else endLingering(exchange, answer.body);
  }

  /** A byte a second; what is not out by the end is not sent, and the connection is cut. */
  #drip(exchange: RawExchange, body: Uint8Array): void {
    const { res } = exchange;
    let at = 0;
    const next = () => {
      if (at >= body.length) res.end();
      else if (at * DRIP_MS >= SPOILT_MS) res.destroy();
      else {
        res.write(body.subarray(at, at + 1));
        at += 1;
        this.#later(exchange, DRIP_MS, next);
      }
    };
    next();
  }

  /** Runs `task` after a while, unless the sender has gone. */
  #later({ res }: RawExchange, delayMs: Ms, task: () => void): void {
    this.#waiting += 1;
    const timer = setTimeout(() => {
      res.removeListener('close', gone);
      this.#waiting -= 1;
      task();
    }, delayMs);
    const gone = () => {
      clearTimeout(timer);
      this.#waiting -= 1;
    };
    res.once('close', gone);
  }
}
