// Writes packages/wire/src/events/*.ts: the five systems' catalogues as types for receivers. Run it after
// a change of packages/wire/src/catalogue: npm run build && node scripts/events.js
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** One module. `generateTypes` and `preset` are handed in, so that a test can use the sources. */
export function renderEvents(generateTypes, preset) {
  const definitions = preset.eventTypes.map(({ name, schema, label, description }) => [
    name,
    { ...schema, title: label, description },
  ]);
  const types = generateTypes({ $defs: Object.fromEntries(definitions) });
  const [, ...rest] = types.split('\n');
  return [
    '// Written by scripts/events.js from the catalogue beside: change that instead.',
    `import { ${preset.name} } from '../catalogue/${preset.name}.ts';`,
    "import type { Catalogue } from '../catalogue-types.ts';",
    "import { presetEvents } from '../preset-events.ts';",
    ...rest,
    `/** The events of ${preset.label}, for \`createReceiver({ events })\`. */`,
    `export const events: Catalogue<Events> = /* @__PURE__ */ presetEvents(${preset.name});`,
    '',
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { generateTypes } = await import('../packages/wire/dist/typegen/index.js');
  const { presets } = await import('../packages/wire/dist/catalogue/index.js');
  const directory = new URL('../packages/wire/src/events/', import.meta.url);
  mkdirSync(directory, { recursive: true });
  for (const preset of Object.values(presets)) {
    writeFileSync(new URL(`${preset.name}.ts`, directory), renderEvents(generateTypes, preset));
  }
}
