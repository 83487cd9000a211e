import type { CaptureStore, InboxKey, NewCapture, StoredCapture } from '../store/inbox.ts';
import type { Kept } from './capturing.ts';
import { CHUNK_BYTES_MAX } from './frames.ts';
import { decodeHead } from './head.ts';
import type { LiveAnswer } from './live-answer.ts';

/** A capture as a listener gets it. */
export interface Carried {
  readonly seq: number;
  readonly id: string;
  readonly receivedAt: number;
  readonly method: string;
  readonly path: string;
  readonly headers: readonly string[];
  readonly remoteAddress: string;
  readonly bodyBytes: number;
  readonly truncated: boolean;
  /** Who was to answer it when it came; nobody has, as far as the store knew. */
  readonly unanswered?: string | undefined;
  /** undefined = too long to be held: it is read in pieces. */
  readonly body: Uint8Array | undefined;
  /** Its headers are not those it came with. */
  readonly resigned?: boolean;
}

/** Who hears of new captures. */
export interface HubMember {
  wake(): void;
  /** Answers senders who wait, now. */
  readonly answers: boolean;
}

const RECENT_MAX = 512;
const RECENT_BYTES_MAX = 4 * 1024 * 1024;
const READ_MAX = 128;

/**
 * The captures of one inbox as this node's listeners follow them. What has just been stored is at hand
 * without asking the store; what lies further back, or came in on another node, is read from it.
 */
export class Hub {
  readonly key: InboxKey;
  readonly members = new Set<HubMember>();
  /** Who is about to become one: until then it must stay the hub that captures are offered to. */
  joining = 0;
  /** Senders who wait, by the number of their capture. */
  readonly waiting = new Map<number, LiveAnswer>();
  readonly #captures: CaptureStore;
  /** Without holes, ascending. */
  #recent: Carried[] = [];
  #recentBytes = 0;
  #head = 0;

  constructor(key: InboxKey, captures: CaptureStore) {
    this.key = key;
    this.#captures = captures;
  }

  get head(): number {
    return this.#head;
  }

  /** Number of the newest capture, as somebody who asked the store knows it. */
  headIs(head: number): void {
    if (head <= this.#head) return;
    this.#head = head;
    for (const member of this.members) member.wake();
  }

  offer(capture: NewCapture, kept: Kept): void {
    const carried = carry(capture, kept);
    const last = this.#recent.at(-1);
    if (last && carried.seq !== last.seq + 1) this.#forget();
    this.#recent.push(carried);
    this.#recentBytes += carried.body?.length ?? 0;
    if (this.#recent.length > RECENT_MAX || this.#recentBytes > RECENT_BYTES_MAX) this.#trim();
    this.headIs(carried.seq);
  }

  #forget(): void {
    this.#recent = [];
    this.#recentBytes = 0;
  }

  /** The older half goes, so that the array is not moved for each capture. */
  #trim(): void {
    this.#recent = this.#recent.slice(Math.ceil(this.#recent.length / 2));
    this.#recentBytes = this.#recent.reduce((sum, { body }) => sum + (body?.length ?? 0), 0);
  }

  /** The capture if it is at hand. */
  peek(seq: number): Carried | undefined {
    const first = this.#recent[0];
    return first && this.#recent[seq - first.seq];
  }

  /** The next captures behind a number; empty = there are none yet. */
  async after(seq: number): Promise<Carried[]> {
    if (seq >= this.#head) return [];
    const page = await this.#captures.list({
      ...this.key,
      after: seq,
      limit: READ_MAX,
      bodyBytesMax: CHUNK_BYTES_MAX,
    });
    return page.items.map(fromStore);
  }

  /** undefined = it is gone. */
  async one(seq: number): Promise<Carried | undefined> {
    const near = this.peek(seq);
    if (near) return near;
    const found = await this.#captures.read({ ...this.key, seq }, CHUNK_BYTES_MAX);
    return found && fromStore(found);
  }
}

function carry(capture: NewCapture, { id, seq }: Kept): Carried {
  const { receivedAt, method, target, pathAt, head, remoteAddress, bodyBytes, body } = capture;
  return {
    seq,
    id,
    receivedAt,
    method,
    remoteAddress,
    bodyBytes,
    path: target.slice(pathAt),
    headers: decodeHead(head),
    truncated: body.length < bodyBytes,
    body: body.length <= CHUNK_BYTES_MAX ? body : undefined,
  };
}

function fromStore(capture: StoredCapture): Carried {
  const { seq, id, receivedAt, method, target, pathAt, head } = capture;
  const { remoteAddress, bodyBytes, truncated, body, answeredBy, status, error } = capture;
  return {
    ...{ seq, id, receivedAt, method, remoteAddress, bodyBytes, truncated, body },
    path: target.slice(pathAt),
    headers: decodeHead(head),
    unanswered: status === undefined && error === undefined ? answeredBy : undefined,
  };
}
