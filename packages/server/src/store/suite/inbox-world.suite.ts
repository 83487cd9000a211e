import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CaptureId, InboxId, Keep } from '../../core/inbox.ts';
import type { Ms } from '../../core/model.ts';
import type {
  Attach,
  Attached,
  Captured,
  CaptureQuery,
  InboxKey,
  InboxStore,
  NewCapture,
  NewExchange,
  StoredCapture,
} from '../inbox.ts';

export type OpenInbox = (options: { directory: string }) => Promise<InboxStore>;
export type InboxCases = Readonly<Record<string, (w: InboxWorld) => Promise<void>>>;

export const TTL_MS = 15_000;
export const KEEP: Keep = { captures: 1000, ageMs: 86_400_000, bytes: 100_000_000 };
export const SHOP: InboxKey = { slot: 7, inbox: 'inb_shop' as InboxId };
export const OTHER: InboxKey = { slot: 9, inbox: 'inb_other' as InboxId };

/** One inbox store under a virtual clock, and short words for what tests do to it. */
export class InboxWorld implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'posthorn-inbox-'));
  readonly #open: OpenInbox;
  #store: InboxStore | undefined;
  #attachments = 0;
  now: Ms = 1_700_000_000_000;

  constructor(open: OpenInbox) {
    this.#open = open;
  }

  get store(): InboxStore {
    if (!this.#store) throw new Error('open() first');
    return this.#store;
  }
  get captures(): InboxStore['captures'] {
    return this.store.captures;
  }
  get listeners(): InboxStore['listeners'] {
    return this.store.listeners;
  }

  async open(): Promise<void> {
    await this.#store?.close();
    this.#store = await this.#open({ directory: this.directory });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store?.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  request(overrides: Partial<NewCapture> = {}): NewCapture {
    const body = overrides.body ?? Buffer.from('{"a": 1}');
    return {
      ...SHOP,
      tenant: 'default',
      receivedAt: this.now,
      method: 'POST',
      target: '/in/shop/x?y=1',
      pathAt: 8,
      head: Buffer.from('Host: a\r\nX-Case: \xe9\r\nx-case: 2\r\n', 'latin1'),
      secretHead: false,
      body,
      bodyBytes: body.length,
      remoteAddress: '192.0.2.1',
      type: undefined,
      messageId: undefined,
      answeredBy: 'default',
      status: 200,
      keep: KEEP,
      ...overrides,
    };
  }

  capture(...batch: Partial<NewCapture>[]): Promise<Captured[]> {
    return this.captures.capture(
      batch.map((one) => this.request(one)),
      this.now,
    );
  }

  /** `count` captures of the shop, one batch. */
  feed(count: number, overrides: Partial<NewCapture> = {}): Promise<Captured[]> {
    return this.capture(...Array.from({ length: count }, () => overrides));
  }

  async items(query: Partial<CaptureQuery> = {}): Promise<StoredCapture[]> {
    const all = { ...SHOP, limit: 1000, bodyBytesMax: 1_000_000, ...query };
    return (await this.captures.list(all)).items;
  }
  /** Numbers, oldest first. */
  async seqs(key: InboxKey = SHOP): Promise<number[]> {
    return (await this.items({ ...key, after: 0 })).map(({ seq }) => seq);
  }
  async ids(): Promise<CaptureId[]> {
    return (await this.items({ after: 0 })).map(({ id }) => id);
  }

  exchange(seq: number, overrides: Partial<NewExchange> = {}): NewExchange {
    return {
      ...SHOP,
      seq,
      kind: 'listener',
      to: 'laptop',
      at: this.now,
      durationMs: 12.5,
      status: 200,
      error: undefined,
      requestHead: new Uint8Array(),
      requestBody: undefined,
      responseHead: Buffer.from('HTTP/1.1 200 OK\r\n'),
      responseBody: Buffer.from('thanks'),
      responseTruncated: false,
      secretHeads: false,
      ...overrides,
    };
  }

  attach(name: string, overrides: Partial<Attach> = {}): Promise<Attached> {
    this.#attachments += 1;
    const request: Attach = {
      ...SHOP,
      name,
      attachment: `s${this.#attachments}`,
      owner: 'key_a',
      mode: 'fanout',
      from: { kind: 'acked' },
      takeOver: false,
      filter: '',
      responder: true,
      agent: 'test',
      node: 'n1',
      ...overrides,
    };
    return this.listeners.attach(request, TTL_MS, this.now);
  }

  async attached(name: string, overrides: Partial<Attach> = {}) {
    const answer = await this.attach(name, overrides);
    if (answer.kind !== 'attached') throw new Error(`not attached: ${JSON.stringify(answer)}`);
    return { ...answer, attachment: overrides.attachment ?? `s${this.#attachments}` };
  }

  async maintain(chunk = 100): Promise<void> {
    while (await this.store.maintain(chunk, this.now));
  }
}
