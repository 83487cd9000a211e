import type { Reporter, TestModule, TestSuite } from 'vitest/node';

/**
 * One line for each suite that did not run; its title says what it needs. With `require` a skip is a
 * failure: that is how CI proves that it has installed everything.
 */
export class SkipReporter implements Reporter {
  readonly #require: boolean;

  constructor(require: boolean) {
    this.#require = require;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules.flatMap((module) =>
      skippedIn(module).map((name) => `${module.relativeModuleId}: ${name}`),
    );
    for (const line of skipped) console.log(`skipped ${line}`);
    if (this.#require && skipped.length > 0) {
      console.error(
        'POSTHORN_TEST_REQUIRE=all: a skip is a failure. Install what the titles name.',
      );
      process.exitCode = 1;
    }
  }
}

/** Whole suites by their title, single tests by theirs. */
function skippedIn(parent: TestModule | TestSuite): string[] {
  const names: string[] = [];
  for (const child of parent.children) {
    if (child.type === 'test') {
      if (child.result().state === 'skipped') names.push(child.fullName);
    } else {
      const all = [...child.children.allTests()].length;
      const skipped = [...child.children.allTests('skipped')].length;
      if (skipped === all && all > 0) names.push(child.fullName);
      else names.push(...skippedIn(child));
    }
  }
  return names;
}
