import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'vitest';
import { fill, keepBusy } from './lib/example.ts';
import { quantized } from './lib/png.ts';
import { stage, type Watched } from './lib/stage.ts';

/** Pictures of every page for the documents: `npm run screenshots`. */

const on = stage();
const DIRECTORY = fileURLToPath(new URL('../../../docs/images/', import.meta.url));

/** Colours fade over. */
const SETTLE_MS = 400;

async function shoot(page: Watched, name: string): Promise<void> {
  const png = await page.screenshot({ animations: 'disabled', caret: 'hide' });
  writeFileSync(`${DIRECTORY}${name}.png`, quantized(png));
}

test('every page, light, dark and on a phone', async () => {
  const { pages } = await fill(on);
  mkdirSync(DIRECTORY, { recursive: true });
  const wide = await on.signedIn('', { width: 1280, height: 800 });
  const narrow = await on.signedIn('', { width: 390, height: 844, touch: true });
  for (const [name, path] of pages) {
    for (const page of [wide, narrow]) {
      await page.goto(on.product.url + path);
      await page.getByRole('heading').first().waitFor();
      // Charts and editors are files of their own.
      await page.waitForTimeout(500);
    }
    if (name === 'overview') await keepBusy(on, wide);
    await wide.emulateMedia({ colorScheme: 'light' });
    await wide.waitForTimeout(SETTLE_MS);
    await shoot(wide, name);
    await wide.emulateMedia({ colorScheme: 'dark' });
    await wide.waitForTimeout(SETTLE_MS);
    await shoot(wide, `${name}-dark`);
    await shoot(narrow, `${name}-phone`);
  }
}, 300_000);
