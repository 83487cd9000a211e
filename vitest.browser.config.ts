import { defineConfig } from 'vitest/config';
import { findChromium } from './packages/dashboard/test/lib/chromium.ts';

// The dashboard in a real browser, against the built product: `npm run test:browser`. Two files at a
// time, each with a product of its own; then, alone, what is measured.
const chromium = findChromium();
if (chromium === undefined) {
  const message = 'the dashboard in a browser: it needs chromium (apt-get install chromium)';
  if (process.env['POSTHORN_TEST_REQUIRE'] === 'all') throw new Error(message);
  console.log(`skipped ${message}`);
}

const shared = { testTimeout: 30_000, hookTimeout: 30_000, passWithNoTests: true };
const files = (name: string) =>
  chromium === undefined ? [] : [`packages/dashboard/test/**/*.${name}.ts`];

export default defineConfig({
  test: {
    ...shared,
    ...(chromium === undefined
      ? {}
      : { globalSetup: ['./packages/dashboard/test/lib/browser.ts'] }),
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: { name: 'pages', include: files('browser'), sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: {
          name: 'measures',
          include: files('measure'),
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
