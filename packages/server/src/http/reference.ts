import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { basePath } from '../core/public-url.ts';
import { COMMON, type SiteFile, sendAsset } from './asset.ts';

/** The API reference at `/docs`: the description at `/openapi.json`, shown by Scalar from our memory. */

export interface ReferenceFiles {
  /** Its name holds its version. */
  readonly name: string;
  readonly script: SiteFile;
}

/** What the build put there; undefined = it was not built. */
export function readReference(directory: string): ReferenceFiles | undefined {
  const stamp = join(directory, 'version');
  if (!existsSync(stamp)) return undefined;
  const file = (ending: string) => readFileSync(join(directory, `scalar.js.${ending}`));
  const type = 'text/javascript; charset=utf-8';
  const name = `scalar-${readFileSync(stamp, 'utf8').trim()}.js`;
  return { name, script: { type, gzip: file('gz'), br: file('br') } };
}

export interface ReferenceOptions {
  readonly files: ReferenceFiles | undefined;
  /** Where people reach this server; a proxy may serve it below a path. */
  readonly publicUrl: () => string;
}

const PAGE = '/docs';
const ASSETS = '/docs/-/';

/** Silent: no fonts, assistants or proxies of others, nothing that a browser would have to ask for. */
const SETTINGS = {
  withDefaultFonts: false,
  telemetry: false,
  proxyUrl: '',
  agent: { disabled: true },
  mcp: { disabled: true },
  hideClientButton: true,
  showDeveloperTools: 'never',
};

export class Reference {
  readonly #options: ReferenceOptions;

  constructor(options: ReferenceOptions) {
    this.#options = options;
  }

  /** Answers what is the reference's; false = it is somebody else's. */
  handle(req: IncomingMessage, res: ServerResponse): boolean {
    if (req.method !== 'GET' && req.method !== 'HEAD') return false;
    const path = (req.url ?? '').split('?', 1)[0] ?? '';
    if (path.startsWith(ASSETS)) {
      const { files } = this.#options;
      const known = files && path === ASSETS + files.name;
      sendAsset(known ? files.script : undefined, req, res);
      return true;
    }
    if (path !== PAGE && path !== `${PAGE}/`) return false;
    this.#page(req, res);
    return true;
  }

  #page(req: IncomingMessage, res: ServerResponse): void {
    const nonce = randomBytes(16).toString('base64');
    const body = this.#html(nonce);
    res.writeHead(200, {
      ...COMMON,
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
      'Cache-Control': 'no-store',
      'Content-Security-Policy': policy(nonce),
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=()',
      'X-Frame-Options': 'DENY',
    });
    res.end(req.method === 'HEAD' ? undefined : body);
  }

  #html(nonce: string): string {
    const { files, publicUrl } = this.#options;
    const base = basePath(publicUrl());
    const description = `${base}/openapi.json`;
    // Zod, which Scalar uses, would find out by trying that code may not be made of text here.
    const content = files
      ? `<main id="reference"></main>
<script nonce="${nonce}">globalThis.__zod_globalConfig = { jitless: true }</script>
<script nonce="${nonce}" src="${base}${ASSETS}${files.name}"></script>
<script nonce="${nonce}">Scalar.createApiReference('#reference', ${inScript({ url: description, ...SETTINGS })})</script>`
      : `<main><h1>Posthorn API</h1>
<p>The reference was not built here. <a href="${description}">The description of the API</a> is OpenAPI 3.1.</p></main>`;
    return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Posthorn API</title>
</head>
<body>
${content}
</body>
</html>
`;
  }
}

/** Scripts by this answer's nonce alone, and requests to us alone. Scalar writes styles where it needs them. */
function policy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    "style-src 'unsafe-inline'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** No text ends the script that it stands in. */
function inScript(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}
