import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { renderConfiguration } from '../../../scripts/docs.js';
import { configTable } from '../src/config.ts';

test('docs/configuration.md is what scripts/docs.js writes', () => {
  const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
  expect(page).toBe(renderConfiguration(configTable()));
});
