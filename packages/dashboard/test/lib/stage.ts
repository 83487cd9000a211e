import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, onTestFinished } from 'vitest';
import { type Product, Receiver, startProduct } from './product.ts';

export interface Stage {
  readonly product: Product;
  readonly receiver: Receiver;
  readonly browser: Browser;
  /** A page of a new person; what it must never do is checked when the test ends. */
  page(options?: PageOptions): Promise<Watched>;
  /** The same, signed in as an operator, at a page of the tenant `default`. */
  signedIn(path?: string, options?: PageOptions): Promise<Watched>;
  /** Goes on to another address within the page, as a link does. */
  visit(page: Watched, path: string): Promise<void>;
}

export interface PageOptions {
  readonly width?: number;
  readonly height?: number;
  /** A phone: fingers in place of a pointer. */
  readonly touch?: boolean;
  readonly scheme?: 'light' | 'dark';
  /** Requests that a test makes fail on purpose are said in the console. */
  readonly mayComplain?: boolean;
  /** Origins beside our own that it may ask: those that a test answers itself. */
  readonly hosts?: readonly string[];
}

export type Watched = Page & {
  /** Reports of the Content-Security-Policy, failures, requests to another host. */
  readonly offences: string[];
};

/** Product and receiver of a test file, ended with it, and the browser of all. */
export function stage(env: Record<string, string> = {}): Stage {
  const now: { product?: Product; receiver?: Receiver; browser?: Browser } = {};
  beforeAll(async () => {
    now.product = await startProduct(env);
    now.receiver = new Receiver();
    await now.receiver.listen();
    now.browser = await chromium.connect(inject('browser'));
  });
  afterAll(async () => {
    await now.browser?.close();
    now.receiver?.close();
    await now.product?.stop();
  });
  const of = <T>(part: T | undefined): T => {
    if (part === undefined) throw new Error('the stage is not set yet');
    return part;
  };
  const page = (options: PageOptions = {}) => open(of(now.browser), of(now.product), options);
  return {
    get product() {
      return of(now.product);
    },
    get receiver() {
      return of(now.receiver);
    },
    get browser() {
      return of(now.browser);
    },
    page,
    async signedIn(path = '', options = {}) {
      const opened = await page(options);
      const link = new URL(await of(now.product).link());
      await opened.goto(`${link.origin}/dashboard/default${path}${link.hash}`);
      await opened.getByRole('heading', { level: 1 }).waitFor();
      return opened;
    },
    async visit(page, path) {
      await page.evaluate((to) => {
        history.pushState({}, '', to);
        dispatchEvent(new PopStateEvent('popstate', { state: {} }));
      }, path);
      await page.waitForFunction(
        () => document.querySelector('[role=status][aria-label=Loading]') === null,
      );
      await page.getByRole('heading').first().waitFor();
    },
  };
}

async function open(browser: Browser, product: Product, options: PageOptions): Promise<Watched> {
  const { width = 1280, height = 800, scheme = 'light', mayComplain = false, hosts = [] } = options;
  const { touch = false } = options;
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: scheme,
    hasTouch: touch,
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  context.setDefaultTimeout(10_000);
  const offences: string[] = [];
  const page = Object.assign(await context.newPage(), { offences });
  page.on('pageerror', (error) => offences.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !mayComplain) offences.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    const url = new URL(request.url());
    const own = url.origin === product.url || url.protocol === 'data:' || url.protocol === 'blob:';
    if (!own && !hosts.includes(url.origin)) offences.push(`request to ${url.origin}`);
  });
  await page.exposeFunction('reportViolation', (text: string) => offences.push(`csp: ${text}`));
  await page.addInitScript(() => {
    const report = (globalThis as unknown as { reportViolation(text: string): void })
      .reportViolation;
    document.addEventListener('securitypolicyviolation', (event) =>
      report(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`),
    );
  });
  onTestFinished(async () => {
    await context.close();
    expect(offences).toEqual([]);
  });
  return page;
}
