import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { basePath } from '../core/public-url.ts';
import { COMMON, type SiteFile, sendAsset } from './asset.ts';
import type { ConfigView } from './ports.ts';

/**
 * The dashboard's files, from memory. Names hold a hash of the content, so they are cached for ever;
 * the page itself is made anew for each request, around a nonce.
 */

export interface SiteFiles {
  /** HTML with `__NONCE__` and addresses that begin with `./assets/`. */
  readonly page: string;
  /** By name below `assets/`. */
  readonly assets: ReadonlyMap<string, SiteFile>;
}

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};

/** What the dashboard's build wrote; undefined = it was not built. */
export function readSite(directory: string): SiteFiles | undefined {
  const page = join(directory, 'index.html');
  if (!existsSync(page)) return undefined;
  const place = join(directory, 'assets');
  const assets = new Map<string, SiteFile>();
  for (const file of readdirSync(place)) {
    const name = file.replace(/\.gz$/, '');
    const type = TYPES[extname(name)];
    if (name === file || type === undefined) continue;
    const gzip = readFileSync(join(place, `${name}.gz`));
    assets.set(name, { type, gzip, br: readFileSync(join(place, `${name}.br`)) });
  }
  return { page: readFileSync(page, 'utf8'), assets };
}

export interface SiteOptions {
  readonly files: SiteFiles;
  readonly config: ConfigView;
  /** Where people reach this server; a proxy may serve it below a path. */
  readonly publicUrl: () => string;
}

/** A tenant's name never begins with `-`, so no page of one has this address. */
const ASSETS = '/dashboard/-/assets/';
const PORTAL = /^\/portal\/([^/]{1,200})(?:\/|$)/;

export class Site {
  readonly #options: SiteOptions;

  constructor(options: SiteOptions) {
    this.#options = options;
  }

  /** Answers what is the dashboard's; false = it is somebody else's. */
  handle(req: IncomingMessage, res: ServerResponse): boolean {
    if (req.method !== 'GET' && req.method !== 'HEAD') return false;
    const path = (req.url ?? '').split('?', 1)[0] ?? '';
    if (path.startsWith(ASSETS)) {
      sendAsset(this.#options.files.assets.get(path.slice(ASSETS.length)), req, res);
      return true;
    }
    if (path === '/' || path === '/dashboard') {
      res.writeHead(302, { ...COMMON, Location: `${this.#prefix()}/dashboard/` }).end();
      return true;
    }
    if (path.startsWith('/dashboard/')) {
      this.#page([], req, res);
      return true;
    }
    const tenant = PORTAL.exec(path)?.[1];
    if (tenant === undefined) return false;
    this.#page(this.#ancestorsOf(tenant), req, res);
    return true;
  }

  #page(ancestors: readonly string[], req: IncomingMessage, res: ServerResponse): void {
    const nonce = randomBytes(16).toString('base64');
    const base = this.#prefix();
    const body = this.#options.files.page
      .replaceAll('__NONCE__', nonce)
      .replaceAll('"./assets/', `"${base}${ASSETS}`)
      .replace('__BASE__', base);
    res.writeHead(200, {
      ...COMMON,
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
      'Cache-Control': 'no-store',
      'Content-Security-Policy': policy(nonce, ancestors),
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=()',
      'X-Robots-Tag': 'noindex',
      ...(ancestors.length === 0 ? { 'X-Frame-Options': 'DENY' } : {}),
    });
    res.end(req.method === 'HEAD' ? undefined : body);
  }

  /** An unknown tenant looks like one that nobody may embed. */
  #ancestorsOf(segment: string): readonly string[] {
    try {
      return this.#options.config.tenant(decodeURIComponent(segment))?.portal?.frameAncestors ?? [];
    } catch {
      // Not percent-encoded UTF-8: no tenant has such a name.
      return [];
    }
  }

  #prefix(): string {
    return basePath(this.#options.publicUrl());
  }
}

/** Nothing but our own files, named by this answer's nonce; no markup from text (Trusted Types). */
function policy(nonce: string, ancestors: readonly string[]): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    `frame-ancestors ${ancestors.length === 0 ? "'none'" : ancestors.join(' ')}`,
    "require-trusted-types-for 'script'",
    'trusted-types default',
  ].join('; ');
}
