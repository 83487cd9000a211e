import { defineConfig } from 'vitest/config';
import { SkipReporter } from './scripts/skip-reporter.ts';

// Tests resolve the workspaces to their sources, so a red test never means a stale build. Black-box
// suites (packages/server/test) start the built product in processes of its own instead.
const conditions = ['@posthorn/source'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'packages/*/test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    maxWorkers: 2,
    // Modules are loaded once per worker rather than once per file: a sixth of the time of all tests.
    isolate: false,
    reporters: ['default', new SkipReporter(process.env['POSTHORN_TEST_REQUIRE'] === 'all')],
  },
});
