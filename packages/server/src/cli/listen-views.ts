import type { AckResult, Welcome } from '../inbox/frames.ts';
import type { ListenView } from './listen.ts';
import { printable, type Stream, statusColor, timeOfDay } from './output.ts';
import type { Delivery } from './tunnel/delivery.ts';

/** What `posthorn listen` prints without a screen of its own: lines for people, JSON for programs. */

export interface ViewOptions {
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly colors: boolean;
  readonly now: () => Date;
  /** The means were chosen, so nobody is told of them. */
  readonly via: boolean;
  /** Asks a person; undefined = nobody is there to ask. */
  readonly question: ((text: string) => Promise<string>) | undefined;
}

const PATH_WIDTH = 40;

/** What is written in one turn of the loop goes out at once: a pipe makes a system call of each write. */
function gathered(stream: Stream): { write(text: string): void; flush(): void } {
  let text = '';
  const flush = () => {
    if (text !== '') stream.write(text);
    text = '';
  };
  const write = (more: string) => {
    if (text === '') setImmediate(flush);
    text += more;
  };
  return { write, flush };
}

export function lineView(options: ViewOptions): ListenView {
  const { colors, now, question } = options;
  const stdout = gathered(options.stdout);
  const print = (text: string) => stdout.write(`${printable(text)}\n`);
  const note = (text: string) => {
    stdout.flush();
    options.stderr.write(`${printable(text)}\n`);
  };
  let connected = false;
  /** Said already that the connection is lost. */
  let told = false;
  return {
    connected(welcome, target, kind) {
      if (!connected) print(`Listening: ${welcome.inbox.url} -> ${target}`);
      else if (told) note('Connected again.');
      connected = true;
      told = false;
      if (kind !== 'websocket' && !options.via)
        note(`WebSockets do not get through here: going by ${kind}.`);
      for (const text of newsOf(welcome)) note(text);
    },
    lost(reason) {
      if (!told) note(`Connection lost (${reason}); trying until it is back. Nothing is lost.`);
      told = true;
    },
    started() {},
    done(delivery, result) {
      const time = timeOfDay(now());
      const { method, path } = delivery.head;
      const status = statusOf(result);
      const text = `${time}  ${method.padEnd(6)} ${(path || '/').padEnd(PATH_WIDTH)} `;
      const rest = ` ${`${Math.round(result.ms)} ms`.padStart(8)}  ${delivery.head.id}`;
      const shown = colors
        ? `\u001b[${statusColor(result.status)}m${printable(status)}\u001b[0m`
        : printable(status);
      stdout.write(`${printable(text)}${shown}${rest}\n`);
    },
    failed(delivery, reason, message) {
      if (reason === 'timeout' || reason === 'reset') {
        note(`${delivery.head.id}: ${message}; it is tried again.`);
      }
    },
    holding(on, waiting) {
      if (on) note(`The local server does not answer: holding ${captures(waiting)} until it does.`);
      else note('The local server is back.');
    },
    async ask(welcome) {
      if (!question) return 'replay';
      const text = `${captures(welcome.backlog)} came while nobody listened. Deliver them? [Y/n] `;
      return /^\s*n/i.test(await question(text)) ? 'skip' : 'replay';
    },
    note,
    close: stdout.flush,
  };
}

/** One JSON object a line, on stdout; `event` says what it is. */
export function jsonView(options: ViewOptions): ListenView {
  const stdout = gathered(options.stdout);
  const print = (event: string, fields: object) => {
    const head = `{"event":"${event}","at":"${options.now().toISOString()}",`;
    stdout.write(`${head}${JSON.stringify(fields).slice(1)}\n`);
  };
  const about = ({ head, attempts }: Delivery) => ({
    capture: head.id,
    seq: head.replay ? null : head.seq,
    replay: head.replay,
    method: head.method,
    path: head.path,
    live: head.liveMs > 0,
    attempts,
  });
  return {
    connected: ({ inbox, listener, backlog, gap }, target, via) =>
      print('connected', { inbox: inbox.id, url: inbox.url, target, listener, backlog, gap, via }),
    lost: (reason, retryMs) => print('lost', { reason, retryMs: Math.round(retryMs) }),
    started() {},
    done: (delivery, { status, ms, error }) =>
      print('delivered', { ...about(delivery), status, ms, error }),
    failed: (delivery, reason, message) => print('failed', { ...about(delivery), reason, message }),
    holding: (on, waiting) => print('holding', { on, waiting }),
    ask: async () => 'replay',
    note: (text) => print('note', { text }),
    close: stdout.flush,
  };
}

/** What a listener should know that comes back. */
export function newsOf({ gap, backlog }: Welcome): string[] {
  const news: string[] = [];
  if (gap) {
    news.push(
      `Captures ${gap.from} to ${gap.to} were removed before they were delivered: the inbox keeps too few.`,
    );
  }
  if (backlog > 0) news.push(`${captures(backlog)} came while nobody listened.`);
  return news;
}

export function statusOf({ status, error }: AckResult): string {
  return status === null ? (error ?? 'no answer') : String(status);
}

function captures(count: number): string {
  return count === 1 ? '1 capture' : `${count} captures`;
}
