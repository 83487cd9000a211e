import type { CaptureRow, InboxRow } from '../../data/types.ts';
import { common } from '../../strings/common.ts';
import { inboxes } from '../../strings/inboxes.ts';

export type Answer = InboxRow['answer'];
type Reply = Omit<Extract<Answer, { kind: 'reply' }>, 'kind'>;

/** How an inbox answers, in a few words. */
export function answerSummary(answer: Answer): string {
  const { summary } = inboxes.answer;
  if (answer.kind === 'reply') return summary.reply(answer.status);
  return summary.live(answer.fallback.status);
}

/** Who answered: `rule:ab12` and `handshake:slack` name it further. */
export function answeredBy({ answeredBy: by }: Pick<CaptureRow, 'answeredBy'>): string {
  const [kind = '', name] = by.split(':');
  const word = inboxes.by[kind] ?? kind;
  return kind === 'handshake' && name !== undefined ? `${name} ${word}` : word;
}

/** An answer as it stands in a form. */
export interface AnswerDraft {
  readonly kind: Answer['kind'];
  readonly status: string;
  readonly headers: string;
  readonly body: string;
  readonly delayMs: string;
  readonly fault: NonNullable<Reply['fault']> | 'none';
  readonly waitS: string;
}

export const PLAIN_ANSWER: AnswerDraft = {
  kind: 'reply',
  status: '200',
  headers: '',
  body: '',
  delayMs: '0',
  fault: 'none',
  waitS: '10',
};

export function answerDraftOf(answer: Answer): AnswerDraft {
  const reply = answer.kind === 'reply' ? answer : answer.fallback;
  return {
    kind: answer.kind,
    status: String(reply.status),
    headers: reply.headers.map(({ name, value }) => `${name}: ${value}`).join('\n'),
    body: reply.body,
    delayMs: String(reply.delayMs),
    fault: reply.fault ?? 'none',
    waitS: answer.kind === 'live' ? String(answer.waitMs / 1000) : PLAIN_ANSWER.waitS,
  };
}

/** As the API takes it. */
export function answerOf(draft: AnswerDraft): Answer {
  const reply: Reply = {
    status: Number(draft.status),
    headers: headersOf(draft.headers) ?? [],
    body: draft.body,
    delayMs: Number(draft.delayMs),
    fault: draft.fault === 'none' ? null : draft.fault,
  };
  if (draft.kind === 'reply') return { kind: 'reply', ...reply };
  return { kind: 'live', waitMs: Math.round(Number(draft.waitS) * 1000), fallback: reply };
}

/** What cannot be understood, by field. */
export function answerMistakes(draft: AnswerDraft): Partial<Record<keyof AnswerDraft, string>> {
  const mistakes: Partial<Record<keyof AnswerDraft, string>> = {};
  for (const field of ['status', 'delayMs', 'waitS'] as const) {
    if (!/^\d+(?:\.\d+)?$/.test(draft[field].trim())) mistakes[field] = common.notANumber;
  }
  if (!headersOf(draft.headers)) mistakes.headers = inboxes.answer.invalidHeaders;
  return mistakes;
}

/** undefined = a line is not `Name: value`. */
function headersOf(text: string): Reply['headers'] | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    const name = colon < 0 ? '' : line.slice(0, colon).trim();
    return { name, value: line.slice(colon + 1).trim() };
  });
  return headers.some(({ name }) => name === '') ? undefined : headers;
}
