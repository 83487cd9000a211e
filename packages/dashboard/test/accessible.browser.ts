import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { expect, test } from 'vitest';
import { fill } from './lib/example.ts';
import { stage, type Watched } from './lib/stage.ts';

/** WCAG 2.2 AA as far as a program can judge it: every page, in both themes. */

const on = stage();
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

async function seriousOn(page: Watched): Promise<string[]> {
  const { violations } = await page.evaluate(async (rules) => {
    const { axe } = globalThis as unknown as {
      axe: { run(root: Document, options: object): Promise<AxeResults> };
    };
    return axe.run(document, { runOnly: rules, resultTypes: ['violations'] });
  }, RULES);
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
}

test('no page has a serious violation, light or dark', async () => {
  const { pages } = await fill(on);
  const page = await on.signedIn();
  await page.evaluate(axe);
  const found: Record<string, string[]> = {};
  for (const [name, path] of pages) {
    await on.visit(page, path);
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      const serious = await seriousOn(page);
      if (serious.length > 0) found[`${name}, ${scheme}`] = serious;
    }
  }
  expect(found).toEqual({});
}, 200_000);

test('the whole way to a webhook by keyboard alone', async () => {
  const page = await on.signedIn('/webhooks');
  await page.keyboard.press('n');
  await page.getByRole('heading', { name: 'New webhook' }).waitFor();
  await expect
    .poll(() => page.evaluate(() => document.activeElement?.getAttribute('type')))
    .toBe('url');
  await page.keyboard.type(on.receiver.url('/typed'));
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Pause' }).waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
});
