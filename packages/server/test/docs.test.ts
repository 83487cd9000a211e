import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fillExamples, readGolden, renderConfiguration } from '../../../scripts/docs.js';
import { configTable } from '../src/config.ts';

test('docs/configuration.md is what scripts/docs.js writes', () => {
  const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
  expect(page).toBe(renderConfiguration(configTable()));
});

test('the examples of docs/dialects.md are golden messages', () => {
  const page = readFileSync(new URL('../../../docs/dialects.md', import.meta.url), 'utf8');
  expect(page).toBe(fillExamples(page, readGolden));
  expect(page.match(/<!-- golden: /g)).toHaveLength(page.match(/```http/g)?.length ?? 0);
});
