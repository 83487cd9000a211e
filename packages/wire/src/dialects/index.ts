import type { Dialect, DialectName } from '../message.ts';
import { standard } from './standard.ts';

/** Every format that an endpoint can receive, by name. */
export const dialects: Readonly<Record<DialectName, Dialect>> = { standard };
