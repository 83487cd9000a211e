import { chromium } from 'playwright-core';
import type { TestProject } from 'vitest/node';
import { findChromium } from './chromium.ts';

/** One browser for all test files: a process of its own, which each of them connects to. */
export default async function setup(project: TestProject) {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error('no chromium');
  const server = await chromium.launchServer({
    executablePath,
    args: [
      // Chromium's sandbox needs what containers and root do not have.
      '--no-sandbox',
      // An application in a test has an address of the internet, and may embed what runs here.
      '--disable-features=LocalNetworkAccessChecks',
    ],
  });
  project.provide('browser', server.wsEndpoint());
  return () => server.close();
}

declare module 'vitest' {
  interface ProvidedContext {
    browser: string;
  }
}
