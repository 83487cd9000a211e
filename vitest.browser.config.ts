import { defineConfig } from 'vitest/config';
import { findChromium } from './packages/dashboard/test/lib/chromium.ts';

// The dashboard in a real browser, against the built product: `npm run test:browser`. One file after
// the other, because each starts the product and a browser, and what is measured is time.
const chromium = findChromium();
if (chromium === undefined) {
  const message = 'the dashboard in a browser: it needs chromium (apt-get install chromium)';
  if (process.env['POSTHORN_TEST_REQUIRE'] === 'all') throw new Error(message);
  console.log(`skipped ${message}`);
}

export default defineConfig({
  test: {
    include: chromium === undefined ? [] : ['packages/dashboard/test/**/*.browser.ts'],
    passWithNoTests: true,
    fileParallelism: false,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
