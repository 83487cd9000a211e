import { defineConfig } from 'vitest/config';

// Pictures of every page for the documents: `npm run screenshots`.
export default defineConfig({
  test: {
    include: ['packages/dashboard/test/screenshots.shots.ts'],
    globalSetup: ['./packages/dashboard/test/lib/browser.ts'],
    testTimeout: 300_000,
    hookTimeout: 30_000,
  },
});
