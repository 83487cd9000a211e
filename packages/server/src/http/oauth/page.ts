import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { escaped } from '../escape.ts';

/** Pages for people, made here: no scripts, nothing from elsewhere, the colours of the dashboard. */

const STYLE = `
:root{color-scheme:light dark;--bg:#f8f8fa;--card:#fff;--line:#e4e4e8;--text:#18181b;--text-2:#52525b;--accent:#4f46e5;--on:#fff;--new:#dcfce7;--new-text:#15803d;--bad:#b91c1c}
@media (prefers-color-scheme:dark){:root{--bg:#121214;--card:#19191c;--line:#2c2c31;--text:#ececee;--text-2:#b5b5bd;--accent:#8b85f5;--on:#121214;--new:#14301f;--new-text:#4ade80;--bad:#f87171}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;background:var(--bg);color:var(--text);font:15px/1.5 -apple-system,BlinkMacSystemFont,"Segoe UI",Inter,Roboto,"Noto Sans","Liberation Sans",system-ui,sans-serif;display:flex;align-items:safe center;justify-content:center;padding:24px 16px}
main{width:100%;max-width:30rem;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:28px}
header{display:flex;gap:14px;align-items:center;margin-bottom:18px}
.logo{width:48px;height:48px;border-radius:10px;border:1px solid var(--line);object-fit:contain;flex:none}
span.logo{display:flex;align-items:center;justify-content:center;font-size:22px;font-weight:600;color:var(--accent)}
h1{font-size:1.2rem;line-height:1.35;margin:0;overflow-wrap:anywhere}
h2{font-size:.8rem;font-weight:600;color:var(--text-2);margin:22px 0 6px}
p{margin:8px 0;overflow-wrap:anywhere}
.dim{color:var(--text-2);font-size:.87rem}
ul{list-style:none;margin:0;padding:0;border:1px solid var(--line);border-radius:8px}
li{padding:10px 12px;border-top:1px solid var(--line);overflow-wrap:anywhere}
li:first-child{border-top:0}
li b{font-weight:600}
li small{display:block;color:var(--text-2);font-size:.87rem}
.new{background:var(--new);color:var(--new-text);border-radius:4px;padding:1px 6px;font-size:.75rem;font-weight:600;margin-left:6px;white-space:nowrap}
code{font:13px/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
form{display:flex;gap:10px;margin-top:24px;flex-wrap:wrap}
button,.button{flex:1 1 8rem;font:inherit;font-weight:600;text-align:center;text-decoration:none;padding:10px 16px;border-radius:6px;border:1px solid var(--line);background:transparent;color:var(--text);cursor:pointer}
.main{background:var(--accent);border-color:var(--accent);color:var(--on)}
button:focus-visible,a:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
@media (max-width:30rem){body{padding:0;align-items:stretch}main{border:0;border-radius:0;min-height:100vh}}
`;

export interface Page {
  readonly title: string;
  /** Made by `html`. */
  readonly content: Html;
  /** Where a form of it may lead in the end, beside here. */
  readonly formTarget?: string | undefined;
}

/** Markup; whatever was put into it as text is escaped. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = string | Html | readonly Html[];

export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let text = strings[0] as string;
  for (const [i, part] of parts.entries()) text += markupOf(part) + strings[i + 1];
  return new Html(text);
}

function markupOf(part: Part): string {
  if (typeof part === 'string') return escaped(part);
  return part instanceof Html ? part.text : part.map(({ text }) => text).join('');
}

export function sendPage(res: ServerResponse, status: number, page: Page): void {
  const nonce = randomBytes(16).toString('base64');
  const { title, content } = page;
  const document = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><style nonce="${nonce}">${new Html(STYLE)}</style></head><body><main>${content}</main></body></html>`;
  res.writeHead(status, {
    ...PAGE_HEADERS,
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Length': Buffer.byteLength(document.text),
    'Content-Security-Policy': policy(nonce, page.formTarget),
  });
  res.end(document.text);
}

/** Of everything that browsers get here. A form must tell its own origin, so it may refer to itself. */
export const PAGE_HEADERS = {
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'X-Robots-Tag': 'noindex',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=()',
} as const;

/** Browsers hold what a form leads to against `form-action`, redirects included. */
function policy(nonce: string, formTarget: string | undefined): string {
  return [
    "default-src 'none'",
    `style-src 'nonce-${nonce}'`,
    'img-src data:',
    `form-action 'self'${formTarget === undefined ? '' : ` ${formTarget}`}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
