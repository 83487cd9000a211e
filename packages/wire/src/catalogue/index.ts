import { caisy } from './caisy.ts';
import { cand } from './cand.ts';
import { casdoor } from './casdoor.ts';
import { ferriskey } from './ferriskey.ts';
import { logto } from './logto.ts';
import type { Preset, PresetName } from './preset.ts';

export type { JsonObject, Preset, PresetEvent, PresetExample, PresetName } from './preset.ts';

/** The catalogues of the systems whose formats are spoken, by the name of their dialect. */
export const presets: Readonly<Record<PresetName, Preset>> = {
  casdoor,
  ferriskey,
  cand,
  logto,
  caisy,
};
