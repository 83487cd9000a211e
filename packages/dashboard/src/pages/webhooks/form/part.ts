import type { Draft } from '../draft.ts';
import type { Mistakes, SendingDraft } from '../sending-draft.ts';

/** What each section of the form gets. */
export interface Part {
  readonly draft: Draft;
  readonly set: (change: Partial<Draft>) => void;
  /** What the server, or the form itself, said of a field. */
  readonly mistakes: Mistakes;
}

/** The whole form. */
export interface FormPart extends Part {
  /** It is not saved yet. */
  readonly isNew: boolean;
}

/** The part of it that tenants hand down. */
export interface SendingPart {
  /** What stands for a value that is left out. */
  readonly inherited?: string;
  readonly draft: SendingDraft;
  readonly set: (change: Partial<SendingDraft>) => void;
  readonly mistakes: Mistakes;
}

/** Of a field, or of anything below it: `headers.2.name` belongs to `headers`. */
export function mistakeOf(mistakes: Mistakes, field: string): string | undefined {
  if (mistakes[field] !== undefined) return mistakes[field];
  const below = Object.keys(mistakes).find((path) => path.startsWith(`${field}.`));
  return below === undefined ? undefined : mistakes[below];
}
