import type { Dialect, DialectName } from '../message.ts';
import { caisy } from './caisy.ts';
import { cand } from './cand.ts';
import { casdoor } from './casdoor.ts';
import { casdoorDocs } from './casdoor-docs.ts';
import { custom } from './custom.ts';
import { ferriskey } from './ferriskey.ts';
import { logto } from './logto.ts';
import { raw } from './raw.ts';
import { standard } from './standard.ts';

/** Every format that an endpoint can receive, by name. */
export const dialects: Readonly<Record<DialectName, Dialect>> = {
  standard,
  casdoor,
  'casdoor-docs': casdoorDocs,
  ferriskey,
  cand,
  logto,
  caisy,
  raw,
  custom,
};
