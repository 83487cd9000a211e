import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '../../core/errors.ts';
import type { KeyOnly } from '../../core/model.ts';
import { decodeHead } from '../../inbox/head.ts';
import { redact } from '../../inbox/redact.ts';
import type { InboxView, PlacedInbox } from '../../inbox/view.ts';
import { capturePlace } from '../../store/capture-id.ts';
import type { CaptureStore, StoredCapture } from '../../store/inbox.ts';
import type { Authenticator } from '../auth.ts';
import { escaped } from '../escape.ts';
import { toIso } from '../format.ts';

/**
 * What a share link shows: captures as a page made here, without scripts, without anything from
 * elsewhere. Everything on it is a stranger's text, so everything is escaped.
 */
export interface SharedPageOptions {
  readonly authenticator: Authenticator;
  readonly view: InboxView;
  readonly captures: CaptureStore;
}

export const SHARED_PREFIX = '/shared/';
const SHOWN_MAX = 100;
const BODY_BYTES_MAX = 65_536;

const STYLE = `:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.2rem}summary{cursor:pointer;padding:.4rem 0;border-top:1px solid #8884}
code,pre{font:13px/1.4 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere}
pre{background:#8881;padding:.75rem;border-radius:6px}.m{font-weight:600;display:inline-block;min-width:4.5rem}.t{opacity:.7}`;
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

const HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox`,
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Robots-Tag': 'noindex, nofollow',
};

export class SharedPage {
  readonly #options: SharedPageOptions;

  constructor(options: SharedPageOptions) {
    this.#options = options;
  }

  /** false = not a share link. */
  handle(req: IncomingMessage, res: ServerResponse): boolean {
    const target = req.url ?? '';
    if (!target.startsWith(SHARED_PREFIX)) return false;
    const token = target.slice(SHARED_PREFIX.length).split('?', 1)[0] ?? '';
    this.#show(token, req.socket.remoteAddress).then(
      (html) => write(res, 200, html),
      (error: unknown) => {
        const [status, text] = whyNot(error);
        write(res, status, page('Not shown', `<p>${escaped(text)}</p>`));
      },
    );
    return true;
  }

  async #show(token: string, from: string | undefined): Promise<string> {
    const { authenticator, view } = this.#options;
    const { only } = authenticator.admit(`Bearer ${token}`, from);
    const inbox = only?.shared ? view.get(only.inbox) : undefined;
    if (!only || !inbox) throw new AppError('not_found', GONE);
    const captures = await this.#captures(inbox, only);
    if (captures.length === 0) return page(inbox.title, '<p>No captures yet.</p>');
    const open = captures.length === 1 ? ' open' : '';
    const items = captures.map((capture) => render(redact(capture), open));
    return page(inbox.title || 'Captured requests', items.join('\n'));
  }

  async #captures(inbox: PlacedInbox, { capture }: KeyOnly): Promise<StoredCapture[]> {
    const { captures } = this.#options;
    const key = { slot: inbox.slot, inbox: inbox.id };
    if (capture === null) {
      return (await captures.list({ ...key, limit: SHOWN_MAX, bodyBytesMax: BODY_BYTES_MAX }))
        .items;
    }
    const place = capturePlace(capture);
    const found = place && (await captures.read({ ...key, seq: place.seq }, BODY_BYTES_MAX));
    return found?.id === capture ? [found] : [];
  }
}

const GONE = 'This link has expired, or was withdrawn.';

function whyNot(error: unknown): [number, string] {
  if (!(error instanceof AppError)) return [503, 'The server does not answer just now: try again.'];
  if (error.code === 'overloaded') return [429, 'Too many wrong links from this address.'];
  return [404, GONE];
}

function write(res: ServerResponse, status: number, html: string): void {
  if (res.destroyed) return;
  res.writeHead(status, { ...HEADERS, 'Content-Length': Buffer.byteLength(html) });
  res.end(html);
}

function page(title: string, content: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title><style>${STYLE}</style></head><body><h1>${escaped(title)}</h1>${content}</body></html>`;
}

function render(capture: StoredCapture, open: string): string {
  const { method, target, pathAt, receivedAt, bodyBytes, body, head } = capture;
  const path = target.slice(pathAt) || '/';
  const flat = decodeHead(head);
  const lines = flat.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${flat[i + 1]}`] : []));
  const shown = body
    ? `<pre>${escaped(Buffer.from(body).toString())}</pre>`
    : `<p class="t">A body of ${bodyBytes} bytes that is not shown.</p>`;
  return `<details${open}><summary><span class="m">${escaped(method)}</span> <code>${escaped(path)}</code> <span class="t">${toIso(receivedAt)}</span></summary><pre>${escaped(lines.join('\n'))}</pre>${bodyBytes > 0 ? shown : ''}</details>`;
}
