import type { Preset } from './catalogue/preset.ts';
import type { Catalogue, StandardSchema } from './catalogue-types.ts';
import { jsonSchema } from './json-schema.ts';

/** A system's catalogue for receivers; events whose form is not known are not checked. */
export function presetEvents<M extends object>(preset: Preset): Catalogue<M> {
  const schemas: Record<string, StandardSchema> = {};
  for (const { name, schema } of preset.eventTypes) {
    schemas[name] = jsonSchema(schema ?? true);
  }
  return { schemas: schemas as Catalogue<M>['schemas'] };
}
